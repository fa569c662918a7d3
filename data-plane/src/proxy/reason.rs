//! Why an attempt failed. One value decides whether the request may be tried again, what is held
//! against the endpoint, what the client gets, and what is counted; each decision is one match in
//! this file.

use pointsman_http1::{BadBody, Malformed};

use crate::counters::{Counter, Counters};
use crate::settings::Headers;

/// Why an attempt at an endpoint failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The endpoint's host refused the connection.
    Refused,
    /// The endpoint cannot be reached.
    Unreachable,
    /// Connecting took too long.
    DialTimeout,
    /// The endpoint's name does not resolve.
    NoSuchHost,
    /// This machine has no socket left to reach it with.
    Exhausted,
    /// The route service has no address that may be connected to.
    Forbidden,
    /// The TLS handshake took too long.
    HandshakeTimeout,
    /// The connection ended within the TLS handshake.
    HandshakeBroken,
    /// The endpoint does not agree on how to speak TLS.
    HandshakeFailed,
    /// The endpoint speaks other versions of TLS.
    TlsVersion,
    /// The endpoint does not speak TLS.
    NotTls,
    /// The certificate does not carry the registered name.
    WrongName,
    /// The certificate is expired, not of a configured CA, or not valid otherwise.
    Untrusted,
    /// The endpoint demands a certificate that we do not have.
    ClientCertificate,
    /// The endpoint closed the connection instead of answering.
    Closed,
    /// The connection was reset.
    Reset,
    /// The endpoint has said that it did not look at the request: a stream that it refused, or that was beyond the last
    /// one of a connection that it ends (RFC 9113, section 8.7).
    Unprocessed,
    /// The endpoint's answer is not HTTP.
    Malformed(Malformed),
    /// The endpoint switched protocols without being asked to.
    Switched,
    /// The endpoint's body is not one.
    BadBody(BadBody),
    /// The endpoint did not answer, or stopped in the middle of its answer, for too long.
    Timeout,
    /// A registered value cannot stand in a header field.
    Unwritable,
    /// The client went away.
    ClientGone,
    /// The client takes nothing any more, though it is there (L-09).
    ClientStalled,
    /// The client's body is not one.
    ClientBody(BadBody),
    /// The client sent its body too slowly.
    ClientSlow,
}

/// How much of a request may have reached an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sent {
    /// Not its whole head: nothing that could be acted on.
    Nothing,
    /// The head, and maybe some of the body.
    Head,
}

/// A failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Why.
    pub(crate) reason: Reason,
    /// What may have been acted on.
    pub(crate) sent: Sent,
}

/// What is safe to do with a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Safety {
    /// Every byte of body that was taken from the client is still there.
    pub(crate) replayable: bool,
    /// Doing it twice is the same as doing it once (D-445 to D-452).
    pub(crate) idempotent: bool,
}

impl Safety {
    /// The same, had nothing of the body been taken.
    pub(crate) fn with_body(self) -> Self {
        Self {
            replayable: true,
            ..self
        }
    }
}

/// What is held against an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Nothing: it was not its fault, or its fault with this request only.
    None,
    /// It is passed over for the mark time.
    Mark,
    /// It is out of the choice until it proves to be who it should be; in clear text as
    /// [`Blame::Mark`].
    SetAside,
}

/// Whose fault a failure is, as far as repeating is concerned.
enum Repeat {
    /// The request was not understood or not even sent: another endpoint may have it.
    Elsewhere,
    /// It may have been acted on.
    IfIdempotent,
    /// Never.
    No,
}

impl Failure {
    /// Before a connection stood.
    pub(crate) fn unsent(reason: Reason) -> Self {
        Self {
            reason,
            sent: Sent::Nothing,
        }
    }

    /// Whether the request may go to an endpoint once more.
    pub(crate) fn may_repeat(self, safety: Safety) -> bool {
        let allowed = match (self.repeat(), self.sent) {
            (Repeat::No, _) => false,
            (Repeat::Elsewhere, _) | (Repeat::IfIdempotent, Sent::Nothing) => true,
            (Repeat::IfIdempotent, Sent::Head) => safety.idempotent,
        };
        allowed && safety.replayable
    }

    /// Whether it looks like the end of a connection that was kept too long: then the endpoint
    /// has not failed, and gets the request on a fresh connection if that is safe.
    pub(crate) fn is_stale_connection(self, safety: Safety) -> bool {
        let ended = matches!(
            self.reason,
            Reason::Closed | Reason::Reset | Reason::Unprocessed
        );
        let safe =
            self.sent == Sent::Nothing || safety.idempotent || self.reason == Reason::Unprocessed;
        ended && safe && safety.replayable
    }

