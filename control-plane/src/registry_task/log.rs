//! What the registry tells people, in Gorouter's words.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use pointsman_process::telemetry::AUDIT;
use pointsman_registry::{
    Declaration, Declared, Expired, Guard, Lapsed, Parts, Put, Registered, Registration, Standing,
    Unregistered, Uri,
};
use pointsman_route_key::RouteKey;
use tracing::{debug, error, field, info, warn};

use super::handle::Failing;
use super::overrides::Override;
use super::roll_out::Halt;
use super::staging::Rolling;

/// A message that is told of, with what is told of it. That is put together once for all its lines, and only where there
/// is one.
struct Told<'a> {
    message: &'a Registration,
    parts: OnceCell<Parts<'a>>,
}

impl<'a> Told<'a> {
    fn new(message: &'a Registration) -> Self {
        Self {
            message,
            parts: OnceCell::new(),
        }
    }

    fn parts(&self) -> &Parts<'a> {
        self.parts.get_or_init(|| self.message.description.parts())
    }
}

/// Writes one event about an endpoint, with Gorouter's attributes.
macro_rules! endpoint {
    ($level:ident, $event:literal, $uri:expr, $told:expr) => {{
        let told: &Told<'_> = $told;
        // As a text that needs no formatting: a platform that comes back has hundreds of thousands of them told.
        $level!(
            message = $event,
            component = "registry",
            uri = $uri,
            route_service_url = &*without_secrets(told.parts().route_service_url),
            backend = &*told.message.address,
            application_id = told.parts().app_id,
            instance_id = told.parts().instance_id,
            server_cert_domain_san = told.parts().server_cert_domain_san,
            protocol = told.parts().protocol,
            modification_tag.guid = &*told.message.tag.guid,
            modification_tag.index = told.message.tag.index,
            isolation_segment = shown(&told.message.segment),
            isTLS = told.message.description.is_tls(),
        );
    }};
}

/// A segment as Gorouter writes it: a dash for the shared one.
fn shown(segment: &str) -> &str {
    if segment.is_empty() { "-" } else { segment }
}

pub(super) fn registered(message: &Registration, outcomes: &[Registered]) {
    let told = Told::new(message);
    for (uri, outcome) in message.uris.iter().zip(outcomes) {
        register_one(&told, uri, *outcome);
    }
}

fn register_one(told: &Told<'_>, uri: &Uri, outcome: Registered) {
    if outcome.route_born {
        // As a text as well.
        info!(
            message = "route-registered",
            component = "registry",
            uri = uri.as_sent()
        );
        debug!(component = "registry", uri = %uri.key(), "uri-added");
    }
    let changed = matches!(outcome.put, Put::Added | Put::Updated);
    if changed && told.parts().has_unknown_algorithm() {
        endpoint_algorithm(uri, told.message, told.parts().algorithm);
    }
    match outcome.put {
        Put::Added | Put::Updated => {
            endpoint!(info, "endpoint-registered", uri.as_sent(), told);
        }
        Put::Refreshed => endpoint!(debug, "endpoint-refreshed", uri.as_sent(), told),
        Put::Unmodified => endpoint!(debug, "endpoint-not-registered", uri.as_sent(), told),
        // A foreign shard is nobody's business here (C-166); what exceeds a bound is counted, and somebody's alarm.
        Put::Dropped(_) => {}
    }
}

fn endpoint_algorithm(uri: &Uri, message: &Registration, algorithm: &str) {
    error!(
        component = "registry",
        uri = uri.as_sent(),
        backend = &*message.address,
        endpointLBAlgorithm = algorithm,
        "invalid-endpoint-load-balancing-algorithm-provided-keeping-pool-lb-algo"
    );
}

pub(super) fn unregistered(message: &Registration, outcomes: &[Unregistered]) {
    let told = Told::new(message);
    for (uri, outcome) in message.uris.iter().zip(outcomes) {
        match outcome {
            Unregistered::Removed { route_gone, .. } => {
                endpoint!(
                    info,
                    "endpoint-unregistered",
                    field::display(uri.key()),
                    &told
                );
                if *route_gone {
                    self::route_gone(uri.key());
                }
            }
            Unregistered::UnknownEndpoint | Unregistered::UnknownRoute | Unregistered::OlderTag => {
                endpoint!(
                    debug,
                    "endpoint-not-unregistered",
                    field::display(uri.key()),
                    &told
                );
            }
            Unregistered::ForeignSegment => {}
        }
    }
}

/// What a source that declares says its route without.
pub(super) fn unsaid(route: &RouteKey, message: &Registration) {
    let told = Told::new(message);
    endpoint!(info, "endpoint-unregistered", field::display(route), &told);
}

pub(super) fn route_gone(route: &RouteKey) {
    info!(component = "registry", uri = %route, "route-unregistered");
}

pub(super) fn declared(declaration: &Declaration, declared: Declared) {
    let uri = declaration.uri.as_sent();
    match declared {
        Declared::Born => info!(component = "registry", uri, "route-registered"),
        Declared::Changed => info!(component = "registry", uri, "route-declared"),
        Declared::Unchanged => debug!(component = "registry", uri, "route-declared-again"),
        Declared::Taken => {
            error!(
                component = "registry",
                uri, "route-declared-by-another-source"
            );
        }
        // As for endpoints: a foreign shard is nobody's business here, and what exceeds a bound is counted.
        Declared::Dropped(_) => {}
    }
}

