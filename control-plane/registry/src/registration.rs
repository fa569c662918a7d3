//! One message of a source: a registration or an unregistration.

use std::fmt;
use std::sync::Arc;

use pointsman_route_key::{Host, KeyError, Path, RouteKey};

use crate::description::Description;
use crate::tag::ModificationTag;

/// What one message says: these URIs are (or are no longer) served by this endpoint.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The URIs, each handled by itself.
    pub uris: Vec<Uri>,
    /// The address as registered, `HOST:PORT`; with the route its identity.
    pub address: Arc<str>,
    /// The isolation segment; empty for the shared one.
    pub segment: Arc<str>,
    /// What is said about the endpoint. An unregistration is compared by none of it.
    pub description: Arc<Description>,
    /// How long the registration counts, in seconds; 0 for the default. More than the default counts as the default,
    /// and a negative one is stale at once (C-155 to C-158).
    pub stale_threshold_seconds: i64,
    /// Which of two announcements is the newer one.
    pub tag: ModificationTag,
    /// The fingerprint of the payload, by which its repetition is known without being parsed.
    pub fingerprint: Option<Fingerprint>,
}

/// A keyed digest of a payload. Whoever computes it uses a secret key, so that nobody can make two payloads collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

/// A registered URI and the route that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uri {
    /// `None` where it is the host of the key and nothing else, as nearly all are.
    as_sent: Option<Box<str>>,
    key: Arc<RouteKey>,
}

/// The longest URI, in bytes (L-31).
pub const MAX_URI: usize = 2048;
/// The longest host, in bytes (L-31; RFC 1035 section 2.3.4).
pub const MAX_HOST: usize = 253;
/// The longest label of a host, in bytes (L-31; RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// Why a URI is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriError {
    /// It is no route.
    Key(KeyError),
    /// It is this long, which is above [`MAX_URI`].
    TooLong(usize),
    /// Its host is this long, which is above [`MAX_HOST`].
    HostTooLong(usize),
    /// One of the labels of its host is this long, which is above [`MAX_LABEL`].
    LabelTooLong(usize),
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, length, limit) = match self {
            Self::Key(error) => return error.fmt(f),
            Self::TooLong(length) => ("the URI", length, MAX_URI),
            Self::HostTooLong(length) => ("the host", length, MAX_HOST),
            Self::LabelTooLong(length) => ("a label of the host", length, MAX_LABEL),
        };
        write!(f, "{what} has {length} bytes; expected at most {limit}")
    }
}

impl std::error::Error for UriError {}

impl Uri {
    /// Reads a URI as publishers send it, `host` or `host/context/path`.
    ///
    /// # Errors
    ///
    /// [`UriError`] where it names no host, or exceeds L-31.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI {
            return Err(UriError::TooLong(text.len()));
        }
        let key = RouteKey::from_uri(text).map_err(UriError::Key)?;
        let host = match &key.host {
            Host::Exact(host) | Host::Suffix(host) => host,
            Host::Any => "",
        };
        if host.len() > MAX_HOST {
            return Err(UriError::HostTooLong(host.len()));
        }
        if host.len() > MAX_LABEL
            && let Some(label) = host.split('.').find(|label| label.len() > MAX_LABEL)
        {
            return Err(UriError::LabelTooLong(label.len()));
        }
        let is_host = key.path == Path::Prefix(Box::default())
            && matches!(&key.host, Host::Exact(host) if **host == *text);
        Ok(Self {
            as_sent: (!is_host).then(|| text.into()),
            key: Arc::new(key),
        })
    }

    /// The route of every host below a context path, which is empty or begins with a slash. No publisher can name it:
    /// `*` is a host like any other in a URI.
    ///
    /// # Errors
    ///
    /// [`UriError::TooLong`] where the path exceeds L-31.
    pub fn of_every_host(path: &str) -> Result<Self, UriError> {
        // The host only lends the path its rules.
        let uri = Self::parse(&format!("*{path}"))?;
        let key = RouteKey {
            host: Host::Any,
            path: uri.key.path.clone(),
        };
        Ok(Self {
            as_sent: Some(uri.as_sent().into()),
            key: Arc::new(key),
        })
    }

    /// The URI as it was sent.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        match (&self.as_sent, &self.key.host) {
            (Some(text), _) => text,
            (None, Host::Exact(host)) => host,
            (None, Host::Suffix(_) | Host::Any) => "",
        }
    }

    /// Whether it is the host of its key, as that is spelt there.
    pub(crate) fn is_host(&self) -> bool {
        self.as_sent.is_none()
    }

    /// The route.
    #[must_use]
    pub fn key(&self) -> &Arc<RouteKey> {
        &self.key
    }

    /// Host and context path with their case, as Gorouter keeps them for a pool: one slash goes from either end, the
    /// host ends at the first slash, and the path is cut at a question mark.
    pub(crate) fn host_and_path(&self) -> (&str, &str) {
        let text = self.as_sent();
        let text = text.strip_suffix('/').unwrap_or(text);
        let text = text.strip_prefix('/').unwrap_or(text);
        let Some(slash) = text.bytes().position(|byte| byte == b'/') else {
            return (text, "/");
        };
        let (host, path) = text.split_at(slash);
        (host, path.split_once('?').map_or(path, |(path, _)| path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_path_keep_their_case() {
        for (uri, host, path) in [
            ("dora.app.com", "dora.app.com", "/"),
            ("Dora.App.com/", "Dora.App.com", "/"),
            ("dora.app.com/app/UP/we/Go", "dora.app.com", "/app/UP/we/Go"),
            ("/foo.com/a?x=1", "foo.com", "/a"),
            ("dora.app.com?foo=bar", "dora.app.com?foo=bar", "/"),
        ] {
            let uri = Uri::parse(uri).unwrap();
            assert_eq!(uri.host_and_path(), (host, path));
        }
    }

    #[test]
    fn a_path_below_every_host_is_read_as_one_below_a_host_is() {
        for (path, canonical) in [("", ""), ("/", ""), ("/Svc/v1/", "/svc/v1"), ("/a?b", "/a")] {
            let uri = Uri::of_every_host(path).unwrap();
            assert_eq!(uri.key().host, Host::Any);
            assert_eq!(uri.key().path.to_string(), canonical, "{path}");
            assert_eq!(uri.host_and_path().0, "*");
        }
        assert_ne!(
            Uri::of_every_host("").unwrap().key(),
            Uri::parse("*").unwrap().key()
        );
    }

    #[test]
    fn long_uris_are_refused_with_their_length() {
        let error = |uri: String| Uri::parse(&uri).unwrap_err().to_string();
        assert_eq!(
            error(format!("a/{}", "x".repeat(2047))),
            "the URI has 2049 bytes; expected at most 2048"
        );
        assert_eq!(
            error("ab.".repeat(85)),
            "the host has 255 bytes; expected at most 253"
        );
        assert_eq!(
            error("x".repeat(64)),
            "a label of the host has 64 bytes; expected at most 63"
        );
        assert!(Uri::parse(&format!("a/{}", "x".repeat(2046))).is_ok());
        assert_eq!(
            Uri::parse("/").unwrap_err(),
            UriError::Key(KeyError::NoHost)
        );
    }
}
