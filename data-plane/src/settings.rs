//! What the proxy is told about itself: bounds, waits, and what stands in headers and logs.
//!
//! The ids are those of the table of limits (L-05 to L-28). The defaults are the ones of that
//! table; configuration narrows or widens them.

mod balancing;
mod checks;
mod front_tls;
mod http2;
mod rewrite;
mod route_services;
mod sessions;
mod tracing;
mod tunnels;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use pointsman_http1::{BodyLimits, LimitError, RequestLimits, ResponseLimits};
use pointsman_process::tls::{Identity, Trust};

pub use balancing::{Balancing, ZonePreference};
pub use sessions::Sessions;

use crate::access_log::AccessLog;
use crate::census::Census;
use crate::error_page::ErrorPage;
use crate::events::Events;

pub use self::checks::{Checks, RequestSize, Underscores};
pub use self::front_tls::{
    CertFormat, ClientCerts, DomainName, FrontTls, IdentityDomain, SubjectRule, Verification,
};
pub use self::http2::{BadHttp2, Http2};
pub use self::rewrite::{BadRule, Rewrite};
pub use self::route_services::{Believed, RouteServices, ServiceTls};
pub use self::tracing::{Tracing, VendorKey};
pub use self::tunnels::Tunnels;

/// Everything that the proxy is told about itself.
#[derive(Debug, Default)]
pub struct Settings {
    /// How many workers there are; as many as the CPU quota allows where it is not said.
    pub workers: Option<NonZeroUsize>,
    /// How much peers may send and hold.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What is said in header fields.
    pub headers: Headers,
    /// What is looked at in a request beside its route.
    pub checks: Checks,
    /// Which traces are kept going, if any.
    pub tracing: Option<Tracing>,
    /// How the router's own errors look; `None`: as plain text.
    pub error_page: Option<ErrorPage>,
    /// When a session sticks to its instance.
    pub sessions: Sessions,
    /// Which endpoints come first.
    pub balancing: Balancing,
    /// Which connections leave HTTP.
    pub tunnels: Tunnels,
    /// A load balancer before all listeners, which says who its clients are; `None` where clients come by themselves.
    pub behind: Option<Behind>,
    /// TLS towards clients; `None` where no listener speaks it.
    pub front_tls: Option<FrontTls>,
    /// HTTP/2 with clients.
    pub http2: Http2,
    /// How endpoints are reached.
    pub upstream: Upstream,
    /// How requests pass through route services.
    pub route_services: RouteServices,
    /// The access log, if there is one.
    pub access_log: Option<AccessLog>,
    /// Whether the time of responses is measured for each app.
    pub per_app_latency: bool,
    /// What is counted by app and by component.
    pub census: Census,
    /// Whether it is measured how long finding a route takes.
    pub lookup_time: bool,
    /// Where events of requests are told, if anywhere.
    pub events: Option<Events>,
}

/// How much peers may send and hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Request heads (L-01 to L-04).
    pub request: RequestLimits,
    /// Request bodies (L-11 to L-14).
    pub request_body: BodyLimits,
    /// Response heads (L-26).
    pub response: ResponseLimits,
    /// Response bodies (L-11 to L-13).
    pub response_body: BodyLimits,
    /// Client connections open in the process (L-21); `None` for nine tenths of the descriptors.
    pub connections: Option<usize>,
    /// Requests in flight in the process (L-22).
    pub in_flight: usize,
    /// How many of a hundred of them may be at the endpoints of one route, by whichever of their routes they came, or at its
    /// service: it leaves the last places to others. 100 for all.
    pub route_percent: u32,
    /// Bytes of memory that the process may have: above nine tenths of it new requests are shed. `None` for the
    /// bound of its control group, if that has one.
    pub memory: Option<u64>,
    /// Requests in flight at one endpoint that does not say otherwise (L-23); 0 for no bound.
    pub endpoint_connections: u32,
    /// Whether a request counts there only until the head of its response has come, as in Gorouter,
    /// and not until its body or tunnel has ended.
    pub endpoint_connections_until_head: bool,
    /// How often a request may come back from an endpoint that is a router itself.
    pub hops: u32,
    /// Requests on one client connection (L-24).
    pub connection_requests: u32,
    /// Life of a client connection, give or take a tenth (L-25).
    pub connection_age: Duration,
    /// Attempts for one request (L-27).
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request: RequestLimits::DEFAULT,
            request_body: BodyLimits::REQUEST,
            response: ResponseLimits::DEFAULT,
            response_body: BodyLimits::RESPONSE,
            connections: None,
            in_flight: 20_000,
            route_percent: 80,
            memory: None,
            endpoint_connections: 500,
            endpoint_connections_until_head: false,
            hops: 8,
            connection_requests: 10_000,
            connection_age: Duration::from_secs(24 * 3600),
            attempts: 3,
        }
    }
}

