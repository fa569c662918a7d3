//! The fields of a message, decoded with the manners of Go's `encoding/json` that publishers may rely on: keys match
//! without regard to case, null leaves the zero value, the last of two equal keys wins, objects that come twice are
//! merged, unknown keys are ignored. A value of the wrong type refuses the whole message.

mod value;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use pointsman_registry::MAX_TAGS;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;

use super::cause::{Cause, Refusal};
use super::limits::{DEPTH, Limits};
use super::text::deeper_than;
use value::{Text, set, set_text};

/// The tags of an endpoint, each name once.
pub(super) type Tags<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A message as it was sent, its words borrowed where they need no decoding. What was absent has its type's empty value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields<'a> {
    pub(super) uris: Vec<Cow<'a, str>>,
    pub(super) host: Cow<'a, str>,
    pub(super) port: u16,
    pub(super) tls_port: u16,
    pub(super) protocol: Cow<'a, str>,
    pub(super) app: Cow<'a, str>,
    pub(super) private_instance_id: Cow<'a, str>,
    pub(super) private_instance_index: Cow<'a, str>,
    pub(super) isolation_segment: Cow<'a, str>,
    pub(super) route_service_url: Cow<'a, str>,
    pub(super) server_cert_domain_san: Cow<'a, str>,
    pub(super) availability_zone: Cow<'a, str>,
    pub(super) stale_threshold_in_seconds: i64,
    /// Absent and empty are shown differently.
    pub(super) tags: Option<Tags<'a>>,
    pub(super) endpoint_updated_at_ns: i64,
    pub(super) options: Options<'a>,
    /// How many keys nobody knows.
    pub(super) unknown: u32,
}

/// The options of a route, as they were sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options<'a> {
    pub(super) loadbalancing: Cow<'a, str>,
    pub(super) hash_header: Cow<'a, str>,
    pub(super) hash_balance: f64,
    pub(super) route_policy_scope: Cow<'a, str>,
    pub(super) route_policy_sources: Cow<'a, str>,
}

/// Decodes the text of a payload.
///
/// # Errors
///
/// Why nothing could be made of the message.
pub(super) fn decode<'a>(text: &'a str, limits: &Limits) -> Result<Fields<'a>, Refusal> {
    if deeper_than(text, DEPTH) {
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
    let mut deserializer = serde_json::Deserializer::from_str(text);
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
    fn known<Key: Known>(&self, text: &str) -> Option<Key> {
        let exact = Key::exact(text);
        let known = exact.or_else(|| {
            let mut all = Key::NAMES.iter();
            let name = all.find(|name| name.eq_ignore_ascii_case(text))?;
            Key::exact(name)
        });
        self.key
            .set(known.map_or("", |key| Key::NAMES[key.number()]));
        known
    }
}

/// Keys that mean something.
trait Known: Copy + 'static {
    const NAMES: &'static [&'static str];

    fn exact(text: &str) -> Option<Self>;

    /// The place of its name among the names.
    fn number(self) -> usize;
}

/// Declares keys with their names.
macro_rules! keys {
    ($keys:ident { $($key:ident = $name:literal),+ $(,)? }) => {
        #[derive(Clone, Copy)]
        enum $keys { $($key),+ }

        impl Known for $keys {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn exact(text: &str) -> Option<Self> {
                match text {
                    $($name => Some(Self::$key),)+
                    _ => None,
                }
            }

            fn number(self) -> usize {
                self as usize
            }
        }
    };
}

keys!(MessageKey {
    Uris = "uris",
    Host = "host",
    Port = "port",
    TlsPort = "tls_port",
    Protocol = "protocol",
    App = "app",
    PrivateInstanceId = "private_instance_id",
    PrivateInstanceIndex = "private_instance_index",
    IsolationSegment = "isolation_segment",
    RouteServiceUrl = "route_service_url",
    ServerCertDomainSan = "server_cert_domain_san",
    AvailabilityZone = "availability_zone",
    StaleThresholdInSeconds = "stale_threshold_in_seconds",
    Tags = "tags",
    EndpointUpdatedAtNs = "endpoint_updated_at_ns",
    Options = "options",
});

