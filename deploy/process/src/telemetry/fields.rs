//! The fields of an event or a span, written as JSON while they are visited.

use std::fmt::{self, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};

use super::escape::{Escaped, push_quoted};

/// The fields of an event or a span, in the order in which they were written. They are text already: an event of which
/// there are hundreds of thousands in a second is written once, and nothing is kept of it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The message, escaped.
    pub(super) message: String,
    /// The component, escaped; empty for none.
    pub(super) component: String,
    /// `"name":value,"name":value`
    pub(super) data: String,
    /// The objects of names with a dot, with the place of the brace that closes each.
    objects: Vec<(&'static str, usize)>,
}

impl Fields {
    /// Makes them those of nothing, and keeps their room.
    pub(super) fn clear(&mut self) {
        self.message.clear();
        self.component.clear();
        self.data.clear();
        self.objects.clear();
    }

    /// Adds those of a span around.
    pub(super) fn extend(&mut self, outer: &Self) {
        if !outer.component.is_empty() {
            self.component.clone_from(&outer.component);
        }
        if outer.data.is_empty() {
            return;
        }
        self.separate();
        let shift = self.data.len();
        self.data.push_str(&outer.data);
        let objects = outer.objects.iter();
        self.objects
            .extend(objects.map(|(name, end)| (*name, end + shift)));
    }

    fn separate(&mut self) {
        if !self.data.is_empty() {
            self.data.push(',');
        }
    }

    /// Puts a value where its name says.
    fn push(&mut self, field: &Field, write: impl FnOnce(&mut String)) {
        let name = field.name();
        match name {
            "message" => replace(&mut self.message, write),
            "component" => replace(&mut self.component, write),
            // `tracing-log` adds these to lines of the `log` facade.
            _ if name.starts_with("log.") => {}
            _ => self.put(name, write),
        }
    }

    /// Puts a value under its name, or, where the name has a dot, into the object before the dot.
    fn put(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        // Names are short, and hardly any has one.
        let dot = name.bytes().position(|byte| byte == b'.');
        let Some((outer, inner)) = dot.map(|at| (&name[..at], &name[at + 1..])) else {
            self.separate();
            push_name(&mut self.data, name);
            write(&mut self.data);
            return;
        };
        let known = self.objects.iter().find(|(name, _)| *name == outer);
        let Some(&(_, end)) = known else {
            self.separate();
            push_name(&mut self.data, outer);
            self.data.push('{');
            push_name(&mut self.data, inner);
            write(&mut self.data);
            self.objects.push((outer, self.data.len()));
            self.data.push('}');
            return;
        };
        let mut entry = String::from(",");
        push_name(&mut entry, inner);
        write(&mut entry);
        self.data.insert_str(end, &entry);
        for (_, place) in &mut self.objects {
            if *place >= end {
                *place += entry.len();
            }
        }
    }
}

/// A message or a component: what is in the quotes. A number stands for its digits.
fn replace(text: &mut String, write: impl FnOnce(&mut String)) {
    text.clear();
    write(text);
    if text.starts_with('"') {
        text.pop();
        text.remove(0);
    }
}

/// Names are those of our own source: letters, digits, `_`. Nothing of them needs to be escaped.
fn push_name(text: &mut String, name: &str) {
    text.reserve(name.len() + 3);
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
}

/// The digits of a number, without what formatting allows for.
fn push_digits(text: &mut String, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// Writing into a string does not fail.
fn display(text: &mut impl fmt::Write, value: impl fmt::Display) {
    let _ = write!(text, "{value}");
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, |text| display(text, Value::from(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, |text| display(text, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, |text| push_digits(text, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, |text| {
            text.push_str(if value { "true" } else { "false" });
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let Some(name) = field.name().strip_suffix(".json") else {
            return self.push(field, |text| push_quoted(text, value));
        };
        match serde_json::from_str::<Value>(value) {
            Ok(json) => self.put(name, |text| display(text, json)),
            // Text that is no JSON after all is shown as the text that it is.
            Err(_) => self.put(name, |text| push_quoted(text, value)),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, |text| {
            text.push('"');
            display(&mut Escaped(text), value);
            text.push('"');
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, |text| {
            text.push('"');
            // Neither does writing escaped text.
            let _ = write!(Escaped(text), "{value:?}");
            text.push('"');
        });
    }
}
