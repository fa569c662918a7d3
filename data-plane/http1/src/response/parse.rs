//! Reading response heads from an endpoint's bytes.

use super::ResponseHead;
use super::malformed::Malformed;
use crate::body::length::BodyLength;
use crate::connection::ConnectionOptions;
use crate::framing::{BadFraming, Framing};
use crate::head_scan::{BadLine, HeadScan, ScanLimits, value_in};
use crate::known::{Known, KnownSet};
use crate::limits::ResponseLimits;
use crate::version::Version;

/// Fields that decide about the body and the connection.
const DECIDING: KnownSet = KnownSet::of(&[
    Known::ContentLength,
    Known::TransferEncoding,
    Known::Connection,
]);

/// The longest field name; the ceiling of L-04.
const MAX_NAME: u32 = 1024;

/// Reads the heads that answer one request: any interim ones, then the final one.
///
/// As [`crate::RequestParser`], it remembers how far it has looked and does not care how the bytes
/// are split. After a final head, 101 included, it is ready for the answer to the next request.
/// Once it has found a fault, it repeats it for whatever follows.
#[derive(Debug)]
pub struct ResponseParser {
    limits: ResponseLimits,
    scan: HeadScan,
    status_line: Option<(u16, Version)>,
    /// Interim heads since the last final one.
    interim: u32,
    malformed: Option<Malformed>,
}

impl ResponseParser {
    /// A parser at the beginning of a connection. It has allocated nothing.
    pub const fn new(limits: ResponseLimits) -> Self {
        Self {
            limits,
            scan: HeadScan::new(),
            status_line: None,
            interim: 0,
            malformed: None,
        }
    }

    /// Looks for a complete head at the start of `input`, which holds all bytes since the end of
    /// the last head or body: those of the last call first, unchanged, then any new ones.
    ///
    /// `Ok(None)` asks for more bytes and leaves `head` as it was. `Ok(Some(len))` has filled
    /// `head` from the first `len` bytes, which the caller drops. After an interim head
    /// ([`ResponseHead::is_interim`]) the next head follows.
    ///
    /// # Errors
    /// Why the connection must end and the client gets a 502. `head` is empty then.
    pub fn parse(
        &mut self,
        input: &[u8],
        head: &mut ResponseHead,
    ) -> Result<Option<usize>, Malformed> {
        let outcome = match self.malformed {
            Some(malformed) => Err(malformed),
            None => self.advance(input, head),
        };
        if let Err(malformed) = outcome {
            self.malformed = Some(malformed);
            self.scan.restart();
            head.clear();
        }
        outcome
    }

    fn advance(
        &mut self,
        input: &[u8],
        head: &mut ResponseHead,
    ) -> Result<Option<usize>, Malformed> {
        if self.status_line.is_none() {
            self.status_line = self.status_line(input)?;
        }
        let Some((status, version)) = self.status_line else {
            return Ok(None);
        };
        let limits = ScanLimits {
            head: self.limits.head,
            fields: self.limits.fields,
            field_name: MAX_NAME,
            field_value: self.limits.head,
        };
        let Some(len) = self.scan.fields(input, &limits)? else {
            return Ok(None);
        };
        self.complete(input, head, version)?;
        head.status = status;
        head.wire_len = len;
        self.interim = if head.is_interim() {
            self.interim + 1
        } else {
            0
        };
        if self.interim > self.limits.interim {
            return Err(Malformed::TooManyInterim);
        }
        self.scan
            .move_to(input.get(..len).unwrap_or_default(), &mut head.fields);
        self.status_line = None;
        Ok(Some(len))
    }

    /// Reads the status line, if it is there in full.
    fn status_line(&mut self, input: &[u8]) -> Result<Option<(u16, Version)>, Malformed> {
        check_beginning(input)?;
        let within = input.get(..self.limits.head as usize).unwrap_or(input);
        match self.scan.line_end(within, 0)? {
            Some(end) => {
                self.scan.begin_line(end + 2);
                parse_status_line(input.get(..end).unwrap_or_default()).map(Some)
            }
            None if input.len() > within.len() => Err(Malformed::HeadTooLong),
            None => Ok(None),
        }
    }