keys!(OptionKey {
    Loadbalancing = "loadbalancing",
    HashHeader = "hash_header",
    HashBalance = "hash_balance",
    RoutePolicyScope = "route_policy_scope",
    RoutePolicySources = "route_policy_sources",
});

/// Reads a whole message into its fields.
struct Message<'a, 'de> {
    fields: &'a mut Fields<'de>,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for Message<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, 'de> {
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
        while let Some(key) = map.next_key_seed(KeyOf::new(reading))? {
            match key {
                Some(key) => set_field(fields, key, &mut map, reading)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                    fields.unknown = fields.unknown.saturating_add(1);
                }
            }
        }
        reading.key.set("");
        Ok(())
    }
}

/// Sets the field that a key names.
fn set_field<'de, A: MapAccess<'de>>(
    fields: &mut Fields<'de>,
    key: MessageKey,
    map: &mut A,
    reading: &Reading<'_>,
) -> Result<(), A::Error> {
    use MessageKey as Key;
    match key {
        Key::Uris => {
            fields.uris = map.next_value_seed(Uris(reading))?;
            Ok(())
        }
        Key::Host => set_text(&mut fields.host, map),
        Key::Port => set(&mut fields.port, map),
        Key::TlsPort => set(&mut fields.tls_port, map),
        Key::Protocol => set_text(&mut fields.protocol, map),
        Key::App => set_text(&mut fields.app, map),
        Key::PrivateInstanceId => set_text(&mut fields.private_instance_id, map),
        Key::PrivateInstanceIndex => set_text(&mut fields.private_instance_index, map),
        Key::IsolationSegment => set_text(&mut fields.isolation_segment, map),
        Key::RouteServiceUrl => set_text(&mut fields.route_service_url, map),
        Key::ServerCertDomainSan => set_text(&mut fields.server_cert_domain_san, map),
        Key::AvailabilityZone => set_text(&mut fields.availability_zone, map),
        Key::StaleThresholdInSeconds => set(&mut fields.stale_threshold_in_seconds, map),
        Key::Tags => map.next_value_seed(TagsInto {
            tags: &mut fields.tags,
            reading,
        }),
        Key::EndpointUpdatedAtNs => set(&mut fields.endpoint_updated_at_ns, map),
        Key::Options => map.next_value_seed(OptionsInto {
            options: &mut fields.options,
            reading,
        }),
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

    fn visit_unit<E>(self) -> Result<(), E> {
        *self.tags = None;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let tags = self.tags.get_or_insert_default();
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
            let Text(value) = value.unwrap_or_default();
            match tags.iter_mut().find(|(other, _)| *other == name) {
                Some((_, other)) => *other = value,
                None => tags.push((name, value)),
            }
            if tags.len() > MAX_TAGS {
                self.reading.cause.set(Cause::TooManyTags);
                return Err(A::Error::custom(format_args!("at most {MAX_TAGS}")));
            }
        }
        Ok(())
    }
}

/// Reads options into those that are there.
struct OptionsInto<'a, 'de> {
    options: &'a mut Options<'de>,
    reading: &'a Reading<'a>,
}

impl<'de> DeserializeSeed<'de> for OptionsInto<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OptionsInto<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let options = self.options;
        while let Some(key) = map.next_key_seed(KeyOf::new(self.reading))? {
            match key {
                Some(OptionKey::Loadbalancing) => set_text(&mut options.loadbalancing, &mut map)?,
                Some(OptionKey::HashHeader) => set_text(&mut options.hash_header, &mut map)?,
                Some(OptionKey::HashBalance) => set(&mut options.hash_balance, &mut map)?,
                Some(OptionKey::RoutePolicyScope) => {
                    set_text(&mut options.route_policy_scope, &mut map)?;
                }
                Some(OptionKey::RoutePolicySources) => {
                    set_text(&mut options.route_policy_sources, &mut map)?;
                }
                // A newer publisher may know options that this router does not.
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