impl Limits {
    /// Whether every bound of the codec is at least 1 and at most its ceiling.
    ///
    /// # Errors
    /// The first bound that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        self.request.check()?;
        self.request_body.check()?;
        self.response.check()?;
        self.response_body.check()
    }
}

/// A load balancer that says who its clients are, by the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// How long its header may take (L-06).
    pub wait: Duration,
    /// Whether a connection without a header is served, as its sender's own.
    pub optional: bool,
}

impl Default for Behind {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(1),
            optional: false,
        }
    }
}

/// What [`Timeouts`] says of attempts, for some requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptTimeouts {
    /// One attempt with its whole response body; `None` for no bound.
    pub attempt: Option<Duration>,
    /// From the end of the request to the head of its response.
    pub answer: Duration,
    /// Between two bytes.
    pub stream_idle: Duration,
}

/// How long things may take. Each is exact to a tenth of a second.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a request, or from accept for the first one, to the end of its head
    /// (L-05).
    pub request_head: Duration,
    /// The TLS handshake of a client, from accept to its end (L-06).
    pub client_handshake: Duration,
    /// Between two requests of a client (L-07).
    pub client_idle: Duration,
    /// How long a client may send its body at any speed before its rate is looked at (L-08).
    pub body_grace: Duration,
    /// The window over which the rate of a request body is averaged (L-08).
    pub body_window: Duration,
    /// The least rate of a request body, in bytes per second (L-08).
    pub body_rate: u64,
    /// How long a client may accept no byte while data waits for it (L-09).
    pub client_stall: Duration,
    /// Connecting to an endpoint (L-28).
    pub dial: Duration,
    /// How long connecting to an endpoint may take until another one is dialled beside it. Exact
    /// to a millisecond.
    pub hedge: Duration,
    /// The TLS handshake with an endpoint (L-28).
    pub handshake: Duration,
    /// From the end of the request to the head of its response (L-28).
    pub answer: Duration,
    /// Between two bytes of a response body, or of a request body that the endpoint accepts
    /// (L-28).
    pub stream_idle: Duration,
    /// One request from its head to the last byte of its answer, all attempts included; `None` for no bound. A route
    /// may say otherwise.
    pub request: Option<Duration>,
    /// One attempt with its whole response body (`endpoint_timeout`); `None` for no bound.
    pub attempt: Option<Duration>,
    /// The same for clients over HTTP/2, where theirs are others.
    pub http2: Option<AttemptTimeouts>,
    /// How long the endpoint may take to say `100 Continue` before the body is asked for anyway.
    pub wait_for_continue: Duration,
    /// How long an unused connection to an endpoint is kept.
    pub endpoint_idle: Duration,
    /// How long the rest of a refused request is read, so that the client gets to see the answer.
    pub linger: Duration,
    /// How long the process serves on after it has said that it leaves (L-40): connections over HTTP/2 are told in the
    /// second half of it.
    pub leaving: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_head: Duration::from_secs(10),
            client_handshake: Duration::from_secs(10),
            client_idle: Duration::from_secs(900),
            body_grace: Duration::from_secs(10),
            body_window: Duration::from_secs(20),
            body_rate: 240,
            client_stall: Duration::from_secs(30),
            dial: Duration::from_secs(5),
            hedge: Duration::from_millis(50),
            handshake: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            stream_idle: Duration::from_secs(300),
            request: None,
            attempt: None,
            http2: None,
            wait_for_continue: Duration::from_secs(1),
            endpoint_idle: Duration::from_secs(90),
            linger: Duration::from_secs(1),
            leaving: Duration::ZERO,
        }
    }
}

