//! What is looked at in a request beside its route.

/// What is looked at in a request beside its route. Everything is off by default.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// A request with exactly this `User-Agent` asks for the router's health, whatever its host and path
    /// (`healthcheck_user_agent`, D-183 to D-186). An empty one means requests without any.
    pub health_user_agent: Option<Box<str>>,
    /// How large a request head may be that has a route; larger ones are a 431 that leaves the connection open (5.16).
    /// The bounds of the codec hold before.
    pub request_size: Option<RequestSize>,
    /// Whether a `;` in a request's target is warned of, and shown in the access log (5.10).
    pub semicolons: bool,
    /// What becomes of fields whose names have a `_`.
    pub underscores: Underscores,
}

/// What becomes of a request's fields whose names have a `_`. They are counted in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Underscores {
    /// They are passed on, as any other.
    #[default]
    Pass,
    /// They are left out.
    Drop,
    /// The request is a 400.
    Refuse,
}

/// How large a request head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestSize {
    /// Bytes of the request line and the fields; a head of so many is too large (`max_request_header_bytes`).
    pub bytes: usize,
    /// How many fields there may be beside `Host`, if that is bounded (`max_request_headers`).
    pub fields: Option<usize>,
}
