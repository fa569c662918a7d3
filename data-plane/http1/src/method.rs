//! Request methods: the few that change how a message is read, and the rest.

/// A request method. Anything that is a token is a method (RFC 9110 §9.1); the bytes of those that
/// are not listed are kept in the head ([`crate::RequestHead::method_bytes`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: its answer has the fields of a `GET` and no body.
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`: the only method that may have the target `*`.
    Options,
    /// `TRACE`
    Trace,
    /// `CONNECT`: always refused by [`crate::RequestParser`].
    Connect,
    /// Any other token.
    Other,
}

impl Method {
    /// Recognises a method; methods are case-sensitive (RFC 9110 §9.1).
    pub const fn of(bytes: &[u8]) -> Self {
        match bytes {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"PATCH" => Self::Patch,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Whether the method is safe to repeat by definition and is defined to change nothing:
    /// `GET`, `HEAD`, `OPTIONS`, `TRACE` (RFC 9110 §9.2.1).
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }
}
