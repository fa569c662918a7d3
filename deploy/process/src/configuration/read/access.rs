//! Lists, maps and enums, piece by piece, without the pieces that were set aside.

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::super::document::{Entry, Node};
use super::fault::Fault;
use super::path::{Path, Step};
use super::reader::Reader;

/// The items of a list, without those that were set aside.
pub(super) struct Items<'a> {
    pub(super) items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    pub(super) parent: &'a Reader<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let context = self.parent.context;
        let next = self
            .items
            .find(|(_, node)| !context.aside.contains(&node.id));
        let Some((index, node)) = next else {
            return Ok(None);
        };
        let path = Path {
            parent: Some(&self.parent.path),
            step: Step::Index(index),
        };
        let reader = Reader::new(node, path, context);
        seed.deserialize(reader)
            .map(Some)
            .map_err(|fault| fault.place(node, &path))
    }
}

/// The entries of a map, without those whose value was set aside.
pub(super) struct Entries<'a> {
    entries: std::vec::IntoIter<&'a Entry>,
    current: Option<&'a Entry>,
    pub(super) parent: &'a Reader<'a>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(entries: Vec<&'a Entry>, parent: &'a Reader<'a>) -> Self {
        Self {
            entries: entries.into_iter(),
            current: None,
            parent,
        }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let context = self.parent.context;
        self.current = self
            .entries
            .find(|entry| !context.aside.contains(&entry.value.id));
        let Some(entry) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
        let path = Path {
            parent: Some(&self.parent.path),
            step: Step::Key(&entry.key),
        };
        seed.deserialize(key)
            .map(Some)
            .map_err(|fault| fault.place(&entry.value, &path))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let path = Path {
            parent: Some(&self.parent.path),
            step: Step::Key(&entry.key),
        };
        let reader = Reader::new(&entry.value, path, self.parent.context);
        seed.deserialize(reader)
            .map_err(|fault| fault.place(&entry.value, &path))
    }
}

/// One choice of an enum: a word, or a map of one key.
pub(super) struct Variant<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<&'a Node>,
    pub(super) parent: &'a Reader<'a>,
}

impl<'a> Variant<'a> {
    fn content<T>(self, read: impl FnOnce(Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let Some(value) = self.value else {
            let what = format!("`{}` needs settings of its own", self.name);
            return Err(Fault::wrong(
                what,
                Some(format!("write `{}:` and them below", self.name)),
            ));
        };
        let path = Path {
            parent: Some(&self.parent.path),
            step: Step::Key(self.name),
        };
        let reader = Reader::new(value, path, self.parent.context);
        read(reader).map_err(|fault| fault.place(value, &path))
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        seed.deserialize(name).map(|variant| (variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            Some(value) if !value.is_null() => Err(Fault::wrong(
                format!("`{}` takes no settings", self.name),
                None,
            )),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.content(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content(|reader| reader.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.content(|reader| reader.deserialize_struct("", fields, visitor))
    }
}
