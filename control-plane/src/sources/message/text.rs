//! Foreign text: made decodable, and made fit for a log.

use std::borrow::Cow;

/// Bytes of an excerpt (R-119).
pub const EXCERPT_BYTES: usize = 512;

/// The payload as text. Each byte that is not UTF-8 becomes one U+FFFD, as Go's decoder has it.
pub(super) fn repaired(payload: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(payload) {
        return Cow::Borrowed(text);
    }
    let replacement = char::REPLACEMENT_CHARACTER.len_utf8();
    let chunks = payload.utf8_chunks();
    let length = chunks.map(|it| it.valid().len() + replacement * it.invalid().len());
    let mut repaired = String::with_capacity(length.sum());
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
/// escaped, so that nothing can forge a line (R-171), and what may be credentials or a query is left out, with or without
/// a scheme before it (R-172).
#[must_use]
pub fn excerpt(foreign: &[u8]) -> String {
    let mut shown = Shown(String::with_capacity(foreign.len().min(EXCERPT_BYTES)));
    let mut rest = foreign;
    while !rest.is_empty() {
        let (quoted, others) = rest.split_at(quoted(rest));
        if shown.push_quoted(&unescaped(quoted)).is_none() {
            break;
        }
        rest = others;
    }
    shown.0
}

/// How long the text is until the next quote that is not escaped, or that quote.
fn quoted(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        is_end
    });
    end.map_or(text.len(), |end| end.max(1))
}

/// The text with visible characters in place of their JSON escapes, but for quotes and backslashes.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(byte) = rest.first() {
        let (bytes, length) = match (rest.get(1), visible_escape(rest)) {
            (_, Some(visible)) => (&[visible][..], 6),
            (Some(b'/'), _) if *byte == b'\\' => (&b"/"[..], 2),
            (Some(_), _) if *byte == b'\\' => (&rest[..2], 2),
            _ => (&rest[..1], 1),
        };
        plain.extend_from_slice(bytes);
        rest = &rest[length..];
    }
    Cow::Owned(plain)
}

/// The character that a text of the form `\u003f` begins with stands for.
fn visible_escape(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.strip_prefix(br"\u00")?.get(..2)?).ok()?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')).then_some(byte)
}

/// What is shown of a text. Nothing more is added once something did not fit, which dots tell.
struct Shown(String);

impl Shown {
    fn push(&mut self, piece: &str) -> Option<()> {
        if self.0.len() + piece.len() > EXCERPT_BYTES - 3 {
            self.0.push_str("...");
            return None;
        }
        self.0.push_str(piece);
        Some(())
    }

    /// What has no quotes in it: one URI, or any other text. Whatever may stand before an `@` is hidden as far as it may
    /// reach: passwords hold every character.
    fn push_quoted(&mut self, text: &[u8]) -> Option<()> {
        let Some(at) = memchr::memrchr(b'@', text) else {
            return self.push_without_queries(text);
        };
        let first = memchr::memchr2(b'@', b'?', text).unwrap_or(at);
        let scheme = memchr::memmem::find(&text[..first], b"://");
        self.push_visible(&text[..scheme.map_or(0, |scheme| scheme + 3)])?;
        self.push("***")?;
        if text[..at].contains(&b'?') {
            // It may be that of a query, or of a password.
            return Some(());
        }
        self.push_without_queries(&text[at..])
    }

    fn push_without_queries(&mut self, mut text: &[u8]) -> Option<()> {
        while let Some(query) = memchr::memchr(b'?', text) {
            self.push_visible(&text[..query])?;
            let query = &text[query..];
            let end = query.iter().position(|byte| matches!(byte, b' ' | b','));
            let end = end.unwrap_or(query.len());
            self.push(if end > 1 { "?***" } else { "?" })?;
            text = &query[end..];
        }
        self.push_visible(text)
    }

    fn push_visible(&mut self, text: &[u8]) -> Option<()> {
        text.iter().try_for_each(|byte| match byte {
            0x20..=0x7e => self.push(char::from(*byte).encode_utf8(&mut [0; 4])),
            byte => self.push(&format!("\\x{byte:02x}")),
        })
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
                r#""https://***@rs.example.com/x""#,
            ),
            (
                r#""https://a:b@c@rs/x?token=secret", "y":1"#,
                r#""https://***@rs/x?***", "y":1"#,
            ),
            (r#""https://rs.example.com""#, r#""https://rs.example.com""#),
            ("why?", "why?"),
            ("user:secret@a.example.com", "***@a.example.com"),
            (
                r#"{"uris":["user:secret@a","b"],"host":"user:sec\"ret@10.0.0.11"}"#,
                r#"{"uris":["***@a","b"],"host":"***@10.0.0.11"}"#,
            ),
            (
                r#""http:\u002f\u002fuser:secret@rs\u003Ft=secret""#,
                r#""http://***@rs?***""#,
            ),
            (
                r#""user:secret\u0040rs", "a\\u0040""#,
                r#""***@rs", "a\\u0040""#,
            ),
            (r#""https://user:se?c@ret@rs?a@secret""#, r#""https://***""#),
            (r#""user:se/c,r et@rs""#, r#""***@rs""#),
            (r"\", r"\"),
            (r"\u00", r"\u00"),
            (r"\u0022\u005c\u0007", r"\u0022\u005c\u0007"),
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
