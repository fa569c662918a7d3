//! Text within the quotes of a JSON string (RFC 8259 section 7).

use std::fmt;

/// Writes what it gets escaped into the text behind it.
pub(super) struct Escaped<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// How many bytes are looked at together.
const TOGETHER: usize = 16;

/// The text as it stands within the quotes. Hardly any text has something special.
#[expect(
    clippy::inline_always,
    reason = "most texts are short, and take no longer than a call"
)]
#[inline(always)]
pub(super) fn push_escaped(to: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    if bytes.len() < TOGETHER {
        push_short(to, bytes);
    } else if has_special(bytes) {
        push_special_ones(to, bytes);
    } else {
        to.extend_from_slice(bytes);
    }
}

/// All bytes of a short text are looked at together, and copied together.
#[inline]
fn push_short(to: &mut Vec<u8>, bytes: &[u8]) {
    let mut filled = [b' '; TOGETHER];
    filled[..bytes.len()].copy_from_slice(bytes);
    if any_special(&filled) {
        push_special_ones(to, bytes);
    } else {
        let end = to.len() + bytes.len();
        to.extend_from_slice(&filled);
        to.truncate(end);
    }
}

#[cold]
fn push_special_ones(to: &mut Vec<u8>, mut bytes: &[u8]) {
    while let Some(at) = bytes.iter().position(|byte| is_special(*byte)) {
        to.extend_from_slice(&bytes[..at]);
        push_special(to, bytes[at]);
        bytes = &bytes[at + 1..];
    }
    to.extend_from_slice(bytes);
}

/// Of a text that is long enough.
#[inline]
fn has_special(bytes: &[u8]) -> bool {
    let (chunks, _) = bytes.as_chunks();
    // The last ones may be looked at twice.
    chunks.iter().any(any_special) || bytes.last_chunk().is_some_and(any_special)
}

/// Without a branch for any of the bytes, so that a few instructions look at all of them.
#[inline]
fn any_special(bytes: &[u8; TOGETHER]) -> bool {
    let mut found = 0;
    for byte in bytes {
        // Changing this one bit puts the quote next to the control characters, which stay among themselves.
        let below = byte ^ 0x02 <= b'"' ^ 0x02;
        found |= u8::from(below) | u8::from(*byte == b'\\');
    }
    found != 0
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_special(to: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => to.extend_from_slice(br#"\""#),
        b'\\' => to.extend_from_slice(br"\\"),
        b'\n' => to.extend_from_slice(br"\n"),
        b'\r' => to.extend_from_slice(br"\r"),
        b'\t' => to.extend_from_slice(br"\t"),
        0x08 => to.extend_from_slice(br"\b"),
        0x0c => to.extend_from_slice(br"\f"),
        _ => {
            to.extend_from_slice(br"\u00");
            for half in [byte >> 4, byte & 15] {
                to.push(b"0123456789abcdef"[usize::from(half)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut written = b"before: ".to_vec();
        push_escaped(&mut written, text);
        String::from_utf8(written.split_off("before: ".len())).unwrap()
    }

    #[test]
    fn what_is_special_is_found_anywhere() {
        for length in 0..40 {
            let plain = "#".repeat(length);
            assert_eq!(escaped(&plain), plain);
            for at in 0..length {
                for byte in 0..128 {
                    let mut text = plain.clone();
                    text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0; 4]));
                    let plain = escaped(&text) == text;
                    assert_eq!(plain, !is_special(byte), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn text_is_escaped_as_the_library_does_it() {
        let every: String = (0_u8..128).map(char::from).collect();
        for text in [
            "",
            "plain",
            "\"",
            "a\\",
            "ä\u{2028}\n",
            "it is rather a long text",
            &every,
        ] {
            let quoted = serde_json::to_string(text).unwrap();
            assert_eq!(format!("\"{}\"", escaped(text)), quoted);
        }
    }
}
