//! `/v1/replicas`: what every data plane serves, and how far behind it is.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use pointsman_registry::{Capabilities, SegmentFilter};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Inside;
use crate::registry_task::{Gone, Nack, Rejected, Replica, Unanswered};
use pointsman_admin::Problem;

/// All data planes that follow this control plane, in the order of their names; and what the table is worth that they
/// follow.
pub(super) async fn replicas(State(inside): State<Inside>) -> Response {
    let look = inside.registry.read(|registry, _| {
        let held = registry.held_expiries();
        (registry.epoch(), held, registry.settings().clone())
    });
    let (epoch, held, settings) = match look.await {
        Ok(seen) => seen,
        Err(ended) => {
            return Problem::of(StatusCode::SERVICE_UNAVAILABLE)
                .because(ended.to_string())
                .for_path("/v1/replicas");
        }
    };
    let head = *inside.registry.head().borrow();
    let standing = inside.registry.standing().borrow().clone();
    let now = Instant::now();
    let replicas = inside.registry.replicas();
    Json(json!({
        "epoch": format!("{epoch:016x}"),
        "wanted_revision": head,
        "standing": {
            "open": standing.open,
            "authoritative": standing.authoritative,
            "reason": standing.reason,
            "open_after_seconds": settings.start_delay.as_secs_f64(),
            "authoritative_after_seconds": settings.authoritative_after().as_secs_f64(),
        },
        "guard": {
            "held_expiries": held,
            "percent_of_routes": settings.guard.percent,
            "at_least_routes": settings.guard.at_least,
            "window_seconds": settings.guard.window.as_secs_f64(),
        },
        "replicas": replicas.iter().map(|one| Value::Object(shown(one, head, now))).collect::<Vec<_>>(),
        "gone": inside.registry.gone().iter().map(|one| gone(one, now)).collect::<Vec<_>>(),
    }))
    .into_response()
}

/// One data plane that follows this control plane.
pub(super) async fn replica(State(inside): State<Inside>, Path(id): Path<String>) -> Response {
    let head = *inside.registry.head().borrow();
    let replicas = inside.registry.replicas();
    // Of two sessions of one process the later one counts, which is younger.
    let sessions = replicas.iter().filter(|replica| *replica.id == *id);
    match sessions.max_by_key(|replica| replica.since) {
        Some(replica) => Json(shown(replica, head, Instant::now())).into_response(),
        None => Problem::of(StatusCode::NOT_FOUND)
            .because(Unanswered::Unknown(id).to_string())
            .for_path("/v1/replicas/{id}"),
    }
}

/// A data plane that has left, as it stood then.
fn gone(gone: &Gone, now: Instant) -> Value {
    let ago = now.saturating_duration_since(gone.at).as_secs_f64();
    let Replica {
        id,
        name,
        version,
        availability_zone,
        address,
        acked_revision,
        ..
    } = &gone.replica;
    json!({
        "id": &**id,
        "name": &**name,
        "version": &**version,
        "availability_zone": &**availability_zone,
        "address": address,
        "acked_revision": acked_revision,
        "draining": gone.replica.draining,
        "gone_seconds": ago,
    })
}

fn nack(nack: &Nack, now: Instant) -> Value {
    json!({
        "revision": nack.revision,
        "seconds_ago": now.saturating_duration_since(nack.at).as_secs_f64(),
        "rejected": nack.rejected.iter().map(rejected).collect::<Vec<_>>(),
    })
}

fn shown(replica: &Replica, head: u64, now: Instant) -> Map<String, Value> {
    let ago = |then: Instant| now.saturating_duration_since(then).as_secs_f64();
    let shown = json!({
        "id": &*replica.id,
        "name": &*replica.name,
        "version": &*replica.version,
        "availability_zone": &*replica.availability_zone,
        "address": replica.address,
        "state": state(replica, head),
        "wanted_revision": head,
        "sent_revision": replica.sent_revision,
        "acked_revision": replica.acked_revision,
        "lag_revisions": head.saturating_sub(replica.acked_revision),
        "lag_seconds": replica.behind_since.map_or(0.0, ago),
        "acked_seconds_ago": replica.acked_at.map(ago),
        "age_seconds": ago(replica.since),
        "last_heard_seconds": ago(replica.last_heard),
        "segments": segments(&replica.filter),
        "things": replica.held.things,
        "digest": format!("{:016x}", replica.held.digest),
        "digest_mismatches": replica.digest_mismatches,
        "withheld": replica.withheld.iter().map(|(_, things)| things).sum::<u64>(),
        "withheld_for": replica.withheld.iter().map(withheld).collect::<Vec<_>>(),
        "held_removals": replica.held_removals,
        "orphans": replica.orphans,
        "things_of_other_epochs": replica.of_others,
        "table_age_seconds": replica.table_age.map(|age| age.as_secs_f64()),
        "frozen": replica.frozen,
        "received_revision": replica.received_revision,
        "overrides": replica.overrides,
        "rejections": replica.rejections,
        "rejected": replica.rejected.iter().map(rejected).collect::<Vec<_>>(),
        "degraded": &*replica.degraded,
        "requests": replica.requests,
        "requests_in_flight": replica.in_flight,
        "connections": replica.connections,
        "last_nack": replica.last_nack.as_ref().map(|it| nack(it, now)),
    });
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// One word for what matters most.
fn state(replica: &Replica, head: u64) -> &'static str {
    match () {
        () if replica.draining => "draining",
        () if replica.frozen => "frozen",
        () if replica.rejections > 0 => "rejecting",
        () if replica.has_converged(head) => "converged",
        () => "behind",
    }
}

/// How many things are withheld for want of these capabilities.
fn withheld((needs, things): &(Capabilities, u64)) -> Value {
    json!({ "needs": needs.each().map(Capabilities::name).collect::<Vec<_>>(), "things": things })
}

fn segments(filter: &SegmentFilter) -> Value {
    match filter {
        SegmentFilter::All => json!({ "mode": "all", "segments": [] }),
        SegmentFilter::SharedAnd(listed) => {
            json!({ "mode": "shared-and-segments", "segments": listed })
        }
        SegmentFilter::Only(listed) => json!({ "mode": "segments", "segments": listed }),
    }
}

fn rejected(rejected: &Rejected) -> Value {
    json!({
        "route": rejected.route,
        "address": &*rejected.address,
        "segment": &*rejected.segment,
        "reason": &*rejected.reason,
    })
}
