//! One event in its envelope: Dropsonde's `events.Envelope` with an `HttpStartStop`, written field by field, as what is
//! told of a request lies in many places.

use pointsman_routing::Tags;
use prost::encoding::{WireType, encode_key, encode_varint};

/// `Envelope.EventType.HttpStartStop`.
const HTTP_START_STOP: u64 = 4;

/// `PeerType.Server`.
const SERVER: u64 = 2;

/// What `Method` is for one that is not in the list.
const NO_METHOD: u64 = 0;

/// The methods that have a number, from 1 on.
const METHODS: [&str; 44] = [
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DEBUG",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SHOWMETHOD",
    "SPACEJUMP",
    "TEXTSEARCH",
    "TRACE",
    "TRACK",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// A request that was served, or refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a, F> {
    /// When its head was there, in nanoseconds of the Unix epoch.
    pub(crate) started: u64,
    /// When it was over.
    pub(crate) stopped: u64,
    /// The text of its id.
    pub(crate) request_id: &'a [u8],
    /// Its method.
    pub(crate) method: &'a [u8],
    /// Its host.
    pub(crate) host: &'a [u8],
    /// Its path, without the query.
    pub(crate) path: &'a [u8],
    /// The client's address and port.
    pub(crate) remote: &'a str,
    /// Its `User-Agent`.
    pub(crate) user_agent: &'a [u8],
    /// The status of the answer.
    pub(crate) status: u16,
    /// Bytes of the answer's body.
    pub(crate) sent: u64,
    /// The members of its `X-Forwarded-For`.
    pub(crate) forwarded: F,
    /// The tags of the endpoint, where one was chosen.
    pub(crate) tags: Option<Tags<'a>>,
    /// Where it stands in its trace: the ids of the trace and of this part of it.
    pub(crate) trace: Option<(&'a [u8], &'a [u8])>,
}

impl<'f, F: Iterator<Item = &'f [u8]>> Served<'_, F> {
    /// Appends the envelope. `scratch` is room for a part of it.
    pub(super) fn encode(self, origin: &str, out: &mut Vec<u8>, scratch: &mut Vec<u8>) {
        put_text(out, 1, origin.as_bytes());
        put_number(out, 2, HTTP_START_STOP);
        put_number(out, 6, self.stopped);
        for (name, value) in self.tags.into_iter().flat_map(Tags::iter) {
            put_tag(out, scratch, (name.as_bytes(), value.as_bytes()));
        }
        if let Some((trace, span)) = self.trace {
            put_tag(out, scratch, (b"trace_id", trace));
            put_tag(out, scratch, (b"span_id", span));
        }
        scratch.clear();
        self.encode_event(scratch);
        put_bytes(out, 7, scratch);
    }

    fn encode_event(self, out: &mut Vec<u8>) {
        put_number(out, 1, self.started);
        put_number(out, 2, self.stopped);
        put_uuid(out, 3, self.request_id);
        put_number(out, 4, SERVER);
        put_number(out, 5, number_of(self.method));
        let uri = [b"http://", self.host, self.path].concat();
        put_text(out, 6, &uri);
        put_text(out, 7, self.remote.as_bytes());
        put_text(out, 8, self.user_agent);
        put_number(out, 9, self.status.into());
        put_number(out, 10, self.sent);
        for address in self.forwarded {
            put_text(out, 15, address);
        }
    }
}

/// The number of a method, whose name has an underscore there where HTTP has a hyphen.
fn number_of(method: &[u8]) -> u64 {
    let at = METHODS.iter().position(|name| name.as_bytes() == method);
    at.map_or(NO_METHOD, |at| at as u64 + 1)
}

fn put_number(out: &mut Vec<u8>, field: u32, number: u64) {
    encode_key(field, WireType::Varint, out);
    encode_varint(number, out);
}

fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Text is UTF-8 there, and what came off the wire need not be.
fn put_text(out: &mut Vec<u8>, field: u32, text: &[u8]) {
    put_bytes(out, field, String::from_utf8_lossy(text).as_bytes());
}

/// One entry of the map of tags.
fn put_tag(out: &mut Vec<u8>, scratch: &mut Vec<u8>, (name, value): (&[u8], &[u8])) {
    scratch.clear();
    put_text(scratch, 1, name);
    put_text(scratch, 2, value);
    put_bytes(out, 17, scratch);
}

/// A UUID is two numbers, each of eight of its bytes, the first one lowest.
fn put_uuid(out: &mut Vec<u8>, field: u32, text: &[u8]) {
    let uuid = uuid::Uuid::try_parse_ascii(text).unwrap_or_default();
    let (first, last) = uuid.as_u64_pair();
    let mut message = Vec::with_capacity(22);
    put_number(&mut message, 1, first.swap_bytes());
    put_number(&mut message, 2, last.swap_bytes());
    put_bytes(out, field, &message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_their_numbers() {
        for (method, number) in [
            ("GET", 1),
            ("HEAD", 5),
            ("OPTIONS", 24),
            ("PATCH", 26),
            ("TRACE", 36),
            ("VERSION-CONTROL", 44),
            ("BREW", 0),
            ("get", 0),
        ] {
            assert_eq!(number_of(method.as_bytes()), number, "{method}");
        }
    }

    #[test]
    fn an_id_is_two_numbers_with_the_lowest_byte_first() {
        let mut out = Vec::new();
        put_uuid(&mut out, 3, b"01000000-0000-0000-0200-000000000000");
        assert_eq!(out, [0x1a, 4, 0x08, 1, 0x10, 2]);
    }
}
