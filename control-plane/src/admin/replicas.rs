//! `/v1/replicas`: what every data plane serves, and how far behind it is.

use axum::Json;
use axum::extract::State;
use pointsman_registry::SegmentFilter;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inside;
use crate::registry_task::{Rejected, Replica};

/// All data planes that follow this control plane, in the order of their names.
pub(super) async fn replicas(State(inside): State<Inside>) -> Json<Value> {
    let head = *inside.registry.head().borrow();
    let standing = inside.registry.standing().borrow().clone();
    let now = Instant::now();
    let replicas = inside.registry.replicas();
    Json(json!({
        "wanted_revision": head,
        "standing": {
            "open": standing.open,
            "authoritative": standing.authoritative,
            "reason": standing.reason,
        },
        "replicas": replicas.iter().map(|one| replica(one, head, now)).collect::<Vec<_>>(),
    }))
}

fn replica(replica: &Replica, head: u64, now: Instant) -> Value {
    let ago = |then: Instant| now.saturating_duration_since(then).as_secs_f64();
    json!({
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
        "withheld": replica.withheld,
        "rejected": replica.rejected.iter().map(rejected).collect::<Vec<_>>(),
        "degraded": &*replica.degraded,
        "requests": replica.requests,
        "requests_in_flight": replica.in_flight,
        "connections": replica.connections,
    })
}

/// One word for what matters most.
fn state(replica: &Replica, head: u64) -> &'static str {
    match () {
        () if replica.draining => "draining",
        () if !replica.rejected.is_empty() => "rejecting",
        () if replica.has_converged(head) => "converged",
        () => "behind",
    }
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
