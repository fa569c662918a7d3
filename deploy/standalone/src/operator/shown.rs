//! How answers look.
//!
//! They hold what publishers, data planes and other operators have said. Whatever is written for people goes through
//! [`table`] or [`line()`], so that none of it moves the cursor, hides a line or turns its direction.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

/// An answer as it is, for scripts.
pub(super) fn json(out: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Rows below their headings, as wide as they have to be.
pub(super) fn table<const N: usize>(
    out: &mut impl Write,
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(headings);
    for row in rows {
        table.add_row(row.map(|text| {
            if text.is_empty() {
                "-".to_owned()
            } else {
                harmless(&text).into_owned()
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// One line for people.
pub(super) fn line(out: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(out, "{}", harmless(text))
}

/// A text in which everything that a terminal obeys, and does not show, is spelled out.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_obeyed(character) {
            spelled.extend(character.escape_default());
        } else {
            spelled.push(character);
        }
    }
    Cow::Owned(spelled)
}

/// Control characters, and those that end a line or turn its direction.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A member as people read it: texts without quotes, nothing for what is not there.
pub(super) fn member(value: &Value, name: &str) -> String {
    plain(value.get(name).unwrap_or(&Value::Null))
}

/// A value as people read it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The members of a list; none where there is no list.
pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A count.
pub(super) fn count(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Whether a member is true.
pub(super) fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool) == Some(true)
}

/// A time span in seconds as people say it.
pub(super) fn seconds(value: &Value, name: &str) -> String {
    match value.get(name).and_then(Value::as_f64) {
        None => String::new(),
        Some(seconds) if seconds < 10.0 => format!("{seconds:.1}s"),
        Some(seconds) if seconds < 120.0 => format!("{seconds:.0}s"),
        Some(seconds) if seconds < 7200.0 => format!("{:.0}m", seconds / 60.0),
        Some(seconds) => format!("{:.0}h", seconds / 3600.0),
    }
}

/// An isolation segment; the shared one has no name.
pub(super) fn segment(value: &Value) -> String {
    member(value, "segment")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut out = Vec::new();
        let rows = [["a.example.com", ""], ["b", "10.0.0.1:80"]];
        table(
            &mut out,
            ["ROUTE", "ENDPOINT"],
            rows.map(|row| row.map(str::to_owned)),
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "ROUTE          ENDPOINT",
                "a.example.com  -",
                "b              10.0.0.1:80"
            ]
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_of_what_is_shown() {
        for (said, shown) in [
            ("s\u{1b}[31mg", "s\\u{1b}[31mg"),
            ("z\u{9b}2J", "z\\u{9b}2J"),
            ("one\r\ntwo\tthree\u{7f}", "one\\r\\ntwo\\tthree\\u{7f}"),
            ("exe.\u{202e}gpj", "exe.\\u{202e}gpj"),
            (
                "größer als \u{1f600} \\ \"x\"",
                "größer als \u{1f600} \\ \"x\"",
            ),
        ] {
            let mut out = Vec::new();
            line(&mut out, said).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{shown}\n"));
            let mut out = Vec::new();
            table(&mut out, ["TEXT"], [[said.to_owned()]]).unwrap();
            let text = String::from_utf8(out).unwrap();
            let rows: Vec<_> = text.lines().map(str::trim_end).collect();
            assert_eq!(rows, ["TEXT", shown]);
        }
        let mut out = Vec::new();
        json(&mut out, &json!("z\u{9b}\u{1b}")).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"z\u{9b}\\u001b\"\n", "scripts get what there is");
    }

    #[test]
    fn spans_are_said_as_people_do() {
        let said = |age: f64| seconds(&json!({ "age": age }), "age");
        assert_eq!(said(0.25), "0.2s");
        assert_eq!(
            (said(61.0), said(600.0), said(90_000.0)),
            ("61s".into(), "10m".into(), "25h".into())
        );
        assert_eq!(seconds(&json!({ "age": null }), "age"), "");
    }
}
