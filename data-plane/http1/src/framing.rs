//! Where the body after a head ends, by its fields (RFC 9112 §6).
//!
//! Requests and responses follow the same rules, and are as strict: whatever two readers could
//! understand in two ways is refused.

use crate::body::length::BodyLength;
use crate::number::{NotALength, parse_length, push_decimal};
use crate::version::Version;

/// What can be wrong with the framing fields of any head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFraming {
    BothLengths,
    ContentLength,
    ConflictingContentLength,
    ContentTooLarge,
    RepeatedTransferEncoding,
    TransferCoding,
    TransferEncodingOnHttp10,
}

/// The framing fields of one head, gathered field by field.
#[derive(Debug, Default)]
pub(crate) struct Framing<'a> {
    lengths: Option<&'a [u8]>,
    conflict: bool,
    empty_member: bool,
    codings: u32,
    chunked: bool,
}

impl<'a> Framing<'a> {
    /// Takes a `Content-Length` value, which may be a list.
    #[inline]
    pub(crate) fn content_length(&mut self, value: &'a [u8]) {
        if value.contains(&b',') {
            let members = value.split(|&byte| byte == b',');
            members
                .map(<[u8]>::trim_ascii)
                .for_each(|member| self.length(member));
        } else {
            self.length(value);
        }
    }

    fn length(&mut self, member: &'a [u8]) {
        self.empty_member |= member.is_empty();
        self.conflict |= self.lengths.is_some_and(|first| first != member);
        self.lengths.get_or_insert(member);
    }

    /// Takes a `Transfer-Encoding` value.
    pub(crate) fn transfer_encoding(&mut self, value: &[u8]) {
        self.codings += 1;
        self.chunked = value.eq_ignore_ascii_case(b"chunked");
    }

    /// What the fields say together; [`BodyLength::None`] if they say nothing.
    pub(crate) fn resolve(&self, version: Version) -> Result<BodyLength, BadFraming> {
        match (self.lengths, self.codings) {
            (None, 0) => Ok(BodyLength::None),
            (Some(first), 0) => self.resolve_length(first),
            (Some(_), _) => Err(BadFraming::BothLengths),
            (None, _) if version == Version::Http10 => Err(BadFraming::TransferEncodingOnHttp10),
            (None, 1) if self.chunked => Ok(BodyLength::Chunked),
            (None, 1) => Err(BadFraming::TransferCoding),
            (None, _) => Err(BadFraming::RepeatedTransferEncoding),
        }
    }

    fn resolve_length(&self, first: &[u8]) -> Result<BodyLength, BadFraming> {
        if self.empty_member {
            return Err(BadFraming::ContentLength);
        }
        if self.conflict {
            return Err(BadFraming::ConflictingContentLength);
        }
        match parse_length(first) {
            Ok(length) => Ok(BodyLength::Exact(length)),
            Err(NotALength::Digits) => Err(BadFraming::ContentLength),
            Err(NotALength::TooLarge) => Err(BadFraming::ContentTooLarge),
        }
    }
}

/// Appends the one framing field that says where a body ends, or none.
pub(crate) fn push_framing(out: &mut Vec<u8>, body: BodyLength) {
    match body {
        BodyLength::None | BodyLength::UntilClose => {}
        BodyLength::Exact(length) => {
            out.extend_from_slice(b"Content-Length: ");
            push_decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        BodyLength::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
}
