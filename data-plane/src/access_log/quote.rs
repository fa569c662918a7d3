//! Quoted values, as Go's `%q` writes them: the format that parsers of Gorouter's log know.

/// Appends a quoted value; an absent or empty one is `"-"`.
#[inline]
pub(super) fn push_quoted(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None | Some([]) => out.extend_from_slice(b"\"-\""),
        Some(value) => {
            out.push(b'"');
            push_escaped(out, value);
            out.push(b'"');
        }
    }
}

/// Appends what stands between the quotes.
#[inline]
pub(super) fn push_escaped(out: &mut Vec<u8>, value: &[u8]) {
    // Looking at every byte, without stopping at the first that is not plain, is what the compiler
    // can do for many bytes at a time; nearly all values are plain to their end.
    if value
        .iter()
        .fold(true, |plain, &byte| plain & is_plain(byte))
    {
        out.extend_from_slice(value);
        return;
    }
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_character(out, character);
        }
        for &byte in chunk.invalid() {
            out.extend_from_slice(b"\\x");
            push_hex(out, u32::from(byte), 2);
        }
    }
}

/// Printable ASCII that stands for itself.
#[inline]
fn is_plain(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') <= b'~' - b' ') & (byte != b'"') & (byte != b'\\')
}

fn push_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\x07' => out.extend_from_slice(b"\\a"),
        '\x08' => out.extend_from_slice(b"\\b"),
        '\x0c' => out.extend_from_slice(b"\\f"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\x0b' => out.extend_from_slice(b"\\v"),
        _ if is_printable(character) => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        '\0'..='\x7f' => {
            out.extend_from_slice(b"\\x");
            push_hex(out, character.into(), 2);
        }
        '\u{80}'..='\u{ffff}' => {
            out.extend_from_slice(b"\\u");
            push_hex(out, character.into(), 4);
        }
        _ => {
            out.extend_from_slice(b"\\U");
            push_hex(out, character.into(), 8);
        }
    }
}

/// Whether a character is shown as it is. The standard library knows which are printable, and
/// escapes these alone in its own notation.
fn is_printable(character: char) -> bool {
    character.escape_debug().len() == 1
}

fn push_hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for digit in (0..digits).rev() {
        let nibble = (value >> (digit * 4)) & 0xf;
        out.push(b"0123456789abcdef"[nibble as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(value: &[u8]) -> String {
        let mut out = Vec::new();
        push_quoted(&mut out, Some(value));
        String::from_utf8(out).expect("the log is UTF-8")
    }

    #[test]
    fn values_are_quoted_as_go_quotes_them() {
        for (value, expected) in [
            (&b"curl/8"[..], "\"curl/8\""),
            (b"a\"b", r#""a\"b""#),
            (b"a\\b", r#""a\\b""#),
            (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
            (b"\x00\x1f\x7f", r#""\x00\x1f\x7f""#),
            ("grüße €".as_bytes(), "\"grüße €\""),
            (b"\xff\xc3", r#""\xff\xc3""#),
            ("\u{85}\u{a0}".as_bytes(), r#""\u0085\u00a0""#),
            ("\u{e0001}".as_bytes(), r#""\U000e0001""#),
            ("🚂".as_bytes(), "\"🚂\""),
        ] {
            assert_eq!(quoted(value), expected, "{value:?}");
        }
    }

    #[test]
    fn nothing_and_the_empty_value_are_a_quoted_dash() {
        let mut out = Vec::new();
        push_quoted(&mut out, None);
        push_quoted(&mut out, Some(b""));
        assert_eq!(out, b"\"-\"\"-\"");
    }
}
