//! Foreign text: made decodable, and made fit for a log.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of an excerpt (R-119).
pub const EXCERPT_BYTES: usize = 512;

/// The payload as text. Each byte that is not UTF-8 becomes one U+FFFD, as Go's decoder has it.
pub(super) fn repaired(payload: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(payload) {
        return Cow::Borrowed(text);
    }
    let mut repaired = String::with_capacity(payload.len() + 64);
    for chunk in payload.utf8_chunks() {
        repaired.push_str(chunk.valid());
        for _byte in chunk.invalid() {
            repaired.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cow::Owned(repaired)
}

/// Whether arrays and objects are nested deeper than `bound`. Text that is no JSON gets some answer.
pub(super) fn deeper_than(text: &str, bound: usize) -> bool {
    // Most messages open fewer of them in all.
    let mut opened = memchr::memchr2_iter(b'[', b'{', text.as_bytes());
    if opened.nth(bound).is_none() {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > bound {
                    return true;
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The beginning of foreign bytes as one line of visible ASCII, at most [`EXCERPT_BYTES`] long: everything else is
/// escaped, so that nothing can forge a line (R-171), and credentials and queries of URLs are left out (R-172).
#[must_use]
pub fn excerpt(foreign: &[u8]) -> String {
    let mut shown = String::with_capacity(foreign.len().min(EXCERPT_BYTES));
    let mut at = 0;
    while at < foreign.len() {
        let before = shown.len();
        let taken = push_next(&mut shown, &foreign[at..]);
        if shown.len() > EXCERPT_BYTES - 3 {
            shown.truncate(before.min(EXCERPT_BYTES - 3));
            shown.push_str("...");
            return shown;
        }
        at += taken;
    }
    shown
}

/// Writes what the next byte, or the authority and query of a URL that begins here, may show; says how much it took.
fn push_next(shown: &mut String, rest: &[u8]) -> usize {
    for slashes in [&b"://"[..], br":\/\/"] {
        if let Some(url) = rest.strip_prefix(slashes) {
            let end = url
                .iter()
                .position(|byte| matches!(byte, b'"' | b' ' | b',' | b'<'));
            let url = &url[..end.unwrap_or(url.len())];
            shown.push_str("://");
            return slashes.len() + push_authority(shown, url);
        }
    }
    if rest[0] == b'?' {
        // The query of whatever this is: up to the end of the text or the JSON string.
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'"' | b' ' | b','));
        let end = end.unwrap_or(rest.len());
        shown.push_str(if end > 1 { "?***" } else { "?" });
        return end;
    }
    match rest[0] {
        byte @ 0x20..=0x7e => shown.push(char::from(byte)),
        byte => {
            // Writing into a string does not fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    1
}

/// Leaves out the user information of a URL, of which `url` is what follows the slashes; says how much it took.
fn push_authority(shown: &mut String, url: &[u8]) -> usize {
    let end = url
        .iter()
        .position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'));
    let authority = &url[..end.unwrap_or(url.len())];
    match authority.iter().rposition(|byte| *byte == b'@') {
        Some(at) => {
            shown.push_str("***@");
            at + 1
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_become_one_replacement_each() {
        assert_eq!(repaired(b"plain"), "plain");
        assert_eq!(repaired(b"a\xffb\xe2\x82c"), "a\u{fffd}b\u{fffd}\u{fffd}c");
    }

    #[test]
    fn depth_counts_outside_of_strings_only() {
        assert!(!deeper_than(r#"{"a":"[[[[\"[[[["}"#, 1));
        assert!(deeper_than("[[1]]", 1));
        assert!(!deeper_than("[1],[2],[3]", 1));
        assert!(!deeper_than("]]]]", 1));
    }

    /// R-119: an excerpt has at most 512 bytes of visible ASCII.
    /// R-171: foreign bytes cannot forge or split a line.
    #[test]
    fn excerpts_are_short_and_harmless() {
        let hostile = "\u{1b}[31m\r\nforged\u{2028}\u{85}\0";
        let shown = excerpt(hostile.as_bytes());
        assert!(
            shown.bytes().all(|byte| (0x20..=0x7e).contains(&byte)),
            "{shown}"
        );
        assert_eq!(excerpt(b"a\nb"), r"a\x0ab");
        for byte in [b'x', 0_u8, b'?', b':'] {
            let long = excerpt(&vec![byte; 100_000]);
            assert!(long.len() <= EXCERPT_BYTES, "{}", long.len());
        }
        assert!(excerpt(&[b'x'; 513]).ends_with("x..."));
        assert_eq!(excerpt(&[b'x'; 509]).len(), 509);
    }

    /// R-172: credentials and queries of URLs are never shown.
    #[test]
    fn excerpts_leave_secrets_out() {
        for (given, shown) in [
            (
                r#""https://user:secret@rs.example.com/x""#,
                r#""https://***@rs.example.com/x""#,
            ),
            (
                r#""https:\/\/user:secret@rs.example.com\/x""#,
                r#""https://***@rs.example.com\/x""#,
            ),
            (
                r#""https://a:b@c@rs/x?token=secret", "y":1"#,
                r#""https://***@rs/x?***", "y":1"#,
            ),
            (r#""https://rs.example.com""#, r#""https://rs.example.com""#),
            ("why?", "why?"),
        ] {
            assert_eq!(excerpt(given.as_bytes()), shown);
        }
        let late = format!(
            "{}https://user:{}@host",
            "x".repeat(400),
            "secret".repeat(200)
        );
        assert!(!excerpt(late.as_bytes()).contains("secret"));
    }
}