pub(super) fn lapsed(message: &Registration, outcomes: &[Lapsed]) {
    let told = Told::new(message);
    for (uri, outcome) in message.uris.iter().zip(outcomes) {
        match outcome {
            Lapsed::Removed { route_gone } => {
                endpoint!(
                    info,
                    "endpoint-unregistered",
                    field::display(uri.key()),
                    &told
                );
                if *route_gone {
                    self::route_gone(uri.key());
                }
            }
            Lapsed::Held => endpoint!(
                debug,
                "endpoint-absence-held",
                field::display(uri.key()),
                &told
            ),
            Lapsed::Unknown => {
                endpoint!(
                    debug,
                    "endpoint-not-unregistered",
                    field::display(uri.key()),
                    &told
                );
            }
        }
    }
}

pub(super) fn expired(expired: &[Expired]) {
    let mut pruned: BTreeMap<_, (Vec<&str>, &str)> = BTreeMap::new();
    for one in expired {
        match one {
            Expired::Endpoint {
                route,
                address,
                segment,
                ..
            } => {
                let (addresses, _) = pruned
                    .entry(Arc::clone(route))
                    .or_insert((Vec::new(), shown(segment)));
                addresses.push(address);
            }
            Expired::Silent { route, address } => info!(
                component = "registry",
                uri = %route,
                backend = &**address,
                "endpoint-silent"
            ),
            Expired::Held { route, address } => debug!(
                component = "registry",
                uri = %route,
                backend = &**address,
                "endpoint-expiry-held"
            ),
            Expired::EmptyRoute { route } => {
                debug!(component = "registry", uri = %route, "empty-route-removed");
            }
        }
    }
    for (route, (endpoints, isolation_segment)) in pruned {
        info!(
            component = "registry",
            uri = %route,
            endpoints.json = serde_json::json!(endpoints).to_string(),
            isolation_segment,
            "pruned-route"
        );
    }
}

pub(super) fn guard_holds(held: u64, guard: Guard) {
    let Guard {
        percent,
        at_least,
        window,
    } = guard;
    warn!(
        component = "registry",
        held,
        percent,
        at_least,
        window_seconds = window.as_secs(),
        "expiry-guard-holds"
    );
}

pub(super) fn guard_holds_nothing() {
    info!(component = "registry", "expiry-guard-holds-nothing");
}

pub(super) fn roll_out_begins(rolling: &Rolling) {
    warn!(
        component = "registry",
        number = rolling.number,
        cause = rolling.cause.name(),
        routes = rolling.routes,
        table = rolling.table,
        "roll-out-begins"
    );
}

pub(super) fn roll_out_goes_on(admitted: &[Box<str>]) {
    info!(
        component = "registry",
        replicas = admitted.len(),
        names = admitted.join(" "),
        "roll-out-goes-on"
    );
}

pub(super) fn roll_out_halts(halt: &Halt) {
    error!(
        component = "registry",
        reason = %halt,
        "roll-out-halted"
    );
}

pub(super) fn roll_out_ends(why: &'static str) {
    info!(component = "registry", reason = why, "roll-out-ended");
}

pub(super) fn override_ended(ended: &Override) {
    info!(
        target: AUDIT,
        component = "registry",
        id = &*ended.id,
        kind = ended.effect.kind(),
        who = &*ended.who,
        reason = &*ended.why,
        cause = "its time is over",
        "override-ended"
    );
}

pub(super) fn removed_as_failing(failing: &Failing) {
    info!(
        component = "registry",
        uri = %failing.route,
        backend = &*failing.address,
        "silent-endpoint-removed-as-failing"
    );
}

pub(super) fn standing(standing: &Standing) {
    let Standing {
        open,
        authoritative,
        reason,
    } = standing;
    if *authoritative {
        info!(
            component = "registry",
            open, authoritative, "standing-changed"
        );
    } else {
        warn!(
            component = "registry",
            open, authoritative, reason, "standing-changed"
        );
    }
}

/// A route service without its user information and query, which may be credentials. A password that nobody has
/// encoded holds every character: it is hidden as far as it may reach.
fn without_secrets(url: &str) -> Cow<'_, str> {
    if !url.bytes().any(|byte| matches!(byte, b'?' | b'@')) {
        return Cow::Borrowed(url);
    }
    let authority = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(authority);
    let Some(at) = rest.rfind('@').filter(|_| names_a_user(rest)) else {
        return without_query(url);
    };
    let (user, place) = rest.split_at(at);
    Cow::Owned(if user.contains('?') {
        // It may be that of a query, or of a password.
        format!("{scheme}***")
    } else {
        format!("{scheme}***{}", without_query(place))
    })
}

fn without_query(url: &str) -> Cow<'_, str> {
    match url.split_once('?') {
        Some((before, query)) if !query.is_empty() => Cow::Owned(format!("{before}?***")),
        _ => Cow::Borrowed(url),
    }
}

/// Whether an `@` behind this authority may end user information: one within it does, and so may a later one where what
/// would be a port is no number.
fn names_a_user(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let behind_address = authority.rsplit(']').next().unwrap_or(authority);
    let port = behind_address.split_once(':').map_or("", |(_, port)| port);
    authority.contains('@') || !port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
