//! Where the fields of a callsite go, worked out once.

use tracing::Metadata;
use tracing::field::Field;

/// Where the value of a field goes.
#[derive(Debug)]
pub(super) enum Place {
    Message,
    Component,
    /// Nowhere: `tracing-log` adds such fields to lines of the `log` facade.
    Nowhere,
    /// Under this key.
    Data(Key),
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
    /// With its length. It is copied whole, and cut then: that costs less than copying so many bytes.
    Short([u8; SHORT], usize),
    Long(Box<[u8]>),
}

const SHORT: usize = 32;

impl Key {
    fn new(text: String) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                Self::Short(short, text.len())
            }
            None => Self::Long(text.into_bytes().into_boxed_slice()),
        }
    }

    /// Writes it.
    #[inline]
    pub(super) fn push(&self, to: &mut Vec<u8>) {
        match self {
            Self::Short(short, length) => {
                let end = to.len() + length;
                to.extend_from_slice(short);
                to.truncate(end);
            }
            Self::Long(text) => to.extend_from_slice(text),
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
        let key = |name| Key::new(format!(",\"{name}\":\""));
        let Some((outer, inner)) = name.split_once('.') else {
            return Self::Data(key(name));
        };
        Self::Object(Box::new(Object {
            name: outer,
            first: Key::new(format!(",\"{outer}\":{{\"{inner}\":\"")),
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
