//! The key of a route.

use std::fmt;

use crate::digest::Digest;
use crate::normalize::lowercase;

/// What a route answers for, in canonical form: lower case, without query, without the slashes that do not count.
///
/// Two registrations whose keys are equal are the same route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// The hosts that the route answers for.
    pub host: Host,
    /// The paths below these hosts.
    pub path: Path,
}

/// The hosts of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// One host, as it stands.
    Exact(Box<str>),
    /// Every host that ends in a dot and this suffix: `example.com` for `*.example.com`. Never empty.
    Suffix(Box<str>),
    /// Every host. A listener has to opt in to serve such routes.
    Any,
}

/// The paths of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// This path and everything below it, by whole segments: `/a` answers `/a` and `/a/b`, and not `/ab`. The root is
    /// the empty text; everything else begins with a slash.
    Prefix(Box<str>),
    /// This path only.
    Exact(Box<str>),
    /// A template with named segments, as `/users/{id}`.
    Template(Box<str>),
}

/// Why a registered URI is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// The URI names no host, so no request could ever match it.
    NoHost,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the URI names no host; expected HOST or HOST/PATH"),
        }
    }
}

impl std::error::Error for KeyError {}

impl RouteKey {
    /// The key of a URI as Gorouter's publishers send it: `host` or `host/context/path`, with `*.` for a wildcard.
    ///
    /// One trailing slash goes, everything is lower-cased, the query goes, then one more trailing and one leading
    /// slash go. Nothing else is interpreted: no scheme, no port, no percent-encoding, no dots, and empty segments in
    /// the middle stay.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoHost`] where nothing is left in front of the first slash.
    pub fn from_uri(uri: &str) -> Result<Self, KeyError> {
        if is_mere_host(uri) {
            return Ok(Self {
                host: Host::from_registered(uri),
                path: Path::Prefix(Box::default()),
            });
        }
        let lowered = lowercase(uri.strip_suffix('/').unwrap_or(uri));
        let text = lowered
            .split_once('?')
            .map_or(&*lowered, |(before, _)| before);
        let text = text.strip_suffix('/').unwrap_or(text);
        let text = text.strip_prefix('/').unwrap_or(text);
        let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        if host.is_empty() {
            return Err(KeyError::NoHost);
        }
        Ok(Self {
            host: Host::from_registered(host),
            path: Path::Prefix(path.into()),
        })
    }

    /// Adds the key to a digest, kinds included.
    #[must_use]
    pub fn digest_into(&self, digest: Digest) -> Digest {
        let digest = match &self.host {
            Host::Exact(host) => digest.number(1).field(host.as_bytes()),
            Host::Suffix(host) => digest.number(2).field(host.as_bytes()),
            Host::Any => digest.number(3),
        };
        match &self.path {
            Path::Prefix(path) => digest.number(1).field(path.as_bytes()),
            Path::Exact(path) => digest.number(2).field(path.as_bytes()),
            Path::Template(path) => digest.number(3).field(path.as_bytes()),
        }
    }
}

/// Whether this is a host that stands as it is in a key, which nearly every registered URI is.
fn is_mere_host(uri: &str) -> bool {
    // All bytes are looked at, many at once.
    let is_other =
        |byte: u8| !byte.is_ascii() | byte.is_ascii_uppercase() | (byte == b'/') | (byte == b'?');
    !uri.is_empty() && !uri.bytes().fold(false, |any, byte| any | is_other(byte))
}

impl Host {
    /// The host of a registered URI, already lower-cased. `*` inside a name, and a lone `*`, stand for themselves.
    fn from_registered(host: &str) -> Self {
        match host.strip_prefix("*.") {
            Some(suffix) if !suffix.is_empty() => Self::Suffix(suffix.into()),
            _ => Self::Exact(host.into()),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Suffix(suffix) => write!(f, "*.{suffix}"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(path) | Self::Exact(path) | Self::Template(path) => f.write_str(path),
        }
    }
}

/// The key as Gorouter's `/routes` spells it: host and path, lower case, without a trailing slash.
impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests;
