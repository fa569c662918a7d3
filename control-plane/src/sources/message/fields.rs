//! The fields of a message, decoded with the manners of Go's `encoding/json` that publishers may rely on: keys match
//! without regard to case, null leaves the zero value, the last of two equal keys wins, objects that come twice are
//! merged, unknown keys are ignored. A value of the wrong type refuses the whole message.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use pointsman_registry::MAX_TAGS;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;

use super::cause::{Cause, Refusal};
use super::limits::{DEPTH, Limits};
use super::text::{deeper_than, repaired};

/// The tags of an endpoint.
pub(super) type Tags = BTreeMap<String, String>;

/// A message as it was sent. What was absent has its type's empty value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) uris: Vec<String>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls_port: u16,
    pub(super) protocol: String,
    pub(super) app: String,
    pub(super) private_instance_id: String,
    pub(super) private_instance_index: String,
    pub(super) isolation_segment: String,
    pub(super) route_service_url: String,
    pub(super) server_cert_domain_san: String,
    pub(super) availability_zone: String,
    pub(super) stale_threshold_in_seconds: i64,
    /// Absent and empty are shown differently.
    pub(super) tags: Option<Tags>,
    pub(super) endpoint_updated_at_ns: i64,
    pub(super) options: Options,
    /// How many keys nobody knows.
    pub(super) unknown: u32,
}

/// The options of a route, as they were sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) loadbalancing: String,
    pub(super) hash_header: String,
    pub(super) hash_balance: f64,
    pub(super) route_policy_scope: String,
    pub(super) route_policy_sources: String,
}

/// Decodes a payload.
///
/// # Errors
///
/// Why nothing could be made of the message.
pub(super) fn decode(payload: &[u8], limits: &Limits) -> Result<Fields, Refusal> {
    if payload.len() > limits.message_bytes {
        let detail = format!("{} bytes, at most {}", payload.len(), limits.message_bytes);
        return Err(Refusal::with(Cause::TooLarge, detail));
    }
    let text = repaired(payload);
    if deeper_than(&text, DEPTH) {
        return Err(Refusal::with(
            Cause::TooDeep,
            format!("more than {DEPTH} levels"),
        ));
    }
    let mut fields = Fields::default();
    let reading = Reading {
        limits,
        key: Cell::new(""),
        cause: Cell::new(Cause::WrongType),
    };
    let mut deserializer = serde_json::Deserializer::from_str(&text);
    let read = Message {
        fields: &mut fields,
        reading: &reading,
    }
    .deserialize(&mut deserializer);
    match read.and_then(|()| deserializer.end()) {
        Ok(()) => Ok(fields),
        Err(error) => Err(reading.refusal(&error)),
    }
}

/// What is known about the reading of one message while it goes on.
struct Reading<'a> {
    limits: &'a Limits,
    /// The known key whose value is read.
    key: Cell<&'static str>,
    /// The cause of an error that is about what a value says.
    cause: Cell<Cause>,
}

