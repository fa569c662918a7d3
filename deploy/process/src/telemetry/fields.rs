//! The fields of an event or a span, written as JSON while they are visited.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};

use super::escape::Escaped;
use super::places::{Object, Place, Places};
use super::text::Text;

/// The fields of an event or a span, in the order in which they were written. They are text already: an event of which
/// there are hundreds of thousands in a second is written once, and nothing is kept of it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The message, escaped.
    pub(super) message: Text,
    /// The component, escaped; empty for none.
    pub(super) component: Text,
    /// `,"name":value,"name":value`
    pub(super) data: Text,
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
        let shift = self.data.len();
        self.data.extend(outer.data.as_bytes());
        let objects = outer.objects.iter();
        self.objects
            .extend(objects.map(|(name, end)| (*name, end + shift)));
    }

    /// Puts a value where it belongs.
    fn put(&mut self, place: &Place, quote: Quote, write: impl FnOnce(&mut Text)) {
        match place {
            // A message and a component are what is in the quotes. A number stands for its digits.
            Place::Message => {
                self.message.clear();
                write(&mut self.message);
            }
            Place::Component => {
                self.component.clear();
                write(&mut self.component);
            }
            Place::Nowhere => {}
            Place::Data(key) => {
                self.data.extend_padded(key);
                push(&mut self.data, quote, write);
            }
            Place::LongData(key) => {
                self.data.extend(key);
                push(&mut self.data, quote, write);
            }
            Place::Object(object) => self.put_into(object, quote, write),
            Place::Json(json) => self.put(&json.other, quote, write),
        }
    }

    /// Text that does not go where most does; out of the way of that.
    #[inline(never)]
    fn put_text(&mut self, place: &Place, text: &str) {
        match place {
            Place::Message => replace(&mut self.message, text),
            Place::Component => replace(&mut self.component, text),
            Place::Json(json) => self.put_json(&json.text, text),
            place => self.put(place, Quote::Double, |to| to.extend_escaped(text)),
        }
    }

    /// Text that is no JSON after all is shown as the text that it is. Few fields are of this kind, so it is kept out of the
    /// way of the others.
    #[inline(never)]
    fn put_json(&mut self, place: &Place, text: &str) {
        let Ok(json) = serde_json::from_str::<Value>(text) else {
            return self.put_text(place, text);
        };
        self.put(place, Quote::None, |to| {
            // Writing into memory does not fail.
            let _ = write!(to, "{json}");
        });
    }

    /// Puts a value into its object, which begins with it or is known; out of the way as well.
    #[inline(never)]
    fn put_into(&mut self, object: &Object, quote: Quote, write: impl FnOnce(&mut Text)) {
        let mut objects = self.objects.iter_mut();
        let Some((_, end)) = objects.find(|(name, _)| *name == object.name) else {
            object.first.push(&mut self.data);
            push(&mut self.data, quote, write);
            self.objects.push((object.name, self.data.len()));
            self.data.push(b'}');
            return;
        };
        if *end + 1 == self.data.len() {
            self.data.pop();
            object.next.push(&mut self.data);
            push(&mut self.data, quote, write);
            *end = self.data.len();
            self.data.push(b'}');
            return;
        }
        let (end, before) = (*end, self.data.len());
        object.next.push(&mut self.data);
        push(&mut self.data, quote, write);
        let length = self.data.len() - before;
        self.data.move_last_to(end, length);
        for (_, place) in &mut self.objects {
            if *place >= end {
                *place += length;
            }
        }
    }
}

/// Puts a text in the place of another one.
fn replace(old: &mut Text, text: &str) {
    old.clear();
    old.extend_escaped(text);
}

/// What stands around a value.
#[derive(Clone, Copy, Debug)]
enum Quote {
    Double,
    None,
}

/// Writes a value behind its key, which ends with a quote.
#[inline]
fn push(to: &mut Text, quote: Quote, write: impl FnOnce(&mut Text)) {
    match quote {
        Quote::Double => {
            write(to);
            to.push(b'"');
        }
        Quote::None => {
            to.pop();
            write(to);
        }
    }
}

/// The digits of a number, without what formatting allows for.
fn push_digits(to: &mut Text, mut number: u64) {
    if number < 10 {
        return to.push(b'0' + u8::try_from(number).unwrap_or_default());
    }
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
    to.extend(&digits[first..]);
}

/// Puts the fields of one callsite where they belong.
#[derive(Debug)]
pub(super) struct Gather<'a> {
    pub(super) places: &'a Places,
    pub(super) fields: &'a mut Fields,
}

impl Gather<'_> {
    fn bare(&mut self, field: &Field, write: impl FnOnce(&mut Text)) {
        let place = self.places.place(field);
        self.fields.put(place, Quote::None, write);
    }

    fn shown(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let place = self.places.place(field);
        self.fields.put(place, Quote::Double, |to| {
            // Nor does writing escaped text into memory.
            let _ = fmt::write(&mut Escaped(to), value);
        });
    }
}

impl Visit for Gather<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.bare(field, |to| {
            // Writing into memory does not fail.
            let _ = write!(to, "{}", Value::from(value));
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, |to| {
            if value < 0 {
                to.push(b'-');
            }
            push_digits(to, value.unsigned_abs());
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, |to| push_digits(to, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, |to| {
            to.extend(if value { b"true" } else { b"false" });
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match self.places.place(field) {
            Place::Data(key) => self.fields.data.extend_quoted(key, value),
            place => self.fields.put_text(place, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.shown(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.shown(field, format_args!("{value:?}"));
    }
}
