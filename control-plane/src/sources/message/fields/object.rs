//! Objects: which fields they have, under which keys, and how a map is read into them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Reading;
use super::value::no_text;

/// Keys that mean something.
pub(super) trait Known: Copy + 'static {
    const NAMES: &'static [&'static str];

    fn exact(text: &str) -> Option<Self>;

    fn name(self) -> &'static str;
}

/// An object whose keys are its fields.
pub(super) trait Object<'de> {
    type Key: Known;

    /// Reads the value of a key into its field.
    fn set<A: MapAccess<'de>>(
        &mut self,
        key: Self::Key,
        map: &mut A,
        reading: &Reading<'_>,
    ) -> Result<(), A::Error>;

    /// How many keys it had that nobody knows.
    fn unknown(&mut self) -> &mut u32;
}

/// Declares an object: each field once, with its type, the key that bears its name, and the reader of its value.
macro_rules! object {
    (
        $(#[$about:meta])*
        $object:ident, $keys:ident {
            $($(#[$field_about:meta])* $field:ident: $type:ty => $key:ident, $read:ident;)+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(super) struct $object<'a> {
            $($(#[$field_about])* pub(super) $field: $type,)+
            /// How many keys nobody knows.
            pub(super) unknown: u32,
        }

        #[derive(Clone, Copy)]
        pub(super) enum $keys { $($key),+ }

        impl $crate::sources::message::fields::object::Known for $keys {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            fn exact(text: &str) -> Option<Self> {
                match text {
                    $(stringify!($field) => Some(Self::$key),)+
                    _ => None,
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$key => stringify!($field)),+
                }
            }
        }

        impl<'a> $crate::sources::message::fields::object::Object<'a> for $object<'a> {
            type Key = $keys;

            fn set<A: serde::de::MapAccess<'a>>(
                &mut self,
                key: $keys,
                map: &mut A,
                reading: &Reading<'_>,
            ) -> Result<(), A::Error> {
                match key {
                    $($keys::$key => $read(&mut self.$field, map, reading),)+
                }
            }

            fn unknown(&mut self) -> &mut u32 {
                &mut self.unknown
            }
        }
    };
}

pub(super) use object;

/// Reads an object into what is there of it already.
pub(super) struct ObjectInto<'a, O> {
    object: &'a mut O,
    reading: &'a Reading<'a>,
}

impl<'a, O> ObjectInto<'a, O> {
    pub(super) fn new(object: &'a mut O, reading: &'a Reading<'a>) -> Self {
        Self { object, reading }
    }
}

impl<'de, O: Object<'de>> DeserializeSeed<'de> for ObjectInto<'_, O> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, O: Object<'de>> Visitor<'de> for ObjectInto<'_, O> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Err(no_text(&self))
    }

    /// One that is null says nothing (C-062).
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (object, reading) = (self.object, self.reading);
        while let Some(key) = map.next_key_seed(KeyOf::new(reading))? {
            match key {
                Some(key) => object.set(key, &mut map, reading)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                    let unknown = object.unknown();
                    *unknown = unknown.saturating_add(1);
                }
            }
        }
        reading.key.set("");
        Ok(())
    }
}

/// Reads a key without a copy: the known key that is meant, or none.
struct KeyOf<'a, Key> {
    reading: &'a Reading<'a>,
    key: PhantomData<Key>,
}

impl<'a, Key> KeyOf<'a, Key> {
    fn new(reading: &'a Reading<'a>) -> Self {
        Self {
            reading,
            key: PhantomData,
        }
    }
}

impl<'de, Key: Known> DeserializeSeed<'de> for KeyOf<'_, Key> {
    type Value = Option<Key>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<Key: Known> Visitor<'_> for KeyOf<'_, Key> {
    type Value = Option<Key>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.reading.known(text))
    }
}