    /// Understands the fields that decide about body and connection.
    fn complete(
        &self,
        input: &[u8],
        head: &mut ResponseHead,
        version: Version,
    ) -> Result<(), Malformed> {
        let mut connection = ConnectionOptions::NONE;
        let mut framing = Framing::default();
        if self.scan.present().intersects(DECIDING) {
            for entry in self.scan.entries() {
                let value = value_in(input, entry);
                match entry.known {
                    Known::ContentLength => framing.content_length(value),
                    Known::TransferEncoding => framing.transfer_encoding(value),
                    Known::Connection => connection.note_all(value),
                    _ => {}
                }
            }
        }
        head.declared = match framing.resolve(version)? {
            BodyLength::None => BodyLength::UntilClose,
            declared => declared,
        };
        head.connection = connection;
        head.version = version;
        Ok(())
    }
}

/// Refuses what cannot become a status line before its line end is there.
fn check_beginning(input: &[u8]) -> Result<(), Malformed> {
    const PROTOCOL: &[u8; 5] = b"HTTP/";
    let fits = match input.first_chunk::<5>() {
        Some(start) => start == PROTOCOL,
        None => PROTOCOL.starts_with(input),
    };
    if fits {
        Ok(())
    } else {
        Err(Malformed::StatusLine)
    }
}

/// Reads `HTTP/1.x SP status [SP reason]`. The blank before an empty reason may be missing, as it
/// often is. Control bytes have been
/// refused with the search for the line end.
fn parse_status_line(line: &[u8]) -> Result<(u16, Version), Malformed> {
    let (version, rest) = line.split_at_checked(8).ok_or(Malformed::StatusLine)?;
    let version = match version {
        b"HTTP/1.1" => Version::Http11,
        b"HTTP/1.0" => Version::Http10,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Malformed::Version);
        }
        _ => return Err(Malformed::StatusLine),
    };
    let [b' ', status @ ..] = rest else {
        return Err(Malformed::StatusLine);
    };
    match status {
        [
            hundreds @ b'1'..=b'5',
            tens @ b'0'..=b'9',
            ones @ b'0'..=b'9',
        ]
        | [
            hundreds @ b'1'..=b'5',
            tens @ b'0'..=b'9',
            ones @ b'0'..=b'9',
            b' ',
            ..,
        ] => {
            let digit = |byte: u8| u16::from(byte - b'0');
            Ok((
                100 * digit(*hundreds) + 10 * digit(*tens) + digit(*ones),
                version,
            ))
        }
        _ => Err(Malformed::Status),
    }
}

impl From<BadLine> for Malformed {
    fn from(bad: BadLine) -> Self {
        match bad {
            BadLine::BareLineFeed => Self::BareLineFeed,
            BadLine::BareCarriageReturn => Self::BareCarriageReturn,
            BadLine::ControlByte => Self::ControlByte,
            BadLine::NoColon => Self::NoColon,
            BadLine::FieldName | BadLine::FieldNameTooLong => Self::FieldName,
            BadLine::Folded => Self::Folded,
            BadLine::HeadTooLong | BadLine::FieldValueTooLong => Self::HeadTooLong,
            BadLine::TooManyFields => Self::TooManyFields,
        }
    }
}

impl From<BadFraming> for Malformed {
    fn from(bad: BadFraming) -> Self {
        match bad {
            BadFraming::BothLengths => Self::BothLengths,
            BadFraming::ContentLength | BadFraming::ContentTooLarge => Self::ContentLength,
            BadFraming::ConflictingContentLength => Self::ConflictingContentLength,
            BadFraming::RepeatedTransferEncoding => Self::RepeatedTransferEncoding,
            BadFraming::TransferCoding => Self::TransferCoding,
            BadFraming::TransferEncodingOnHttp10 => Self::TransferEncodingOnHttp10,
        }
    }
}