impl Reading<'_> {
    fn refusal(&self, error: &serde_json::Error) -> Refusal {
        let cause = match error.classify() {
            Category::Eof => Cause::Truncated,
            Category::Syntax | Category::Io => Cause::NotJson,
            Category::Data => self.cause.get(),
        };
        let detail = match (cause, self.key.get()) {
            (Cause::Truncated, _) => String::new(),
            (Cause::WrongType | Cause::TooManyUris | Cause::TooManyTags, key)
                if !key.is_empty() =>
            {
                format!("{key}: {error}")
            }
            _ => error.to_string(),
        };
        Refusal::with(cause, detail)
    }

    /// The known key that this text means: the exact one, else one that differs in case only.
    fn known(&self, keys: &[&'static str], text: &str) -> Option<&'static str> {
        let exact = keys.iter().find(|key| **key == text);
        let known = exact.or_else(|| keys.iter().find(|key| key.eq_ignore_ascii_case(text)));
        self.key.set(known.copied().unwrap_or_default());
        known.copied()
    }
}

const MESSAGE_KEYS: [&str; 16] = [
    "uris",
    "host",
    "port",
    "tls_port",
    "protocol",
    "app",
    "private_instance_id",
    "private_instance_index",
    "isolation_segment",
    "route_service_url",
    "server_cert_domain_san",
    "availability_zone",
    "stale_threshold_in_seconds",
    "tags",
    "endpoint_updated_at_ns",
    "options",
];

/// Reads a whole message into its fields.
struct Message<'a> {
    fields: &'a mut Fields,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// A message that is null says nothing (C-062).
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (fields, reading) = (self.fields, self.reading);
        while let Some(key) = map.next_key_seed(KeyOf {
            keys: &MESSAGE_KEYS,
            reading,
        })? {
            match key {
                Some("uris") => fields.uris = map.next_value_seed(Uris(reading))?,
                Some("host") => set(&mut fields.host, &mut map)?,
                Some("port") => set(&mut fields.port, &mut map)?,
                Some("tls_port") => set(&mut fields.tls_port, &mut map)?,
                Some("protocol") => set(&mut fields.protocol, &mut map)?,
                Some("app") => set(&mut fields.app, &mut map)?,
                Some("private_instance_id") => set(&mut fields.private_instance_id, &mut map)?,
                Some("private_instance_index") => {
                    set(&mut fields.private_instance_index, &mut map)?;
                }
                Some("isolation_segment") => set(&mut fields.isolation_segment, &mut map)?,
                Some("route_service_url") => set(&mut fields.route_service_url, &mut map)?,
                Some("server_cert_domain_san") => {
                    set(&mut fields.server_cert_domain_san, &mut map)?;
                }
                Some("availability_zone") => set(&mut fields.availability_zone, &mut map)?,
                Some("stale_threshold_in_seconds") => {
                    set(&mut fields.stale_threshold_in_seconds, &mut map)?;
                }
                Some("tags") => map.next_value_seed(TagsInto {
                    tags: &mut fields.tags,
                    reading,
                })?,
                Some("endpoint_updated_at_ns") => {
                    set(&mut fields.endpoint_updated_at_ns, &mut map)?;
                }
                Some("options") => {
                    map.next_value_seed(OptionsInto {
                        options: &mut fields.options,
                        reading,
                    })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    fields.unknown = fields.unknown.saturating_add(1);
                }
            }
        }
        reading.key.set("");
        Ok(())
    }
}

/// Sets a field, unless its value is null, which leaves it as it was.
fn set<'de, T, A>(field: &mut T, map: &mut A) -> Result<(), A::Error>
where
    T: serde::Deserialize<'de>,
    A: MapAccess<'de>,
{
    if let Some(value) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// Reads a key without a copy: the known key that is meant, or none.
struct KeyOf<'a> {
    keys: &'a [&'static str],
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.reading.known(self.keys, text))
    }
}

/// Reads URIs, null being the empty URI, up to the bound.
struct Uris<'a>(&'a Reading<'a>);

impl<'de> DeserializeSeed<'de> for Uris<'_> {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Uris<'_> {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut uris = Vec::new();
        while let Some(uri) = items.next_element::<Option<String>>()? {
            if uris.len() == self.0.limits.uris {
                self.0.cause.set(Cause::TooManyUris);
                return Err(A::Error::custom(format_args!(
                    "at most {}",
                    self.0.limits.uris
                )));
            }
            uris.push(uri.unwrap_or_default());
        }
        Ok(uris)
    }
}

/// Reads tags into those that are there, up to the bound.
struct TagsInto<'a> {
    tags: &'a mut Option<Tags>,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for TagsInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TagsInto<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.tags = None;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let tags = self.tags.get_or_insert_default();
        while let Some((name, value)) = map.next_entry::<String, Option<String>>()? {
            tags.insert(name, value.unwrap_or_default());
            if tags.len() > MAX_TAGS {
                self.reading.cause.set(Cause::TooManyTags);
                return Err(A::Error::custom(format_args!("at most {MAX_TAGS}")));
            }
        }
        Ok(())
    }
}

const OPTION_KEYS: [&str; 5] = [
    "loadbalancing",
    "hash_header",
    "hash_balance",
    "route_policy_scope",
    "route_policy_sources",
];

/// Reads options into those that are there.
struct OptionsInto<'a> {
    options: &'a mut Options,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for OptionsInto<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OptionsInto<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let options = self.options;
        while let Some(key) = map.next_key_seed(KeyOf {
            keys: &OPTION_KEYS,
            reading: self.reading,
        })? {
            match key {
                Some("loadbalancing") => set(&mut options.loadbalancing, &mut map)?,
                Some("hash_header") => set(&mut options.hash_header, &mut map)?,
                Some("hash_balance") => set(&mut options.hash_balance, &mut map)?,
                Some("route_policy_scope") => set(&mut options.route_policy_scope, &mut map)?,
                Some("route_policy_sources") => set(&mut options.route_policy_sources, &mut map)?,
                // A newer publisher may know options that this router does not.
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