    fn repeat(self) -> Repeat {
        match self.reason {
            Reason::Refused
            | Reason::Unreachable
            | Reason::DialTimeout
            | Reason::NoSuchHost
            | Reason::Exhausted
            | Reason::HandshakeTimeout
            | Reason::HandshakeBroken
            | Reason::HandshakeFailed
            | Reason::TlsVersion
            | Reason::NotTls
            | Reason::WrongName
            | Reason::Untrusted
            | Reason::ClientCertificate
            | Reason::Unprocessed
            | Reason::Unwritable => Repeat::Elsewhere,
            Reason::Closed | Reason::Reset => Repeat::IfIdempotent,
            Reason::Forbidden
            | Reason::Malformed(_)
            | Reason::Switched
            | Reason::BadBody(_)
            | Reason::Timeout
            | Reason::ClientGone
            | Reason::ClientStalled
            | Reason::ClientBody(_)
            | Reason::ClientSlow => Repeat::No,
        }
    }
}

impl Reason {
    /// What is held against the endpoint (D-413 to D-418, R-072, R-093).
    pub(crate) fn blame(self) -> Blame {
        match self {
            Self::Refused
            | Self::Unreachable
            | Self::DialTimeout
            | Self::NoSuchHost
            | Self::HandshakeTimeout
            | Self::HandshakeFailed
            | Self::TlsVersion
            | Self::NotTls
            | Self::WrongName
            | Self::Untrusted
            | Self::ClientCertificate => Blame::SetAside,
            Self::HandshakeBroken | Self::Reset => Blame::Mark,
            // Its own shortage is no fault of an endpoint.
            Self::Exhausted
            | Self::Forbidden
            | Self::Closed
            | Self::Unprocessed
            | Self::Malformed(_)
            | Self::Switched
            | Self::BadBody(_)
            | Self::Timeout
            | Self::Unwritable
            | Self::ClientGone
            | Self::ClientStalled
            | Self::ClientBody(_)
            | Self::ClientSlow => Blame::None,
        }
    }

    /// Whether the endpoint has failed, and not the client or the registration.
    pub(crate) fn is_of_endpoint(self) -> bool {
        !matches!(
            self,
            Self::Unwritable
                | Self::Exhausted
                | Self::Forbidden
                | Self::ClientGone
                | Self::ClientStalled
                | Self::ClientBody(_)
                | Self::ClientSlow
        )
    }

    /// The status that the client gets (D-478 to D-487).
    pub(crate) fn status(self, headers: &Headers) -> u16 {
        match self {
            Self::NotTls | Self::HandshakeFailed => 525,
            Self::WrongName | Self::Exhausted => 503,
            Self::Untrusted => 526,
            Self::ClientCertificate => 496,
            Self::ClientGone | Self::ClientStalled => 499,
            Self::ClientBody(_) => 400,
            Self::ClientSlow => 408,
            Self::Timeout if !headers.timeout_is_bad_gateway => 504,
            Self::Timeout
            | Self::Refused
            | Self::Unreachable
            | Self::DialTimeout
            | Self::NoSuchHost
            | Self::Forbidden
            | Self::HandshakeTimeout
            | Self::HandshakeBroken
            | Self::TlsVersion
            | Self::Closed
            | Self::Reset
            | Self::Unprocessed
            | Self::Malformed(_)
            | Self::Switched
            | Self::BadBody(_)
            | Self::Unwritable => 502,
        }
    }

