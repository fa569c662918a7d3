//! JSON as Go's `encoding/json` writes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Appends the JSON of a value.
pub(super) fn push(text: &mut Vec<u8>, value: &impl Serialize) {
    let before = text.len();
    if value
        .serialize(&mut Serializer::with_formatter(&mut *text, GoFormatter))
        .is_err()
    {
        // Memory takes every byte, and our values have only texts for keys; half a value would spoil the document.
        text.truncate(before);
        text.extend_from_slice(b"null");
    }
}

/// Escapes what could close an HTML element or a line of JavaScript, and writes numbers in their shortest form.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let mut characters = special.chars();
            let special = characters.next().map_or(0, u32::from);
            write!(writer, "{plain}\\u{special:04x}")?;
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            let text = if size < 1.0 {
                text
            } else {
                text.replace('e', "e+")
            };
            return writer.write_all(text.as_bytes());
        }
        write!(writer, "{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &impl Serialize) -> String {
        let mut text = Vec::new();
        push(&mut text, value);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn texts_are_escaped_as_go_escapes_them() {
        assert_eq!(json(&"a<b>&c"), r#""a\u003cb\u003e\u0026c""#);
        assert_eq!(json(&"\u{2028}x\u{2029}"), r#""\u2028x\u2029""#);
        assert_eq!(json(&"ä\"\\\n\u{1}<"), r#""ä\"\\\n\u0001\u003c""#);
        assert_eq!(json(&""), r#""""#);
    }

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (2.0, "2"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (-2.25, "-2.25"),
        ] {
            assert_eq!(json(&number), text);
        }
    }
}
