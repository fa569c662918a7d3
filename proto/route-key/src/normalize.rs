//! The rewriting that registration and lookup share.

use std::borrow::Cow;

/// Lower-cases the way the table is keyed, without a copy where nothing changes.
///
/// Hosts and paths are compared without regard to case, the path too (Gorouter's rule). Registered text may hold
/// any Unicode; a request's host and target are ASCII, so the fast path decides almost always.
#[must_use]
pub fn lowercase(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// The host of a `Host` header without its port.
///
/// A bracketed IPv6 literal keeps its brackets and loses what follows them; otherwise everything from the first
/// colon on goes.
#[must_use]
pub fn strip_port(host: &str) -> &str {
    if host.starts_with('[') {
        return host.find(']').map_or(host, |end| &host[..=end]);
    }
    host.find(':').map_or(host, |colon| &host[..colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowercase_borrows_when_nothing_changes() {
        assert!(matches!(lowercase("a.example.com"), Cow::Borrowed(_)));
        assert_eq!(lowercase("A.Example.COM"), "a.example.com");
        assert_eq!(lowercase("ÄPP.example"), "äpp.example");
    }

    #[test]
    fn ports_are_cut_and_brackets_kept() {
        for (host, bare) in [
            ("a.b:80", "a.b"),
            ("a.b", "a.b"),
            ("a.b:", "a.b"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1", "[::1"),
            ("", ""),
        ] {
            assert_eq!(strip_port(host), bare, "{host}");
        }
    }
}
