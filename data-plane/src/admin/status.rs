//! `/status`: whom this data plane follows, and how sure its table is.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Inside;
use crate::subscription::{Candidate, Connection, Kept, Status};

/// How following a control plane goes, and what is served by that.
pub(super) async fn status(State(inside): State<Inside>) -> Response {
    let status = inside.status.borrow().clone();
    let kept = inside.kept.as_ref().map(|kept| kept.borrow().clone());
    let table = inside.table.load();
    let shown = Shown {
        ready: inside.readiness.is_ready(),
        followed: status.connection.as_ref().map(Followed::of),
        trouble: status.trouble.as_deref(),
        control_planes: status.candidates.iter().map(Known::of).collect(),
        sessions: status.sessions,
        moves: status.moves,
        table: Table {
            routes: table.routes(),
            endpoints: table.endpoints(),
            ..Table::of(&status)
        },
        kept: kept.as_ref().map(OnDisk::of),
    };
    Json(shown).into_response()
}

#[derive(Serialize)]
struct Shown<'a> {
    ready: bool,
    followed: Option<Followed<'a>>,
    trouble: Option<&'a str>,
    control_planes: Vec<Known<'a>>,
    sessions: u64,
    moves: u64,
    table: Table,
    kept: Option<OnDisk<'a>>,
}

#[derive(Serialize)]
struct Followed<'a> {
    address: &'a str,
    standing: &'static str,
    reason: &'a str,
}

impl<'a> Followed<'a> {
    fn of(connection: &'a Connection) -> Self {
        Self {
            address: &connection.address,
            standing: connection.worth.word(),
            reason: &connection.reason,
        }
    }
}

#[derive(Serialize)]
struct Known<'a> {
    address: &'a str,
    standing: Option<&'static str>,
    trouble: Option<&'a str>,
}

impl<'a> Known<'a> {
    fn of(candidate: &'a Candidate) -> Self {
        Self {
            address: &candidate.address,
            standing: candidate.worth.map(crate::subscription::Worth::word),
            trouble: candidate.trouble.as_deref(),
        }
    }
}

/// An epoch is a text: not every reader of JSON holds 64 bits.
#[derive(Serialize)]
struct Table {
    epoch: String,
    revision: u64,
    routes: u64,
    endpoints: u64,
    rejected: u64,
    unconfirmed: u64,
    orphans: u64,
    held_removals: u64,
    restored_endpoints: u64,
    age_seconds: Option<u64>,
}

impl Table {
    fn of(status: &Status) -> Self {
        Self {
            epoch: status.epoch.to_string(),
            revision: status.revision,
            routes: 0,
            endpoints: 0,
            rejected: status.rejected,
            unconfirmed: status.unconfirmed,
            orphans: status.orphans,
            held_removals: status.held_removals,
            restored_endpoints: status.restored,
            age_seconds: status.table_age().map(|age| age.as_secs()),
        }
    }
}

#[derive(Serialize)]
struct OnDisk<'a> {
    age_seconds: Option<u64>,
    things: u64,
    bytes: u64,
    writes: u64,
    failures: u64,
    trouble: Option<&'a str>,
}

impl<'a> OnDisk<'a> {
    fn of(kept: &'a Kept) -> Self {
        Self {
            age_seconds: kept.written.map(|written| written.elapsed().as_secs()),
            things: kept.things,
            bytes: kept.bytes,
            writes: kept.writes,
            failures: kept.failures,
            trouble: kept.trouble.as_deref(),
        }
    }
}