    /// The body behind the status, without its line end. Nothing of it comes from an endpoint.
    pub(crate) fn body(self, status: u16) -> &'static str {
        match status {
            400 => "400 Bad Request: Malformed request body.",
            408 => "408 Request Timeout: Request body came too slowly.",
            496 => "496 SSL Certificate Required",
            499 => "499 Request Cancelled",
            503 => "503 Service Unavailable",
            504 => "504 Gateway Timeout: Registered endpoint failed to handle the request in time.",
            525 => "525 SSL Handshake Failed",
            526 => "526 Invalid SSL Certificate",
            _ => "502 Bad Gateway: Registered endpoint failed to handle the request.",
        }
    }

    /// The value of `X-Cf-RouterError`: the words that operators of Gorouter search for, and
    /// never an address, a port or a library's text.
    pub(crate) fn router_error(self, status: u16) -> RouterError {
        match self {
            Self::ClientBody(_) => RouterError::Plain("bad_request"),
            Self::ClientSlow => RouterError::Plain("request_timeout"),
            Self::Timeout if status == 504 => RouterError::Plain("endpoint_timeout"),
            Self::Exhausted => RouterError::Plain("overloaded"),
            _ => RouterError::EndpointFailure(self.text()),
        }
    }

    /// What happened, in Gorouter's words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Refused => "dial tcp: connect: connection refused",
            Self::Unreachable => "dial tcp: connect: no route to host",
            Self::DialTimeout => "dial tcp: i/o timeout",
            Self::NoSuchHost => "dial tcp: lookup: no such host",
            Self::Exhausted => "dial tcp: socket: too many open files",
            Self::Forbidden => {
                "dial tcp: connection to the address of the route service not allowed"
            }
            Self::HandshakeTimeout => "net/http: TLS handshake timeout",
            Self::HandshakeBroken => "EOF during TLS handshake",
            Self::HandshakeFailed => "remote error: tls: handshake failure",
            Self::TlsVersion => "remote error: tls: protocol version not supported",
            Self::NotTls => "tls: first record does not look like a TLS handshake",
            Self::WrongName => "x509: certificate is not valid for the registered name",
            Self::Untrusted => "x509: certificate is not trusted or has expired",
            Self::ClientCertificate => "remote error: tls: certificate required",
            Self::Closed => "EOF",
            Self::Reset => "read: connection reset by peer",
            Self::Unprocessed => "stream error: REFUSED_STREAM",
            Self::Malformed(malformed) => malformed.text(),
            Self::Switched => "unexpected protocol switch",
            Self::BadBody(BadBody::Truncated) => "unexpected EOF",
            Self::BadBody(bad) | Self::ClientBody(bad) => bad.text(),
            Self::Timeout => "context deadline exceeded",
            Self::Unwritable => "registered value cannot stand in a header",
            Self::ClientGone | Self::ClientStalled => "context canceled",
            Self::ClientSlow => "request body too slow",
        }
    }

    /// All words.
    pub(crate) const WORDS: [&'static str; 26] = [
        "refused",
        "unreachable",
        "dial_timeout",
        "no_such_host",
        "exhausted",
        "forbidden",
        "handshake_timeout",
        "handshake_broken",
        "handshake_failed",
        "tls_version",
        "not_tls",
        "wrong_name",
        "untrusted",
        "client_certificate",
        "closed",
        "reset",
        "unprocessed",
        "malformed",
        "switched",
        "bad_body",
        "timeout",
        "unwritable",
        "client_gone",
        "client_stalled",
        "client_body",
        "client_slow",
    ];

    /// One word, for reports to the control plane and metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::DialTimeout => "dial_timeout",
            Self::NoSuchHost => "no_such_host",
            Self::Exhausted => "exhausted",
            Self::Forbidden => "forbidden",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeBroken => "handshake_broken",
            Self::HandshakeFailed => "handshake_failed",
            Self::TlsVersion => "tls_version",
            Self::NotTls => "not_tls",
            Self::WrongName => "wrong_name",
            Self::Untrusted => "untrusted",
            Self::ClientCertificate => "client_certificate",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Unprocessed => "unprocessed",
            Self::Malformed(_) => "malformed",
            Self::Switched => "switched",
            Self::BadBody(_) => "bad_body",
            Self::Timeout => "timeout",
            Self::Unwritable => "unwritable",
            Self::ClientGone => "client_gone",
            Self::ClientStalled => "client_stalled",
            Self::ClientBody(_) => "client_body",
            Self::ClientSlow => "client_slow",
        }
    }

    /// What is counted once the failure decided the request's answer.
    pub(crate) fn counter(self, status: u16, counters: &Counters) -> Option<&Counter> {
        match self {
            Self::WrongName => Some(&counters.backend_invalid_id),
            Self::Untrusted => Some(&counters.backend_invalid_tls_cert),
            Self::NotTls | Self::HandshakeFailed => Some(&counters.backend_tls_handshake_failed),
            Self::ClientGone | Self::ClientStalled => Some(&counters.clients_gone),
            Self::ClientSlow => Some(&counters.request_timeouts),
            Self::Timeout => Some(&counters.endpoint_timeouts),
            Self::ClientCertificate | Self::ClientBody(_) | Self::Exhausted => None,
            Self::Refused
            | Self::Unreachable
            | Self::DialTimeout
            | Self::NoSuchHost
            | Self::Forbidden
            | Self::HandshakeTimeout
            | Self::HandshakeBroken
            | Self::TlsVersion
            | Self::Closed
            | Self::Reset
            | Self::Unprocessed
            | Self::Malformed(_)
            | Self::Switched
            | Self::BadBody(_)
            | Self::Unwritable => (status == 502).then_some(&counters.bad_gateways),
        }
    }
}

/// What `X-Cf-RouterError` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouterError {
    /// One word.
    Plain(&'static str),
    /// `endpoint_failure (...)`
    EndpointFailure(&'static str),
}

impl RouterError {
    /// Appends the value.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(word) => out.extend_from_slice(word.as_bytes()),
            Self::EndpointFailure(text) => {
                out.extend_from_slice(b"endpoint_failure (");
                out.extend_from_slice(text.as_bytes());
                out.push(b')');
            }
        }
    }
}

#[cfg(test)]
mod tests;
