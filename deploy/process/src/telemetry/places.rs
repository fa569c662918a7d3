//! Where the fields of a callsite go, worked out once.

use tracing::Metadata;
use tracing::field::Field;

use super::text::{Padded, Text};

/// Where the value of a field goes.
#[derive(Debug)]
pub(super) enum Place {
    Message,
    Component,
    /// Nowhere: `tracing-log` adds such fields to lines of the `log` facade.
    Nowhere,
    /// Under this key, as nearly all are.
    Data(Padded),
    /// Under this long one.
    LongData(Box<[u8]>),
    /// Into the object of a name with a dot.
    Object(Box<Object>),
    /// Where the name says that text is JSON.
    Json(Box<Json>),
}

/// The places of a field whose text is JSON.
#[derive(Debug)]
pub(super) struct Json {
    /// For text.
    pub(super) text: Place,
    /// For anything else.
    pub(super) other: Place,
}

/// A place in the object that a name with a dot has before the dot.
#[derive(Debug)]
pub(super) struct Object {
    /// The name of the object.
    pub(super) name: &'static str,
    /// What begins an object of this value: `,"object":{"name":"`
    pub(super) first: Key,
    /// What adds this value: `,"name":"`
    pub(super) next: Key,
}

/// A key with all that goes before a text: `,"name":"`
#[derive(Debug)]
pub(super) enum Key {
    Short(Padded),
    Long(Box<[u8]>),
}

impl Key {
    fn new(text: &str) -> Self {
        match Padded::new(text) {
            Some(padded) => Self::Short(padded),
            None => Self::Long(text.as_bytes().into()),
        }
    }

    /// Writes it.
    pub(super) fn push(&self, to: &mut Text) {
        match self {
            Self::Short(short) => to.extend_padded(short),
            Self::Long(text) => to.extend(text),
        }
    }
}

impl Place {
    /// That of a field of this name.
    fn of(name: &'static str) -> Self {
        let other = match name {
            "message" => Self::Message,
            "component" => Self::Component,
            _ if name.starts_with("log.") => Self::Nowhere,
            _ => Self::within_data(name),
        };
        match name.strip_suffix(".json") {
            Some(text) => Self::Json(Box::new(Json {
                text: Self::within_data(text),
                other,
            })),
            None => other,
        }
    }

    /// Names are those of our own source: letters, digits, `_`. Nothing of them needs to be escaped.
    fn within_data(name: &'static str) -> Self {
        let key = |name| Key::new(&format!(",\"{name}\":\""));
        let Some((outer, inner)) = name.split_once('.') else {
            return match key(name) {
                Key::Short(short) => Self::Data(short),
                Key::Long(long) => Self::LongData(long),
            };
        };
        Self::Object(Box::new(Object {
            name: outer,
            first: Key::new(&format!(",\"{outer}\":{{\"{inner}\":\"")),
            next: key(inner),
        }))
    }
}

/// The places of the fields of one callsite.
#[derive(Debug)]
pub(super) struct Places(Box<[Place]>);

impl Places {
    fn of(metadata: &Metadata<'static>) -> Self {
        let names = metadata.fields().iter().map(|field| field.name());
        Self(names.map(Place::of).collect())
    }

    /// That of a field of this callsite.
    pub(super) fn place(&self, field: &Field) -> &Place {
        self.0.get(field.index()).unwrap_or(&Place::Nowhere)
    }
}

/// The callsites that a thread has met, in the order of where their metadata stands, which is there for good. There are no
/// more of them than lines of source that log.
#[derive(Debug, Default)]
pub(super) struct Callsites(Vec<(usize, Places)>);

impl Callsites {
    pub(super) fn places(&mut self, metadata: &'static Metadata<'static>) -> &Places {
        let address = std::ptr::from_ref(metadata).addr();
        let known = self.0.binary_search_by_key(&address, |(known, _)| *known);
        let at = known.unwrap_or_else(|at| {
            self.0.insert(at, (address, Places::of(metadata)));
            at
        });
        &self.0[at].1
    }
}
