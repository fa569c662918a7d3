//! What the router answers by itself, without trying an endpoint: statuses, texts and fields of
//! D-084 to D-111 and D-192 to D-228.

use super::reason::RouterError;
use crate::route_service::Invalid;

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
    /// A field's name has a `_`.
    UnderscoredName,
    /// `X-CF-App-Instance` names no instance (D-207).
    InvalidAppInstance,
    /// `X-CF-Process-Instance` names none (D-208).
    InvalidProcessInstance,
    /// No route has this host and path, or its empty pool hides it (D-194, D-199).
    UnknownRoute,
    /// The route, if there is one, does not have the instance that the request is for (D-195 to
    /// D-197).
    UnknownInstance,
    /// The route has no endpoint (D-198).
    NoEndpoints,
    /// Every endpoint is at its bound (D-202).
    ConnectionLimit,
    /// The endpoint that a session must stay at is gone, or at its bound (D-363, D-370).
    SessionLost,
    /// The connection was made for other hosts than this one, of which one shows who calls (D-643, D-644).
    Misdirected,
    /// The caller may not have the endpoint (D-645, D-647, D-648).
    Forbidden,
    /// The process has too many requests in flight (L-22).
    Overloaded,
    /// The request has come back through a router too often.
    Loop,
    /// The route has a route service, and there is no secret to sign requests with (D-566).
    NoRouteServices,
    /// The route has a route service that an operator has disabled.
    ServiceDisabled,
    /// The route has a route service, through which no `WebSocket` passes (D-640).
    WebSocketThroughService,
    /// The request comes back from the service of its route with a signature that proves nothing
    /// (D-239, D-240).
    UnprovenService(Invalid),
    /// The request has a signature that proves nothing, and its route has no service.
    ForgedSignature(Invalid),
    /// The request cannot be sent to the service of its route: the service's URL is none (D-582).
    ServiceRequest,
    /// No attempt at a route service is allowed (CF-115).
    NoServiceAttempts,
}

/// What a failed attempt is called where none was made.
const NOT_ATTEMPTED: &str = "no attempt at a route service is allowed";

