//! Text within the quotes of a JSON string (RFC 8259 section 7).

use std::fmt;

/// Writes what it gets escaped into the string behind it.
pub(super) struct Escaped<'a>(pub(super) &'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// The text as a JSON string.
pub(super) fn push_quoted(to: &mut String, text: &str) {
    to.push('"');
    push_escaped(to, text);
    to.push('"');
}

fn push_escaped(to: &mut String, text: &str) {
    // Hardly any text has something special.
    if !has_special(text.as_bytes()) {
        to.push_str(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(at);
        to.push_str(plain);
        let byte = special.as_bytes()[0];
        push_special(to, byte);
        // What is special is one byte of ASCII.
        rest = &special[1..];
    }
    to.push_str(rest);
}

/// Whether any of the bytes is special, eight at a time. A test for one byte may be fooled by a borrow out of the one
/// below it, but only where that is special itself.
fn has_special(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    const fn any_below(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(ONES * bound as u64) & !word & TOPS
    }
    let (words, rest) = bytes.as_chunks();
    let mut found = 0;
    for word in words {
        let word = u64::from_ne_bytes(*word);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        found |= any_below(word, 0x20) | any_below(quote, 1) | any_below(backslash, 1);
    }
    found != 0 || rest.iter().any(|byte| is_special(*byte))
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_special(to: &mut String, byte: u8) {
    match byte {
        b'"' => to.push_str(r#"\""#),
        b'\\' => to.push_str(r"\\"),
        b'\n' => to.push_str(r"\n"),
        b'\r' => to.push_str(r"\r"),
        b'\t' => to.push_str(r"\t"),
        0x08 => to.push_str(r"\b"),
        0x0c => to.push_str(r"\f"),
        _ => {
            to.push_str(r"\u00");
            for half in [byte >> 4, byte & 15] {
                to.push(char::from_digit(half.into(), 16).unwrap_or('0'));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_is_found_anywhere() {
        for length in 0..20 {
            let mut bytes = vec![b'#'; length];
            assert!(!has_special(&bytes), "{length}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    bytes[at] = byte;
                    assert_eq!(has_special(&bytes), is_special(byte), "{byte} at {at}");
                }
                bytes[at] = b'!';
            }
        }
    }

    #[test]
    fn text_is_escaped_as_the_library_does_it() {
        let every: String = (0_u8..128).map(char::from).collect();
        for text in ["", "plain", "\"", "a\\", "ä\u{2028}\n", &every] {
            let mut written = String::new();
            push_quoted(&mut written, text);
            assert_eq!(written, serde_json::to_string(text).unwrap());
        }
    }
}