/// What becomes of a client's `X-Forwarded-Proto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedProto {
    /// Kept where the client sent one (D-277).
    #[default]
    Keep,
    /// Replaced by the scheme of the connection (`sanitize_forwarded_proto`, D-278).
    Sanitize,
    /// Always `https` (`force_forwarded_proto_https`, D-279).
    ForceHttps,
}

/// What becomes of a client's `X-Forwarded-Client-Cert` (D-239 to D-263).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedClientCert {
    /// Kept, whoever sent it.
    #[default]
    AlwaysForward,
    /// Kept from a client that has shown a certificate, removed from others.
    Forward,
    /// Replaced by the certificate that the client has shown, removed where it has shown none.
    SanitizeSet,
}

/// What is said in header fields.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// What becomes of a client's `X-Forwarded-Proto`.
    pub forwarded_proto: ForwardedProto,
    /// What becomes of a client's `X-Forwarded-Client-Cert`.
    pub forwarded_client_cert: ForwardedClientCert,
    /// Names that a client cannot have removed by naming them in `Connection` (`hop_by_hop_headers_to_filter`, 5.18),
    /// beside those that nobody can.
    pub kept_from_connection: Vec<String>,
    /// What a request says in `X-Vcap-Trace` to learn which way it took (`trace_key`, 6.6); `None`: nobody learns it.
    pub trace_key: Option<Box<str>>,
    /// What is changed in the heads of answers, if anything.
    pub rewrite: Option<Rewrite>,
    /// Whether an endpoint's own `X-Cf-RouterError` passes, as in Gorouter (D-354); otherwise it
    /// is removed, so that the field always speaks for the router.
    pub keep_endpoint_router_error: bool,
    /// Whether an endpoint that does not answer in time is a 502 `endpoint_failure`, as in
    /// Gorouter, and not a 504 `endpoint_timeout`.
    pub timeout_is_bad_gateway: bool,
}

/// How endpoints are reached.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Whether connections are used again.
    pub keep_alive: bool,
    /// Whether a connection that carried `Expect: 100-continue` is used again, as those of Gorouter are since 2026
    /// (`keep_alive_100_continue_requests`, 12.1).
    pub keep_alive_after_continue: bool,
    /// Unused connections that are kept for one endpoint, by all workers together.
    pub idle_per_endpoint: usize,
    /// Unused connections that are kept in all, by all workers together.
    pub idle: usize,
    /// Requests on one connection to an endpoint.
    pub connection_requests: u32,
    /// Life of a connection to an endpoint, give or take a tenth.
    pub connection_age: Duration,
    /// Whether endpoints over TLS that are registered with HTTP/2 may choose it (D-512, D-513).
    pub http2: bool,
    /// How long an endpoint may send nothing at all over HTTP/2, while a request is there, until it is asked whether it is
    /// there itself.
    pub http2_silence: Duration,
    /// How long it may take to say so.
    pub http2_pong: Duration,
    /// What TLS endpoints are verified with. Without it they are not reached at all.
    pub tls: Option<UpstreamTls>,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            keep_alive: true,
            keep_alive_after_continue: true,
            idle_per_endpoint: 100,
            idle: 10_000,
            connection_requests: 10_000,
            connection_age: Duration::from_secs(24 * 3600),
            http2: true,
            http2_silence: Duration::from_secs(30),
            http2_pong: Duration::from_secs(10),
            tls: None,
        }
    }
}

/// What TLS endpoints are verified with, and what they may ask for.
#[derive(Clone, Debug)]
pub struct UpstreamTls {
    /// The CAs that sign endpoints' certificates.
    pub trust: Arc<Trust>,
    /// The certificate that is shown to an endpoint which asks for one.
    pub identity: Option<Arc<Identity>>,
}