impl Refusal {
    /// The status.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::AboutRouter | Self::Healthy => 200,
            Self::EmptyHost
            | Self::UnderscoredName
            | Self::InvalidAppInstance
            | Self::InvalidProcessInstance
            | Self::UnknownInstance => 400,
            Self::Forbidden => 403,
            Self::UnknownRoute => 404,
            Self::Misdirected => 421,
            Self::TooLarge => 431,
            Self::ServiceRequest => 500,
            Self::UnprovenService(Invalid::Expired) | Self::ForgedSignature(Invalid::Expired) => {
                504
            }
            Self::ForgedSignature(_) => 400,
            Self::SessionLost
            | Self::NoRouteServices
            | Self::UnprovenService(_)
            | Self::NoServiceAttempts => 502,
            Self::WebSocketThroughService
            | Self::ServiceDisabled
            | Self::Unhealthy
            | Self::NoEndpoints
            | Self::ConnectionLimit
            | Self::Overloaded => 503,
            Self::Loop => 508,
        }
    }

    /// The value of `X-Cf-RouterError`.
    pub(crate) fn router_error(self) -> Option<RouterError> {
        let word = match self {
            Self::AboutRouter | Self::Healthy | Self::Unhealthy => return None,
            Self::EmptyHost => "empty_host",
            Self::UnderscoredName => "bad_request",
            Self::TooLarge => "max-request-size-exceeded",
            Self::InvalidAppInstance => "invalid_cf_app_instance_header",
            Self::InvalidProcessInstance => "invalid_cf_process_instance_header",
            Self::UnknownRoute | Self::UnknownInstance => "unknown_route",
            Self::SessionLost => {
                return Some(RouterError::EndpointFailure("No endpoints available"));
            }
            Self::NoEndpoints => "no_endpoints",
            Self::ConnectionLimit => "Connection Limit Reached",
            Self::Misdirected => "misdirected_request",
            Self::Forbidden => "forbidden",
            Self::Overloaded => "overloaded",
            Self::Loop => "loop_detected",
            Self::NoRouteServices | Self::WebSocketThroughService => "route_service_unsupported",
            Self::ServiceDisabled => "route_service_disabled",
            Self::UnprovenService(Invalid::Expired) | Self::ForgedSignature(Invalid::Expired) => {
                "expired_route_service_signature"
            }
            Self::UnprovenService(_) | Self::ForgedSignature(_) => {
                "invalid_route_service_signature"
            }
            Self::ServiceRequest => "route_service_request_failed",
            Self::NoServiceAttempts => return Some(RouterError::EndpointFailure(NOT_ATTEMPTED)),
        };
        Some(RouterError::Plain(word))
    }

    /// The value of `Cache-Control`.
    pub(crate) fn cache_control(self) -> Option<&'static str> {
        match self {
            Self::EmptyHost | Self::NoEndpoints => Some("public,max-age=2"),
            Self::UnknownRoute
            | Self::UnderscoredName
            | Self::Overloaded
            | Self::Loop
            | Self::InvalidAppInstance
            | Self::InvalidProcessInstance
            | Self::UnknownInstance
            | Self::Misdirected
            | Self::Forbidden
            | Self::NoRouteServices
            | Self::WebSocketThroughService
            | Self::ServiceDisabled
            | Self::UnprovenService(_)
            | Self::ForgedSignature(_)
            | Self::ServiceRequest
            | Self::NoServiceAttempts => Some("no-cache, no-store"),
            Self::Healthy | Self::Unhealthy => Some("private, max-age=0"),
            Self::AboutRouter | Self::TooLarge | Self::ConnectionLimit | Self::SessionLost => None,
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
            Self::AboutRouter
                | Self::Healthy
                | Self::Unhealthy
                | Self::TooLarge
                | Self::SessionLost
                | Self::Misdirected
                | Self::Forbidden
                | Self::NoServiceAttempts
        )
    }

    /// The type of the body, where it is told.
    pub(crate) fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Healthy => None,
            _ => Some(TEXT),
        }
    }

    /// Appends the body, with its line end. That of an unknown instance is for
    /// [`super::instance`] to write, which knows what was asked for.
    pub(crate) fn write_body(self, host: &[u8], out: &mut Vec<u8>) {
        let whole: &[u8] = match self {
            Self::Healthy => b"ok\n",
            Self::Forbidden => b"Forbidden\n",
            Self::EmptyHost => b"400 Bad Request: Request had empty Host header\n",
            Self::UnderscoredName => b"400 Bad Request: A field name has an underscore.\n",
            Self::InvalidAppInstance => b"400 Bad Request: Invalid X-CF-App-Instance Header\n",
            Self::InvalidProcessInstance => {
                b"400 Bad Request: Invalid X-CF-Process-Instance Header\n"
            }
            Self::Overloaded => {
                b"503 Service Unavailable: Router has too many requests in flight.\n"
            }
            Self::SessionLost | Self::NoServiceAttempts => {
                b"502 Bad Gateway: Registered endpoint failed to handle the request.\n"
            }
            Self::NoRouteServices => b"502 Bad Gateway: Support for route services is disabled.\n",
            Self::WebSocketThroughService => {
                b"503 Service Unavailable: Websocket requests are not supported for routes bound to Route Services.\n"
            }
            Self::ServiceDisabled => {
                b"503 Service Unavailable: The route service of this route is disabled.\n"
            }
            Self::ServiceRequest => {
                b"500 Internal Server Error: Route service request failed.\n"
            }
            Self::UnprovenService(invalid) | Self::ForgedSignature(invalid) => {
                return self.write_unproven(invalid, out);
            }
            _ => return self.write_about(host, out),
        };
        out.extend_from_slice(whole);
    }

    /// The bodies that say what a signature lacks.
    fn write_unproven(self, invalid: Invalid, out: &mut Vec<u8>) {
        let (before, text) = match self.status() {
            504 => (
                "504 Gateway Timeout: Failed to validate Route Service Signature: ",
                invalid.text(),
            ),
            400 => (
                "400 Bad Request: ",
                "invalid route service signature detected",
            ),
            _ => (
                "502 Bad Gateway: Failed to validate Route Service Signature: ",
                invalid.text(),
            ),
        };
        out.extend_from_slice(before.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }

    /// The bodies that name the host.
    fn write_about(self, host: &[u8], out: &mut Vec<u8>) {
        let (before, after): (&[u8], &[u8]) = match self {
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
            Self::Loop => (
                b"508 Loop Detected: Requested route ('",
                b"') leads back to the router.\n",
            ),
            _ => return,
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
    /// D-649: a caller who may not is told `Forbidden`.
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
                Refusal::InvalidAppInstance,
                "400 Bad Request: Invalid X-CF-App-Instance Header\n",
            ),
            (
                Refusal::InvalidProcessInstance,
                "400 Bad Request: Invalid X-CF-Process-Instance Header\n",
            ),
            (
                Refusal::SessionLost,
                "502 Bad Gateway: Registered endpoint failed to handle the request.\n",
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
            (
                Refusal::Loop,
                "508 Loop Detected: Requested route ('nope.example.com:99') leads back to the \
                 router.\n",
            ),
        ] {
            let mut out = Vec::new();
            refusal.write_body(b"nope.example.com:99", &mut out);
            assert_eq!(String::from_utf8_lossy(&out), body);
            assert!(body.is_empty() || body.starts_with(&refusal.status().to_string()));
        }
        for (refusal, status, body) in [
            (Refusal::Healthy, 200, "ok\n"),
            (Refusal::Forbidden, 403, "Forbidden\n"),
            (Refusal::Misdirected, 421, ""),
        ] {
            let mut out = Vec::new();
            refusal.write_body(b"nope.example.com:99", &mut out);
            assert_eq!(String::from_utf8_lossy(&out), body);
            assert_eq!(refusal.status(), status);
        }
    }

    /// D-566: without a secret the message is fixed.
    /// D-567: so is that of a forged signature.
    #[test]
    fn bodies_about_route_services_are_gorouters() {
        for (refusal, body) in [
            (
                Refusal::NoRouteServices,
                "502 Bad Gateway: Support for route services is disabled.\n",
            ),
            (
                Refusal::UnprovenService(Invalid::Key),
                "502 Bad Gateway: Failed to validate Route Service Signature: cipher: message \
                 authentication failed\n",
            ),
            (
                Refusal::UnprovenService(Invalid::Expired),
                "504 Gateway Timeout: Failed to validate Route Service Signature: route service \
                 request expired\n",
            ),
            (
                Refusal::ForgedSignature(Invalid::Key),
                "400 Bad Request: invalid route service signature detected\n",
            ),
            (
                Refusal::ForgedSignature(Invalid::Expired),
                "504 Gateway Timeout: Failed to validate Route Service Signature: route service \
                 request expired\n",
            ),
            (
                Refusal::ServiceDisabled,
                "503 Service Unavailable: The route service of this route is disabled.\n",
            ),
            (
                Refusal::ServiceRequest,
                "500 Internal Server Error: Route service request failed.\n",
            ),
            (
                Refusal::NoServiceAttempts,
                "502 Bad Gateway: Registered endpoint failed to handle the request.\n",
            ),
        ] {
            let mut out = Vec::new();
            refusal.write_body(b"nope.example.com:99", &mut out);
            assert_eq!(String::from_utf8_lossy(&out), body);
            assert!(body.starts_with(&refusal.status().to_string()));
        }
    }
}
