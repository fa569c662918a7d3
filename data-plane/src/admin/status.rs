//! `/status`: whom this data plane follows, and how sure its table is.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Inside;
use crate::subscription::{Candidate, Connection, Kept, Served, Status};

/// How following a control plane goes, and what is served by that.
pub(super) async fn status(State(inside): State<Inside>) -> Response {
    let status = inside.status.borrow().clone();
    let kept = inside.kept.as_ref().map(|kept| kept.borrow().clone());
    let table = inside.table.load();
    let overrides = inside.overrides.list();
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
        serving: Serving::of(&status.served),
        overrides: overrides.iter().map(super::overrides::Shown::of).collect(),
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
    serving: Serving<'a>,
    overrides: Vec<super::overrides::Shown>,
}

/// What is served, by the will of an operator.
#[derive(Default, Serialize)]
struct Serving<'a> {
    state: &'static str,
    generation: Option<u8>,
    age_seconds: Option<u64>,
    trouble: Option<&'a str>,
}

impl<'a> Serving<'a> {
    fn of(served: &'a Served) -> Self {
        let frozen = Self {
            state: "frozen",
            ..Self::default()
        };
        match served {
            Served::Received => Self {
                state: "received",
                ..Self::default()
            },
            Served::Frozen => frozen,
            Served::Reading(number) => Self {
                generation: Some(*number),
                trouble: Some("it is being read"),
                ..frozen
            },
            Served::NotRead(number, why) => Self {
                generation: Some(*number),
                trouble: Some(why),
                ..frozen
            },
            Served::Generation { number, age } => Self {
                state: "last-known-good",
                generation: Some(*number),
                age_seconds: Some(age.as_secs()),
                trouble: None,
            },
        }
    }
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
    borrowed_endpoints: u64,
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
            borrowed_endpoints: status.borrowed,
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
