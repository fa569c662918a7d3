//! Which URIs can be a route (R-112, L-31): those that are registered, and those that are asked about.

use std::fmt;
use std::net::Ipv6Addr;

use pointsman_registry::{Uri, UriError};
use pointsman_route_key::Host;

/// Why a URI can be no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// It is too long as a whole, in its host, or in a label (L-31).
    TooLong,
    /// A blank, a control character, or something beyond ASCII, which no request line carries.
    Character,
    /// `https://…`.
    Scheme,
    /// `user@…`.
    Userinfo,
    /// `…#part`.
    Fragment,
    /// `host:80`.
    Port,
    /// Nothing in front of the first slash.
    NoHost,
    /// A host that no request could name.
    Host,
    /// A wildcard that is not the whole first label.
    Wildcard,
}

impl NoRoute {
    /// What is wrong, and what would be right.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooLong => "the URI, its host, or a label of its host is too long",
            Self::Character => "the URI holds a character other than visible ASCII",
            Self::Scheme => "the URI has a scheme; expected HOST or HOST/PATH",
            Self::Userinfo => "the URI has user information; expected HOST or HOST/PATH",
            Self::Fragment => "the URI has a fragment; expected HOST or HOST/PATH",
            Self::Port => "the URI has a port; expected HOST or HOST/PATH",
            Self::NoHost => "the URI names no host",
            Self::Host => "the URI's host is no host name",
            Self::Wildcard => "a wildcard must be the whole first label, as in *.example.com",
        }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for NoRoute {}

impl From<UriError> for NoRoute {
    fn from(error: UriError) -> Self {
        match error {
            UriError::Key(_) => Self::NoHost,
            UriError::TooLong(_) | UriError::HostTooLong(_) | UriError::LabelTooLong(_) => {
                Self::TooLong
            }
        }
    }
}

/// The URI, if a request can match it.
///
/// A query is cut off, as Gorouter has it (C-086 to C-089); everything else that is no part of host or path is refused.
///
/// # Errors
///
/// Why the URI is no route.
pub fn parse(text: &str) -> Result<Uri, NoRoute> {
    // Nearly all of them are the name of a host, which is good in every respect but its length.
    let is_name = check_labels(text).is_ok();
    if !is_name {
        check_characters(text)?;
    }
    let uri = Uri::parse(text)?;
    match &uri.key().host {
        Host::Exact(_) if is_name => {}
        Host::Exact(host) => check_exact(host)?,
        Host::Suffix(suffix) => check_name(suffix)?,
        Host::Any => {}
    }
    Ok(uri)
}

/// The same for a route that may be of every host, which is written `*` with its path: as lists show it.
///
/// # Errors
///
/// Why the text names no route.
pub fn parse_named(text: &str) -> Result<Uri, NoRoute> {
    match text.strip_prefix('*') {
        Some(path) if path.is_empty() || path.starts_with('/') => {
            // The host of nobody only lends the path its rules.
            parse(&format!("x{path}"))?;
            Ok(Uri::of_every_host(path)?)
        }
        _ => parse(text),
    }
}

fn check_characters(text: &str) -> Result<(), NoRoute> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NoRoute::Character);
    }
    let before_query = text.split_once('?').map_or(text, |(before, _)| before);
    if before_query.contains("://") {
        return Err(NoRoute::Scheme);
    }
    if text.contains('#') {
        return Err(NoRoute::Fragment);
    }
    Ok(())
}

fn check_exact(host: &str) -> Result<(), NoRoute> {
    if host.contains('@') {
        return Err(NoRoute::Userinfo);
    }
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((bare, "")) if bare.parse::<Ipv6Addr>().is_ok() => Ok(()),
        Some((_, rest)) if rest.starts_with(':') => Err(NoRoute::Port),
        Some(_) => Err(NoRoute::Host),
        None => check_name(host),
    }
}

