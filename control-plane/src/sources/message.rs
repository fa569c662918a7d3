//! Messages of publishers, made into what the registry is told.
//!
//! Whatever a publisher sends, the answer is a [`Registration`] or a [`Refusal`] with its cause: never a panic, and
//! nothing half done. What is wrong with one URI costs that URI only; what is wrong with the endpoint or the message
//! costs the message.

mod cause;
mod fields;
mod host;
mod limits;
mod publisher;
mod text;
mod uri;

use std::sync::{Arc, LazyLock};

use pointsman_registry::{
    Algorithm, Description, Fingerprint, ModificationTag, Policy as CallerPolicy, Registration,
    TooLong,
};

pub use cause::{Cause, Refusal, Scope};
use fields::{Fields, Options};
pub(super) use host::address as parse_address;
pub use limits::{Limits, Policy, TopLevelWildcards};
pub(super) use publisher::publisher;
pub use text::{EXCERPT_BYTES, excerpt};
pub(super) use uri::parse as parse_uri;

/// What was made of one message.
#[derive(Debug)]
pub struct Parsed {
    /// What the registry is told. Without URIs there is nothing to tell.
    pub registration: Registration,
    /// What was refused beside it.
    pub refusals: Vec<Refusal>,
    /// Keys of the message that nobody knows.
    pub unknown_keys: u32,
}

/// A message of which nothing could be made.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The host that the message names, as far as it could be read; empty otherwise. Core NATS shows no other
    /// publisher.
    pub publisher: String,
}

/// Reads the payload of a `router.register` or `router.unregister`.
///
/// # Errors
///
/// Why the whole message is refused; then it must change nothing.
pub fn parse(
    payload: &[u8],
    policy: &Policy,
    fingerprint: Option<Fingerprint>,
) -> Result<Parsed, Refused> {
    let unread = |refusal| Refused {
        refusal,
        publisher: String::from_utf8_lossy(publisher(payload)).into_owned(),
    };
    let bound = policy.limits.message_bytes;
    if payload.len() > bound {
        let detail = format!("{} bytes, at most {bound}", payload.len());
        return Err(unread(Refusal::with(Cause::TooLarge, detail)));
    }
    let text = text::repaired(payload);
    let mut fields = fields::decode(&text, &policy.limits).map_err(unread)?;
    read(&mut fields, policy, fingerprint).map_err(|refusal| Refused {
        refusal,
        publisher: fields.host.clone().into_owned(),
    })
}

fn read(
    fields: &mut Fields<'_>,
    policy: &Policy,
    fingerprint: Option<Fingerprint>,
) -> Result<Parsed, Refusal> {
    if !fields.route_service_url.is_empty() && !fields.route_service_url.starts_with("https") {
        return Err(Refusal::of(Cause::RouteServiceNotHttps));
    }
    let mut refusals = Vec::new();
    let mut uris = Vec::with_capacity(fields.uris.len());
    for text in &fields.uris {
        match uri::parse(text, policy) {
            Ok(uri) => uris.push(uri),
            Err(cause) => refusals.push(Refusal::with(cause, &**text)),
        }
    }
    // A message without URIs does nothing, so it matters not what else it says (C-054, C-062).
    let nothing_to_do = fields.uris.is_empty();
    let port = if fields.tls_port == 0 {
        fields.port
    } else {
        fields.tls_port
    };
    let address = match host::address(&fields.host, port, policy.allow_loopback) {
        Ok(address) => address,
        Err(_) if nothing_to_do => Arc::from(""),
        Err(cause) => return Err(Refusal::with(cause, &*fields.host)),
    };
    if fields.isolation_segment.len() > limits::SEGMENT_BYTES {
        let length = fields.isolation_segment.len();
        return Err(too_long(&TooLong {
            field: "isolation_segment",
            length,
            limit: limits::SEGMENT_BYTES,
        }));
    }
    check_sayable(fields)?;
    let description = describe(fields, policy, &mut refusals).map_err(|error| too_long(&error))?;
    let registration = Registration {
        uris,
        address,
        segment: shared(&fields.isolation_segment),
        description: Arc::new(description),
        stale_threshold_seconds: fields.stale_threshold_in_seconds,
        tag: NO_TAG.clone(),
        fingerprint,
    };
    Ok(Parsed {
        registration,
        refusals,
        unknown_keys: fields.unknown,
    })
}

