//! Why an endpoint's answer was not understood.

use std::fmt;

/// What was wrong with a response head. To the client each of these is a 502; the connection to
/// the endpoint is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// D-351: the first line is not `HTTP/1.x SP status`.
    StatusLine,
    /// A version other than 1.0 and 1.1.
    Version,
    /// a status that is not three digits between 100 and 599.
    Status,
    /// a line that ends in LF alone.
    BareLineFeed,
    /// a CR that no LF follows.
    BareCarriageReturn,
    /// a control byte in a field or in the reason phrase.
    ControlByte,
    /// A field line without a colon.
    NoColon,
    /// A field name that is empty, is not a token, or is followed by a blank.
    FieldName,
    /// A line that begins with a blank (obs-fold).
    Folded,
    /// L-26, D-330: the head is too long.
    HeadTooLong,
    /// L-26, D-331: too many fields.
    TooManyFields,
    /// L-26: too many interim heads before the final one.
    TooManyInterim,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3).
    BothLengths,
    /// A `Content-Length` that is not a number below 2^63.
    ContentLength,
    /// D-350: several lengths that differ.
    ConflictingContentLength,
    /// D-348: more than one `Transfer-Encoding` field.
    RepeatedTransferEncoding,
    /// A transfer coding other than `chunked`.
    TransferCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 response.
    TransferEncodingOnHttp10,
}

impl Malformed {
    /// One line for the log and, behind `endpoint_failure`, for `X-Cf-RouterError`; without
    /// anything that the endpoint sent. The words that operators search for are Gorouter's.
    pub const fn text(self) -> &'static str {
        match self {
            Self::StatusLine => "malformed HTTP response",
            Self::Version => "malformed HTTP version",
            Self::Status => "malformed HTTP status code",
            Self::BareLineFeed => "malformed HTTP response: line ended by a bare LF",
            Self::BareCarriageReturn => "malformed HTTP response: CR without LF",
            Self::ControlByte => "malformed HTTP response: control byte in a header",
            Self::NoColon => "malformed MIME header: missing colon",
            Self::FieldName => "malformed MIME header: invalid name",
            Self::Folded => "malformed MIME header: folded line",
            Self::HeadTooLong => "server response headers exceeded the limit",
            Self::TooManyFields => "Too many response headers",
            Self::TooManyInterim => "too many 1xx informational responses",
            Self::BothLengths => "both Content-Length and Transfer-Encoding",
            Self::ContentLength => "bad Content-Length",
            Self::ConflictingContentLength => "conflicting Content-Length",
            Self::RepeatedTransferEncoding => "too many transfer encodings",
            Self::TransferCoding => "unsupported transfer encoding",
            Self::TransferEncodingOnHttp10 => "Transfer-Encoding in an HTTP/1.0 response",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Malformed {}
