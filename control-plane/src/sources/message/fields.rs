//! The fields of a message, decoded with the manners of Go's `encoding/json` that publishers may rely on: keys match
//! without regard to case, null leaves the zero value, the last of two equal keys wins, objects that come twice are
//! merged, unknown keys are ignored. A value of the wrong type refuses the whole message.

mod object;
mod plain;
mod value;

use std::borrow::Cow;
use std::cell::Cell;

use pointsman_registry::Tags;
use serde::de::DeserializeSeed as _;
use serde_json::error::Category;

use super::cause::{Cause, Refusal};
use super::limits::{DEPTH, Limits};
use super::text::deeper_than;
use object::{Known, ObjectInto, object};
use value::{number, object_of, tags, text, uris};

object! {
    /// A message as it was sent, its words borrowed where they need no decoding. What was absent has its type's empty
    /// value.
    Fields, MessageKey {
        uris: Vec<Cow<'a, str>> => Uris, uris;
        host: Cow<'a, str> => Host, text;
        port: u16 => Port, number;
        tls_port: u16 => TlsPort, number;
        protocol: Cow<'a, str> => Protocol, text;
        app: Cow<'a, str> => App, text;
        private_instance_id: Cow<'a, str> => PrivateInstanceId, text;
        private_instance_index: Cow<'a, str> => PrivateInstanceIndex, text;
        isolation_segment: Cow<'a, str> => IsolationSegment, text;
        route_service_url: Cow<'a, str> => RouteServiceUrl, text;
        server_cert_domain_san: Cow<'a, str> => ServerCertDomainSan, text;
        availability_zone: Cow<'a, str> => AvailabilityZone, text;
        stale_threshold_in_seconds: i64 => StaleThresholdInSeconds, number;
        /// Absent and empty are shown differently.
        tags: Option<Tags<'a>> => Tags, tags;
        endpoint_updated_at_ns: i64 => EndpointUpdatedAtNs, number;
        options: Options<'a> => Options, object_of;
    }
}

object! {
    /// The options of a route, as they were sent. A newer publisher may know some that this router does not.
    Options, OptionKey {
        loadbalancing: Cow<'a, str> => Loadbalancing, text;
        hash_header: Cow<'a, str> => HashHeader, text;
        hash_balance: f64 => HashBalance, number;
        route_policy_scope: Cow<'a, str> => RoutePolicyScope, text;
        route_policy_sources: Cow<'a, str> => RoutePolicySources, text;
    }
}

/// Decodes the text of a payload.
///
/// # Errors
///
/// Why nothing could be made of the message.
pub(super) fn decode<'a>(text: &'a str, limits: &Limits) -> Result<Fields<'a>, Refusal> {
    // Filled in place: they are large, and few messages need the library.
    let mut fields = Fields::default();
    match plain::read_into(&mut fields, text, limits) {
        Some(()) => Ok(fields),
        None => decode_any(text, limits),
    }
}

/// The same for a message of any form.
fn decode_any<'a>(text: &'a str, limits: &Limits) -> Result<Fields<'a>, Refusal> {
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
    let read = ObjectInto::new(&mut fields, &reading).deserialize(&mut deserializer);
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
        self.key.set(known.map_or("", Known::name));
        known
    }
}