/// The tag of whatever comes from a publisher.
static NO_TAG: LazyLock<ModificationTag> = LazyLock::new(ModificationTag::default);

/// The name of a segment; the one that nearly all have is shared.
fn shared(segment: &str) -> Arc<str> {
    if segment.is_empty() {
        Arc::clone(&NO_TAG.guid)
    } else {
        segment.into()
    }
}

/// Whether data planes can say in header fields and cookies what is said of the endpoint.
fn check_sayable(fields: &Fields<'_>) -> Result<(), Refusal> {
    check_text("app", &fields.app)?;
    check_text("private_instance_id", &fields.private_instance_id)?;
    check_text("private_instance_index", &fields.private_instance_index)?;
    check_text("availability_zone", &fields.availability_zone)
}

/// Whether a header field can carry the text of a field of this name.
pub(super) fn check_text(name: &str, text: &str) -> Result<(), Refusal> {
    // All bytes are looked at, many at once: hardly any text has one of these.
    if text
        .bytes()
        .fold(false, |any, byte| any | byte.is_ascii_control())
    {
        return Err(Refusal::with(Cause::ControlCharacter, name));
    }
    Ok(())
}

/// The refusal of a field that is longer than its bound.
pub(super) fn too_long(error: &TooLong) -> Refusal {
    let cause = if error.field == "tags" {
        Cause::TooManyTags
    } else {
        Cause::FieldTooLong
    };
    Refusal::with(cause, error.to_string())
}

/// What a message says of the endpoint. Its tags are taken out of the fields.
fn describe(
    fields: &mut Fields<'_>,
    policy: &Policy,
    refusals: &mut Vec<Refusal>,
) -> Result<Description, TooLong> {
    let tags = fields.tags.take();
    let protocol = match &*fields.protocol {
        "" => "http1",
        "http2" if !policy.enable_http2 => "http1",
        other => other,
    };
    let hash = hash(&fields.options, refusals);
    Description::new(pointsman_registry::Fields {
        protocol,
        tls: (fields.tls_port != 0).then_some(&fields.server_cert_domain_san),
        app_id: &fields.app,
        instance_id: &fields.private_instance_id,
        instance_index: &fields.private_instance_index,
        availability_zone: &fields.availability_zone,
        route_service_url: &fields.route_service_url,
        algorithm: &fields.options.loadbalancing,
        hash_header: hash.map_or("", |(header, _)| header),
        hash_balance: hash.map_or(0.0, |(_, balance)| balance),
        tags,
        updated_at_ns: fields.endpoint_updated_at_ns,
        policy: caller_policy(&fields.options)?,
    })
}

/// The header to hash and the balance factor, which count only with each other and with the algorithm (C-067, C-068).
fn hash<'a>(options: &'a Options<'_>, refusals: &mut Vec<Refusal>) -> Option<(&'a str, f64)> {
    match Algorithm::from_registered(&options.loadbalancing) {
        Some(Algorithm::Hash) if options.hash_header.is_empty() => {
            refusals.push(Refusal::of(Cause::HashHeader));
            return None;
        }
        Some(Algorithm::Hash) => {}
        None if !options.loadbalancing.is_empty() => {
            refusals.push(Refusal::with(Cause::Algorithm, &*options.loadbalancing));
            return None;
        }
        _ => return None,
    }
    let balance = options.hash_balance;
    if balance < 0.0 {
        refusals.push(Refusal::with(Cause::HashBalance, balance.to_string()));
        return Some((&options.hash_header, 0.0));
    }
    Some((&options.hash_header, balance))
}

/// Who may call the route: a scope switches the check on, and without sources it lets nobody through (C-069, C-070).
fn caller_policy(options: &Options<'_>) -> Result<Option<CallerPolicy>, TooLong> {
    let scope = &*options.route_policy_scope;
    if scope.is_empty() {
        return Ok(None);
    }
    let sources = options.route_policy_sources.split(',').map(str::trim);
    let sources = sources.filter(|source| !source.is_empty());
    CallerPolicy::new(scope, sources).map(Some)
}

#[cfg(test)]
mod tests;
