//! Values of fields, each read by a function that is given the field, the map whose value is next, and the reading.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use pointsman_registry::{MAX_TAGS, Tags};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};

use super::Reading;
use super::object::{Object, ObjectInto};
use crate::sources::message::cause::Cause;

/// A string, borrowed from the payload where nothing in it is escaped.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// A number, unless its value is null, which leaves the field as it was.
pub(super) fn number<'de, T, A>(
    field: &mut T,
    map: &mut A,
    _reading: &Reading<'_>,
) -> Result<(), A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if let Some(Number(value)) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// A number of this type.
struct Number<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor(PhantomData))
    }
}

struct NumberVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NumberVisitor<T> {
    type Value = Number<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Self::Value, E> {
        T::deserialize(number.into_deserializer()).map(Number)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(no_text(&self))
    }
}

/// The error of a string where something else is expected. What it says may be long, and is left out.
pub(super) fn no_text<E: de::Error>(expected: &dyn de::Expected) -> E {
    E::invalid_type(de::Unexpected::Other("string"), expected)
}

/// The same for a text.
pub(super) fn text<'de, A: MapAccess<'de>>(
    field: &mut Cow<'de, str>,
    map: &mut A,
    _reading: &Reading<'_>,
) -> Result<(), A::Error> {
    if let Some(Text(value)) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// A list of URIs; null is none.
pub(super) fn uris<'de, A: MapAccess<'de>>(
    field: &mut Vec<Cow<'de, str>>,
    map: &mut A,
    reading: &Reading<'_>,
) -> Result<(), A::Error> {
    *field = map.next_value_seed(Uris(reading))?;
    Ok(())
}

/// Tags, added to those that are there; null is none.
pub(super) fn tags<'de, A: MapAccess<'de>>(
    field: &mut Option<Tags<'de>>,
    map: &mut A,
    reading: &Reading<'_>,
) -> Result<(), A::Error> {
    map.next_value_seed(TagsInto {
        tags: field,
        reading,
    })
}

/// An object, added to what is there of it.
pub(super) fn object_of<'de, O: Object<'de>, A: MapAccess<'de>>(
    field: &mut O,
    map: &mut A,
    reading: &Reading<'_>,
) -> Result<(), A::Error> {
    map.next_value_seed(ObjectInto::new(field, reading))
}

/// Reads URIs, null being the empty URI, up to the bound.
struct Uris<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for Uris<'_> {
    type Value = Vec<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Uris<'_> {
    type Value = Vec<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(no_text(&self))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut uris = Vec::new();
        while let Some(uri) = items.next_element::<Option<Text<'de>>>()? {
            if uris.len() == self.0.limits.uris {
                self.0.cause.set(Cause::TooManyUris);
                return Err(A::Error::custom(format_args!(
                    "at most {}",
                    self.0.limits.uris
                )));
            }
            uris.push(uri.unwrap_or_default().0);
        }
        Ok(uris)
    }
}

/// How many tags a platform sets, and some of its operator's.
pub(super) const USUAL_TAGS: usize = 16;

/// Reads tags into those that are there, up to the bound.
struct TagsInto<'a, 'de> {
    tags: &'a mut Option<Tags<'de>>,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for TagsInto<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TagsInto<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Err(no_text(&self))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.tags = None;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let tags = self
            .tags
            .get_or_insert_with(|| Tags::with_capacity(USUAL_TAGS));
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
            let Text(value) = value.unwrap_or_default();
            tags.put(name, value);
            if tags.len() > MAX_TAGS {
                self.reading.cause.set(Cause::TooManyTags);
                return Err(A::Error::custom(format_args!("at most {MAX_TAGS}")));
            }
        }
        Ok(())
    }
}
