//! The `host[:port]` of a request (RFC 3986 §3.2, R-012).

use std::fmt;

/// A host that is not `host[:port]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHost {
    /// There is no host.
    Empty,
    /// A byte that may not stand in a host, user information, a path, a list, or a bad address.
    Host,
    /// A port that is not a number up to 65535.
    Port,
}

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty host",
            Self::Host => "invalid host",
            Self::Port => "invalid port",
        })
    }
}

impl std::error::Error for InvalidHost {}

/// A valid host and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    /// The host as given; an IPv6 address keeps its brackets.
    pub name: &'a [u8],
    /// The port, if one is given.
    pub port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `host[:port]`.
    ///
    /// # Errors
    /// Why it is not that.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InvalidHost> {
        todo!()
    }
}
