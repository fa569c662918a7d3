//! The serde deserializer over a document's nodes.

use serde::de::{Deserializer, Visitor};

use super::super::document::{Content, Entry, Node, Scalar};
use super::super::go;
use super::access::{Entries, Items, Variant};
use super::fault::{Cause, Fault};
use super::number::{integer, kind};
use super::path::{Path, Step};
use super::scalar::{Resolved, mismatch, resolve};
use super::{Context, Manners};

/// One node, about to be read into a type.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    pub(super) path: Path<'a>,
    pub(super) context: &'a Context,
    /// The name of the type in Go's words, where a newtype gives one.
    pub(super) expected: Option<&'static str>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node, path: Path<'a>, context: &'a Context) -> Self {
        Self {
            node,
            path,
            context,
            expected: None,
        }
    }

    fn scalar(&self) -> Option<&'a Scalar> {
        match &self.node.content {
            Content::Scalar(scalar) => Some(scalar),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    pub(super) fn resolved(&self) -> Option<Resolved> {
        self.scalar()
            .map(|scalar| resolve(scalar, self.context.manners))
    }

    fn mismatch(&self, expected: &str, go_type: &str) -> Fault {
        let go_type = self.expected.unwrap_or(go_type);
        mismatch(self.node, self.context.manners, expected, go_type)
    }

    fn placed<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| fault.place(self.node, &self.path))
    }

    fn text(&self) -> Result<&'a str, Fault> {
        match self.scalar() {
            Some(scalar) if !scalar.is_null() => Ok(&scalar.text),
            _ => Err(self.mismatch("a text", "string")),
        }
    }

    fn boolean(&self) -> Result<bool, Fault> {
        match (self.resolved(), self.context.manners, self.scalar()) {
            (Some(Resolved::Bool(value)), _, _) => Ok(value),
            (Some(Resolved::Text), Manners::Go, Some(scalar)) => {
                go::boolean_word(&scalar.text).ok_or_else(|| self.mismatch("true or false", "bool"))
            }
            _ => Err(self.mismatch("true or false", "bool")),
        }
    }

    fn float(&self) -> Result<f64, Fault> {
        match self.resolved() {
            #[expect(clippy::cast_precision_loss, reason = "a float was asked for")]
            Some(Resolved::Int(value)) => Ok(value as f64),
            Some(Resolved::Float(value)) => Ok(value),
            _ => Err(self.mismatch("a number", "float64")),
        }
    }

    fn sequence(&self, go_type: &str) -> Result<&'a [Node], Fault> {
        match &self.node.content {
            Content::Sequence(items) => Ok(items),
            // In Go a null empties a list, where it leaves a scalar at its default.
            Content::Scalar(scalar) if scalar.is_null() && self.context.manners == Manners::Go => {
                Ok(&[])
            }
            Content::Scalar(_) | Content::Mapping(_) => Err(self.mismatch("a list", go_type)),
        }
    }

    fn mapping(&self, go_type: &str) -> Result<&'a [Entry], Fault> {
        match &self.node.content {
            Content::Mapping(entries) => Ok(entries),
            // A file without any key is a file of defaults.
            Content::Scalar(scalar) if scalar.is_null() && matches!(self.path.step, Step::Root) => {
                Ok(&[])
            }
            Content::Scalar(_) | Content::Sequence(_) => Err(self.mismatch("a map", go_type)),
        }
    }

    /// Keys that the type does not know are noted; the reading goes on without them.
    fn known(&self, entries: &'a [Entry], fields: &'static [&'static str]) -> Vec<&'a Entry> {
        let known = |entry: &&Entry| fields.contains(&&*entry.key);
        for entry in entries.iter().filter(|entry| !known(entry)) {
            let path = Path {
                parent: Some(&self.path),
                step: Step::Key(&entry.key),
            };
            self.context
                .note_unknown(entry.at, path.to_string(), &entry.key, fields);
        }
        entries.iter().filter(known).collect()
    }

    /// Whether a missing key is missing only because its value was set aside as faulty.
    fn echoes(&self, fault: Fault, entries: &[Entry]) -> Fault {
        let Cause::Missing(name) = fault.cause() else {
            return fault;
        };
        let faulty = |entry: &Entry| self.context.faulty.contains(&entry.value.id);
        if !fault.is_placed()
            && entries
                .iter()
                .any(|entry| entry.key == name && faulty(entry))
        {
            return fault.because(Cause::Echo);
        }
        fault
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $rust:ty, $go:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let value = integer(&self, &kind!($rust, $go));
            // Within bounds, as `integer` says.
            #[expect(clippy::cast_possible_truncation, reason = "in bounds")]
            let visited = value.and_then(|value| visitor.$visit(value as $rust));
            self.placed(visited)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (&self.node.content, self.resolved()) {
            (Content::Sequence(_), _) => self.deserialize_seq(visitor),
            (Content::Mapping(_), _) => self.deserialize_map(visitor),
            (_, Some(Resolved::Null)) => self.placed(visitor.visit_unit()),
            (_, Some(Resolved::Bool(value))) => self.placed(visitor.visit_bool(value)),
            (_, Some(Resolved::Int(value))) => self.placed(match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(value),
            }),
            (_, Some(Resolved::Float(value))) => self.placed(visitor.visit_f64(value)),
            (_, Some(Resolved::Text) | None) => self.deserialize_str(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.placed(self.boolean().and_then(|value| visitor.visit_bool(value)))
    }

    integers! {
        deserialize_i8 visit_i8 i8, "int8";
        deserialize_i16 visit_i16 i16, "int16";
        deserialize_i32 visit_i32 i32, "int32";
        deserialize_i64 visit_i64 i64, "int";
        deserialize_u8 visit_u8 u8, "uint8";
        deserialize_u16 visit_u16 u16, "uint16";
        deserialize_u32 visit_u32 u32, "uint32";
        deserialize_u64 visit_u64 u64, "uint";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.placed(self.float().and_then(|value| visitor.visit_f64(value)))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.placed(self.text().and_then(|text| visitor.visit_str(text)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            return self.placed(visitor.visit_none());
        }
        self.placed(visitor.visit_some(self))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            return self.placed(visitor.visit_unit());
        }
        self.placed(Err(self.mismatch("nothing", "nil")))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == go::DURATION {
            let scalar = self
                .scalar()
                .filter(|_| self.resolved() == Some(Resolved::Text));
            let read = scalar.and_then(|scalar| go::parse_duration(&scalar.text));
            let wrong = || self.mismatch("a duration with its unit, such as 20s or 1m30s", name);
            return self.placed(
                read.ok_or_else(wrong)
                    .and_then(|read| visitor.visit_i64(read)),
            );
        }
        // A name that is no Rust name was given for Go's words.
        let named = name.contains(['.', '[', ']']).then_some(name);
        let inner = Self {
            expected: named.or(self.expected),
            ..self
        };
        self.placed(visitor.visit_newtype_struct(inner))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items = self.sequence("[]string");
        self.placed(items.and_then(|items| {
            visitor.visit_seq(Items {
                items: items.iter().enumerate(),
                parent: &self,
            })
        }))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = self.mapping("map");
        self.placed(entries.and_then(|entries| {
            let entries = entries.iter().collect();
            visitor.visit_map(Entries::new(entries, &self))
        }))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let go_type = format!("config.{name}");
        let entries = self.placed(self.mapping(&go_type))?;
        let known = self.known(entries, fields);
        let read = visitor.visit_map(Entries::new(known, &self));
        self.placed(read.map_err(|fault| self.echoes(fault, entries)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = match &self.node.content {
            Content::Mapping(entries) if entries.len() == 1 => visitor.visit_enum(Variant {
                name: &entries[0].key,
                value: Some(&entries[0].value),
                parent: &self,
            }),
            Content::Scalar(scalar) if !scalar.is_null() => visitor.visit_enum(Variant {
                name: &scalar.text,
                value: None,
                parent: &self,
            }),
            _ => Err(self.mismatch("one word, or a map with one key", "string")),
        };
        self.placed(read)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
