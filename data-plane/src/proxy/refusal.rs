//! What the router answers by itself, without trying an endpoint: statuses, texts and fields of
//! 5.15 and 9.1 of the data-plane reference.

use super::reason::RouterError;

/// The type of the router's own texts (D-102).
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// Why a request is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `OPTIONS *` is about the router itself (D-072).
    AboutRouter,
    /// The client asks for the router's health, which is good (D-183).
    Healthy,
    /// The client asks for the router's health, which is not (D-184).
    Unhealthy,
    /// The host is the client's own address (D-192).
    EmptyHost,
    /// The head is larger than it may be (D-230 to D-234).
    TooLarge,
    /// No route has this host and path, or its empty pool hides it (D-194, D-199).
    UnknownRoute,
    /// The route has no endpoint (D-198).
    NoEndpoints,
    /// Every endpoint is at its bound (D-202).
    ConnectionLimit,
    /// The process has too many requests in flight (L-22).
    Overloaded,
}

impl Refusal {
    /// The status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::AboutRouter | Self::Healthy => 200,
            Self::EmptyHost => 400,
            Self::UnknownRoute => 404,
            Self::TooLarge => 431,
            Self::Unhealthy | Self::NoEndpoints | Self::ConnectionLimit | Self::Overloaded => 503,
        }
    }

    /// The value of `X-Cf-RouterError`.
    pub(crate) fn router_error(self) -> Option<RouterError> {
        let word = match self {
            Self::AboutRouter | Self::Healthy | Self::Unhealthy => return None,
            Self::EmptyHost => "empty_host",
            Self::TooLarge => "max-request-size-exceeded",
            Self::UnknownRoute => "unknown_route",
            Self::NoEndpoints => "no_endpoints",
            Self::ConnectionLimit => "Connection Limit Reached",
            Self::Overloaded => "overloaded",
        };
        Some(RouterError::Plain(word))
    }

    /// The value of `Cache-Control`.
    pub(crate) fn cache_control(self) -> Option<&'static str> {
        match self {
            Self::EmptyHost | Self::NoEndpoints => Some("public,max-age=2"),
            Self::UnknownRoute | Self::Overloaded => Some("no-cache, no-store"),
            Self::Healthy | Self::Unhealthy => Some("private, max-age=0"),
            Self::AboutRouter | Self::TooLarge | Self::ConnectionLimit => None,
        }
    }

    /// One field more.
    pub(crate) fn extra(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Healthy | Self::Unhealthy => Some(("Expires", "0")),
            Self::Overloaded => Some(("Retry-After", "1")),
            _ => None,
        }
    }

    /// Whether it is an error that a page may tell of.
    pub(crate) fn has_page(self) -> bool {
        !matches!(
            self,
            Self::AboutRouter | Self::Healthy | Self::Unhealthy | Self::TooLarge
        )
    }

    /// The type of the body, where it is told.
    pub(crate) fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Healthy => None,
            _ => Some(TEXT),
        }
    }

    /// Appends the body, with its line end.
    pub(crate) fn write_body(self, host: &[u8], out: &mut Vec<u8>) {
        let (before, after): (&[u8], &[u8]) = match self {
            Self::AboutRouter | Self::Unhealthy | Self::TooLarge => return,
            Self::Healthy => {
                out.extend_from_slice(b"ok\n");
                return;
            }
            Self::EmptyHost => {
                out.extend_from_slice(b"400 Bad Request: Request had empty Host header\n");
                return;
            }
            Self::Overloaded => {
                let text = b"503 Service Unavailable: Router has too many requests in flight.\n";
                out.extend_from_slice(text);
                return;
            }
            Self::UnknownRoute => (
                b"404 Not Found: Requested route ('",
                b"') does not exist.\n",
            ),
            Self::NoEndpoints => (
                b"503 Service Unavailable: Requested route ('",
                b"') has no available endpoints.\n",
            ),
            Self::ConnectionLimit => (
                b"503 Service Unavailable: Requested route ('",
                b"') has reached the connection limit.\n",
            ),
        };
        out.extend_from_slice(before);
        out.extend_from_slice(host);
        out.extend_from_slice(after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-101: the body is `{code} {text}: {message}` and a line end.
    /// D-224: the host is shown as received, with its port.
    /// D-183: health is `ok` and a line end.
    #[test]
    fn bodies_are_gorouters() {
        for (refusal, body) in [
            (Refusal::AboutRouter, ""),
            (Refusal::Unhealthy, ""),
            (Refusal::TooLarge, ""),
            (
                Refusal::EmptyHost,
                "400 Bad Request: Request had empty Host header\n",
            ),
            (
                Refusal::UnknownRoute,
                "404 Not Found: Requested route ('nope.example.com:99') does not exist.\n",
            ),
            (
                Refusal::NoEndpoints,
                "503 Service Unavailable: Requested route ('nope.example.com:99') has no \
                 available endpoints.\n",
            ),
            (
                Refusal::ConnectionLimit,
                "503 Service Unavailable: Requested route ('nope.example.com:99') has reached \
                 the connection limit.\n",
            ),
        ] {
            let mut out = Vec::new();
            refusal.write_body(b"nope.example.com:99", &mut out);
            assert_eq!(String::from_utf8_lossy(&out), body);
            assert!(body.is_empty() || body.starts_with(&refusal.status().to_string()));
        }
        let mut out = Vec::new();
        Refusal::Healthy.write_body(b"nope.example.com:99", &mut out);
        assert_eq!(out, b"ok\n");
    }
}
