//! Reading request heads from a client's bytes.

use super::line::{self, Progress};
use super::refused::Refused;
use super::target::Authority;
use super::{RequestHead, RequestLine, TargetForm};
use crate::connection::ConnectionOptions;
use crate::framing::{BadFraming, Framing};
use crate::head_scan::{BadLine, HeadScan, ScanLimits, value_in};
use crate::host::{Host, InvalidHost};
use crate::known::Known;
use crate::limits::RequestLimits;
use crate::version::Version;

/// Reads one request head after the other, from whatever pieces the bytes arrive in.
///
/// The parser remembers how far it has looked, so that a head that arrives byte by byte costs no
/// more than one that arrives at once. It answers the same for the same bytes, however they were
/// split. Once it has refused, it refuses all that follows with the same reason.
#[derive(Debug)]
pub struct RequestParser {
    limits: RequestLimits,
    scan: HeadScan,
    /// Empty lines before the request line.
    empty_lines: u8,
    /// The request line and its version, once it is read.
    line: RequestLine,
    version: Option<Version>,
    refused: Option<Refused>,
    started: bool,
}

impl RequestParser {
    /// A parser at the beginning of a connection. It has allocated nothing.
    pub const fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            scan: HeadScan::new(),
            empty_lines: 0,
            line: RequestLine::EMPTY,
            version: None,
            refused: None,
            started: false,
        }
    }

    /// Looks for a complete head at the start of `input`, which holds all bytes since the end of
    /// the last message: those of the last call first, unchanged, then any new ones.
    ///
    /// `Ok(None)` asks for more bytes and leaves `head` as it was. `Ok(Some(len))` has filled
    /// `head` from the first `len` bytes; the caller drops these, and what follows them is the
    /// body, then the next head.
    ///
    /// # Errors
    /// Why the connection must end after an answer of [`Refused::status`]. `head` is empty then.
    pub fn parse(
        &mut self,
        input: &[u8],
        head: &mut RequestHead,
    ) -> Result<Option<usize>, Refused> {
        let outcome = match self.refused {
            Some(refused) => Err(refused),
            None => self.advance(input, head),
        };
        if let Err(refused) = outcome {
            self.refused = Some(refused);
            self.scan.restart();
            head.clear();
        }
        outcome
    }

    /// Whether `parse` has seen a part of a head, which decides between a 408 and a silent close
    /// when the time is over (L-05).
    pub const fn is_started(&self) -> bool {
        self.started
    }

    fn advance(&mut self, input: &[u8], head: &mut RequestHead) -> Result<Option<usize>, Refused> {
        self.started = !input.is_empty();
        if self.version.is_none() {
            self.version = self.request_line(input)?;
        }
        let Some(version) = self.version else {
            return Ok(None);
        };
        let limits = ScanLimits {
            head: self.limits.head,
            fields: self.limits.fields,
            field_name: self.limits.field_name,
            field_value: self.limits.field_value,
        };
        let Some(len) = self.scan.fields(input, &limits)? else {
            return Ok(None);
        };
        self.complete(input, head, version)?;
        self.scan
            .move_to(input.get(..len).unwrap_or_default(), &mut head.fields);
        head.wire_len = len;
        self.version = None;
        self.empty_lines = 0;
        self.started = false;
        Ok(Some(len))
    }

    /// Reads the request line, after at most one empty line.
    fn request_line(&mut self, input: &[u8]) -> Result<Option<Version>, Refused> {
        while self.is_empty_line(input)? {
            self.empty_lines += 1;
            self.scan.begin_line(self.scan.at() + 2);
        }
        let start = self.scan.at();
        let line_limit = start + self.limits.request_line as usize + 2;
        let head_limit = self.limits.head as usize;
        let within = input.get(..line_limit.min(head_limit)).unwrap_or(input);
        let obs_text = self.limits.obs_text_in_target;
        match line::read(
            within,
            start,
            self.scan.searched(),
            obs_text,
            &mut self.line,
        )? {
            Progress::Complete { version, end } => {
                self.scan.begin_line(end);
                Ok(Some(version))
            }
            Progress::Partial { .. } if input.len() > within.len() => {
                let head_is_full = head_limit < line_limit;
                Err(if head_is_full {
                    Refused::HeadTooLong
                } else {
                    Refused::UriTooLong
                })
            }
            Progress::Partial { searched } => {
                self.scan.search_on_from(searched);
                Ok(None)
            }
        }
    }

    /// Whether an empty line stands where the request line should. Recognises by its first bytes
    /// what is no request at all.
    fn is_empty_line(&self, input: &[u8]) -> Result<bool, Refused> {
        match input.get(self.scan.at()..).unwrap_or_default() {
            // The signature of PROXY version 2 is CR LF CR LF NUL.
            [0, ..] if self.empty_lines == 2 => Err(Refused::ProxyHeader),
            [_, ..] if self.empty_lines == 2 => Err(Refused::EmptyLines),
            [0x16, ..] => Err(Refused::TlsRecord),
            [b'\r', b'\n', ..] => Ok(true),
            _ => Ok(false),
        }
    }

    /// Understands the fields that decide about host, body and connection.
    fn complete(
        &self,
        input: &[u8],
        head: &mut RequestHead,
        version: Version,
    ) -> Result<(), Refused> {
        let mut connection = ConnectionOptions::default();
        let mut framing = Framing::default();
        let mut host = None;
        let mut expectations = Ok(false);
        for entry in self.scan.entries() {
            let value = value_in(input, entry);
            match entry.known {
                Known::Host if host.is_some() => return Err(Refused::RepeatedHost),
                Known::Host => host = Some((value, entry.value as usize)),
                Known::ContentLength => framing.content_length(value),
                Known::TransferEncoding => framing.transfer_encoding(value),
                Known::Connection => connection.note_all(value),
                Known::Expect if value.eq_ignore_ascii_case(b"100-continue") => {
                    expectations = expectations.map(|_| true);
                }
                Known::Expect => expectations = Err(Refused::Expectation),
                _ => {}
            }
        }
        let (host, host_at) = host.ok_or(Refused::MissingHost)?;
        let parsed = Host::parse(host)?;
        head.line = self.line;
        if head.line.form != TargetForm::Absolute {
            head.line
                .set_authority(&Authority::new(&parsed, host_at, host.len()));
        }
        head.body = framing.resolve(version)?;
        head.expects_continue = expectations? && version != Version::Http10;
        head.connection = connection;
        head.version = version;
        Ok(())
    }
}

