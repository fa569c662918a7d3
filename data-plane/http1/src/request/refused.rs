//! Why a request was refused, what the client is told, and under which name it is counted.

use std::fmt;

/// The reason for which a request head was refused. Nothing of such a request is forwarded, and
/// nothing after it on the connection is read as HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// the HTTP/2 preface on a listener that speaks HTTP/1.
    Http2Preface,
    /// a TLS handshake on a plain listener.
    TlsRecord,
    /// a PROXY header, version 1 or 2, where none is expected.
    ProxyHeader,
    /// more than one empty line before the request line.
    EmptyLines,
    /// a line that ends in LF alone.
    BareLineFeed,
    /// a CR that no LF follows.
    BareCarriageReturn,
    /// a control byte in a field.
    ControlByte,
    /// the first word is not a token, or is absurdly long.
    Method,
    /// `CONNECT`.
    Connect,
    /// not `method SP target SP version` with single blanks.
    RequestLine,
    /// a byte in the target that may not stand there, or a broken percent-escape in its
    /// path (D-070).
    TargetByte,
    /// a target that is neither a path, nor `*` for `OPTIONS`, nor an absolute
    /// `http` or `https` URI with a valid authority.
    Target,
    /// L-01: the request line is too long.
    UriTooLong,
    /// a version other than 1.0 and 1.1.
    Version,
    /// a field line without a colon.
    NoColon,
    /// a field name that is empty, is not a token, or is followed by a blank.
    FieldName,
    /// a line that begins with a blank (obs-fold).
    Folded,
    /// L-02: the head is too long.
    HeadTooLong,
    /// L-03: too many fields.
    TooManyFields,
    /// L-04: a field name that is too long.
    FieldNameTooLong,
    /// L-04: a field value that is too long.
    FieldValueTooLong,
    /// no `Host` field.
    MissingHost,
    /// an empty `Host` field.
    EmptyHost,
    /// more than one `Host` field.
    RepeatedHost,
    /// a `Host` that is not `host[:port]`.
    MalformedHost,
    /// both `Content-Length` and `Transfer-Encoding`.
    BothLengths,
    /// a `Content-Length` that is not a number.
    ContentLength,
    /// several lengths that are not the same byte for byte.
    ConflictingContentLength,
    /// a `Content-Length` of 2^63 or more.
    ContentTooLarge,
    /// more than one `Transfer-Encoding` field.
    RepeatedTransferEncoding,
    /// a transfer coding other than exactly `chunked`.
    TransferCoding,
    /// `Transfer-Encoding` in an HTTP/1.0 request.
    TransferEncodingOnHttp10,
    /// an expectation other than `100-continue`.
    Expectation,
}

impl Refused {
    /// The status that the client gets.
    pub const fn status(self) -> u16 {
        match self {
            Self::Connect => 405,
            Self::ContentTooLarge => 413,
            Self::UriTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLong
            | Self::TooManyFields
            | Self::FieldNameTooLong
            | Self::FieldValueTooLong => 431,
            Self::TransferCoding => 501,
            Self::Version => 505,
            _ => 400,
        }
    }

    /// The value of `X-Cf-RouterError`.
    pub const fn router_error(self) -> &'static str {
        match self {
            Self::MissingHost | Self::EmptyHost => "empty_host",
            _ => match self.status() {
                405 => "method_not_allowed",
                413 => "payload_too_large",
                414 => "uri_too_long",
                417 => "expectation_failed",
                431 => "max-request-size-exceeded",
                501 => "not_implemented",
                505 => "http_version",
                _ => "bad_request",
            },
        }
    }

    /// One line for the client and the log, without anything that the client sent. Where Gorouter
    /// has a text for the case, it is that text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Http2Preface => "HTTP/2 is not spoken on this port",
            Self::TlsRecord => "client sent TLS to a plain HTTP port",
            Self::ProxyHeader => "PROXY header is not expected on this port",
            Self::EmptyLines => "empty lines before the request line",
            Self::BareLineFeed => "line ended by a bare LF",
            Self::BareCarriageReturn => "CR without LF",
            Self::ControlByte => "control byte in a header",
            Self::Method => "invalid method",
            Self::Connect => "method not allowed",
            Self::RequestLine => "malformed request line",
            Self::TargetByte => "invalid character in the request target",
            Self::Target => "invalid request target",
            Self::UriTooLong => "request line too long",
            Self::Version => "unsupported protocol version",
            Self::NoColon => "malformed header line",
            Self::FieldName => "invalid header name",
            Self::Folded => "folded header line",
            Self::HeadTooLong => "request header fields too large",
            Self::TooManyFields => "too many request header fields",
            Self::FieldNameTooLong => "header name too long",
            Self::FieldValueTooLong => "header value too long",
            Self::MissingHost => "missing required Host header",
            Self::EmptyHost => "Request had empty Host header",
            Self::RepeatedHost => "too many Host headers",
            Self::MalformedHost => "malformed Host header",
            Self::BothLengths => "both Content-Length and Transfer-Encoding",
            Self::ContentLength => "invalid Content-Length",
            Self::ConflictingContentLength => "conflicting Content-Length",
            Self::ContentTooLarge => "request body too large",
            Self::RepeatedTransferEncoding => "too many transfer encodings",
            Self::TransferCoding => "Unsupported transfer encoding",
            Self::TransferEncodingOnHttp10 => "Transfer-Encoding in an HTTP/1.0 request",
            Self::Expectation => "unsupported expectation",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Refused {}
