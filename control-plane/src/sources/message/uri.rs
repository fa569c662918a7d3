//! Which URIs may be registered as a route (R-112, L-31).

use std::net::Ipv6Addr;

use pointsman_registry::{Uri, UriError};
use pointsman_route_key::Host;

use super::cause::Cause;
use super::limits::Policy;

/// The URI, if a request can match it.
///
/// A query is cut off, as Gorouter has it (C-086 to C-089); everything else that is no part of host or path is refused.
///
/// # Errors
///
/// Why the URI is no route.
pub fn parse(text: &str, policy: &Policy) -> Result<Uri, Cause> {
    // Nearly all of them are the name of a host, which is good in every respect but its length.
    let is_name = check_labels(text).is_ok();
    if !is_name {
        check_characters(text)?;
    }
    let uri = Uri::parse(text).map_err(|error| match error {
        UriError::Key(_) => Cause::UriNoHost,
        UriError::TooLong(_) | UriError::HostTooLong(_) | UriError::LabelTooLong(_) => {
            Cause::UriTooLong
        }
    })?;
    match &uri.key().host {
        Host::Exact(_) if is_name => {}
        Host::Exact(host) => check_exact(host)?,
        Host::Suffix(suffix) => {
            check_name(suffix)?;
            if !suffix.contains('.') && !policy.top_level_wildcards.allow(suffix) {
                return Err(Cause::UriTopLevelWildcard);
            }
        }
        Host::Any => {}
    }
    Ok(uri)
}

/// The same for a route that may be of every host, which is written `*` with its path: as lists show it.
///
/// # Errors
///
/// Why the text names no route.
pub fn parse_named(text: &str, policy: &Policy) -> Result<Uri, Cause> {
    match text.strip_prefix('*') {
        Some(path) if path.is_empty() || path.starts_with('/') => {
            // The host of nobody only lends the path its rules.
            parse(&format!("x{path}"), policy)?;
            Uri::of_every_host(path).map_err(|_| Cause::UriTooLong)
        }
        _ => parse(text, policy),
    }
}

fn check_characters(text: &str) -> Result<(), Cause> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Cause::UriCharacter);
    }
    let before_query = text.split_once('?').map_or(text, |(before, _)| before);
    if before_query.contains("://") {
        return Err(Cause::UriScheme);
    }
    if text.contains('#') {
        return Err(Cause::UriFragment);
    }
    Ok(())
}

fn check_exact(host: &str) -> Result<(), Cause> {
    if host.contains('@') {
        return Err(Cause::UriUserinfo);
    }
    match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((bare, "")) if bare.parse::<Ipv6Addr>().is_ok() => Ok(()),
        Some((_, rest)) if rest.starts_with(':') => Err(Cause::UriPort),
        Some(_) => Err(Cause::UriHost),
        None => check_name(host),
    }
}

/// A host name as requests may name it: labels of letters, digits, `-` and `_`, one dot at the end allowed.
fn check_name(host: &str) -> Result<(), Cause> {
    if host.contains('*') {
        return Err(Cause::UriWildcard);
    }
    if host.contains(':') {
        return Err(Cause::UriPort);
    }
    check_labels(host)
}

/// Labels that are not empty, with one dot between two of them.
fn check_labels(host: &str) -> Result<(), Cause> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let mut before = b'.';
    for byte in name.bytes() {
        let fits = if byte == b'.' {
            before != b'.'
        } else {
            is_in_label(byte)
        };
        if !fits {
            return Err(Cause::UriHost);
        }
        before = byte;
    }
    if before == b'.' {
        return Err(Cause::UriHost);
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
    use crate::sources::message::TopLevelWildcards;

    /// a URI is a host with an optional path, and nothing else.
    #[test]
    fn uris_that_are_no_route_are_refused_by_cause() {
        let long_label = format!("{}.example.com", "x".repeat(64));
        let long_host = format!("{}com", "abcdefg.".repeat(32));
        let cases = [
            ("", Cause::UriNoHost),
            ("/", Cause::UriNoHost),
            ("//path", Cause::UriNoHost),
            ("http://something", Cause::UriScheme),
            ("https://app.example.com/x", Cause::UriScheme),
            ("user:secret@app.example.com", Cause::UriUserinfo),
            ("foo.com:8080", Cause::UriPort),
            ("foo.com:8080/path", Cause::UriPort),
            ("[::1]:80", Cause::UriPort),
            ("foo.com#x", Cause::UriFragment),
            ("foo.com/a b", Cause::UriCharacter),
            ("foo.com/\u{0}", Cause::UriCharacter),
            ("foo.com/\r\nX: y", Cause::UriCharacter),
            ("föö.com", Cause::UriCharacter),
            ("a..b", Cause::UriHost),
            (".example.com", Cause::UriHost),
            ("exa$mple.com", Cause::UriHost),
            ("[nonsense]", Cause::UriHost),
            ("*", Cause::UriWildcard),
            ("a.*.com", Cause::UriWildcard),
            ("*a.example.com", Cause::UriWildcard),
            ("*.*.com", Cause::UriWildcard),
            ("*.com", Cause::UriTopLevelWildcard),
            (&long_label, Cause::UriTooLong),
            (&long_host, Cause::UriTooLong),
        ];
        for (uri, cause) in cases {
            assert_eq!(parse(uri, &Policy::default()).unwrap_err(), cause, "{uri}");
        }
    }

    /// L-31: a URI has at most 2 KiB.
    #[test]
    fn uris_are_bounded() {
        let uri = |bytes: usize| format!("a.b/{}", "x".repeat(bytes - 4));
        assert!(parse(&uri(2048), &Policy::default()).is_ok());
        assert_eq!(
            parse(&uri(2049), &Policy::default()).unwrap_err(),
            Cause::UriTooLong
        );
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
            let parsed = parse(uri, &Policy::default());
            let parsed = parsed.unwrap_or_else(|cause| panic!("{uri}: {cause}"));
            assert_eq!(parsed.key().to_string(), shown);
        }
    }

    /// a wildcard over a top-level domain needs somebody who allowed it.
    #[test]
    fn top_level_wildcards_are_allowed_by_name() {
        let listed = |names: &[&str]| Policy {
            top_level_wildcards: TopLevelWildcards::Listed(
                names.iter().map(|name| (*name).to_owned()).collect(),
            ),
            ..Policy::default()
        };
        assert!(parse("*.internal", &listed(&["internal"])).is_ok());
        assert!(parse("*.Internal/x", &listed(&["internal"])).is_ok());
        assert!(parse("*.com", &listed(&["internal"])).is_err());
        let all = Policy {
            top_level_wildcards: TopLevelWildcards::All,
            ..Policy::default()
        };
        assert!(parse("*.com", &all).is_ok());
    }
}