/// A host name as requests may name it: labels of letters, digits, `-` and `_`, one dot at the end allowed.
fn check_name(host: &str) -> Result<(), NoRoute> {
    if host.contains('*') {
        return Err(NoRoute::Wildcard);
    }
    if host.contains(':') {
        return Err(NoRoute::Port);
    }
    check_labels(host)
}

/// Labels that are not empty, with one dot between two of them.
fn check_labels(host: &str) -> Result<(), NoRoute> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let mut before = b'.';
    for byte in name.bytes() {
        let fits = if byte == b'.' {
            before != b'.'
        } else {
            is_in_label(byte)
        };
        if !fits {
            return Err(NoRoute::Host);
        }
        before = byte;
    }
    if before == b'.' {
        return Err(NoRoute::Host);
    }
    Ok(())
}

/// Whether a label may have this byte: a table, since this is asked of every byte of every host.
fn is_in_label(byte: u8) -> bool {
    const IN_LABEL: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 128_u8 {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            byte += 1;
        }
        table
    };
    IN_LABEL[usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a URI is a host with an optional path, and nothing else.
    #[test]
    fn uris_that_are_no_route_are_refused_by_cause() {
        let long_label = format!("{}.example.com", "x".repeat(64));
        let long_host = format!("{}com", "abcdefg.".repeat(32));
        let cases = [
            ("", NoRoute::NoHost),
            ("/", NoRoute::NoHost),
            ("//path", NoRoute::NoHost),
            ("http://something", NoRoute::Scheme),
            ("https://app.example.com/x", NoRoute::Scheme),
            ("user:secret@app.example.com", NoRoute::Userinfo),
            ("foo.com:8080", NoRoute::Port),
            ("foo.com:8080/path", NoRoute::Port),
            ("[::1]:80", NoRoute::Port),
            ("foo.com#x", NoRoute::Fragment),
            ("foo.com/a b", NoRoute::Character),
            ("foo.com/\u{0}", NoRoute::Character),
            ("foo.com/\r\nX: y", NoRoute::Character),
            ("föö.com", NoRoute::Character),
            ("a..b", NoRoute::Host),
            (".example.com", NoRoute::Host),
            ("exa$mple.com", NoRoute::Host),
            ("[nonsense]", NoRoute::Host),
            ("*", NoRoute::Wildcard),
            ("a.*.com", NoRoute::Wildcard),
            ("*a.example.com", NoRoute::Wildcard),
            ("*.*.com", NoRoute::Wildcard),
            (&long_label, NoRoute::TooLong),
            (&long_host, NoRoute::TooLong),
        ];
        for (uri, cause) in cases {
            assert_eq!(parse(uri).unwrap_err(), cause, "{uri}");
        }
    }

    /// L-31: a URI has at most 2 KiB.
    #[test]
    fn uris_are_bounded() {
        let uri = |bytes: usize| format!("a.b/{}", "x".repeat(bytes - 4));
        assert!(parse(&uri(2048)).is_ok());
        assert_eq!(parse(&uri(2049)).unwrap_err(), NoRoute::TooLong);
    }

    #[test]
    fn uris_of_real_routes_are_taken() {
        for (uri, shown) in [
            ("App.Example.COM", "app.example.com"),
            ("app.example.com/", "app.example.com"),
            ("app.example.com/API/V1?x=1", "app.example.com/api/v1"),
            ("app.example.com/a?to=http://b", "app.example.com/a"),
            ("*.apps.example.com", "*.apps.example.com"),
            ("*.apps.example.com/v2/%41", "*.apps.example.com/v2/%41"),
            ("foo", "foo"),
            ("foo_bar-1.internal", "foo_bar-1.internal"),
            ("10.0.0.1", "10.0.0.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            let parsed = parse(uri);
            let parsed = parsed.unwrap_or_else(|cause| panic!("{uri}: {cause}"));
            assert_eq!(parsed.key().to_string(), shown);
        }
    }
}