impl From<InvalidHost> for Refused {
    fn from(invalid: InvalidHost) -> Self {
        match invalid {
            InvalidHost::Empty => Self::EmptyHost,
            InvalidHost::Host | InvalidHost::Port => Self::MalformedHost,
        }
    }
}

impl From<BadLine> for Refused {
    fn from(bad: BadLine) -> Self {
        match bad {
            BadLine::BareLineFeed => Self::BareLineFeed,
            BadLine::BareCarriageReturn => Self::BareCarriageReturn,
            BadLine::ControlByte => Self::ControlByte,
            BadLine::NoColon => Self::NoColon,
            BadLine::FieldName => Self::FieldName,
            BadLine::Folded => Self::Folded,
            BadLine::HeadTooLong => Self::HeadTooLong,
            BadLine::TooManyFields => Self::TooManyFields,
            BadLine::FieldNameTooLong => Self::FieldNameTooLong,
            BadLine::FieldValueTooLong => Self::FieldValueTooLong,
        }
    }
}

impl From<BadFraming> for Refused {
    fn from(bad: BadFraming) -> Self {
        match bad {
            BadFraming::BothLengths => Self::BothLengths,
            BadFraming::ContentLength => Self::ContentLength,
            BadFraming::ConflictingContentLength => Self::ConflictingContentLength,
            BadFraming::ContentTooLarge => Self::ContentTooLarge,
            BadFraming::RepeatedTransferEncoding => Self::RepeatedTransferEncoding,
            BadFraming::TransferCoding => Self::TransferCoding,
            BadFraming::TransferEncodingOnHttp10 => Self::TransferEncodingOnHttp10,
        }
    }
}
