//! `/v1/watch`: every change of the registry as it happens, one JSON object a line.
//!
//! A watcher holds one piece of text and its place in the history, however slow it is: who falls behind the history is
//! cut, and the last line says so.

mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::chunks::{self, Gone, Pieces};
use super::{Inside, v1_routes};
use crate::registry_task::{Ended, Handle};
use pointsman_admin::Problem;

const PATH: &str = "/v1/watch";

/// Watchers at the same time: each of them costs the registry some reads.
pub(crate) const WATCHERS: usize = 16;

/// Records of one piece.
const PIECE: usize = 256;

/// After how long without a change there is a sign of life, where the client does not say, and at most.
const ALIVE: u64 = 10;
const MAX_ALIVE: u64 = 300;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Everything above this revision; absent: from now on.
    since: Option<u64>,
    /// The life that the revision is of; absent: this one.
    epoch: Option<String>,
    /// Seconds without a change after which there is a sign of life.
    alive_seconds: Option<u64>,
}

/// Why a watch ends before its client leaves.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The history went on faster than the client took it.
    Overtaken,
    /// The client took nothing for too long.
    Slow,
    /// The process is about to end.
    Ended,
}

/// Changes from a revision on, until the client leaves.
pub(super) async fn watch(
    State(inside): State<Inside>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let problem = |status, detail: String| Problem::of(status).because(detail).for_path(PATH);
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(error) => {
            let detail = error.body_text();
            let detail = format!("{detail}; known are since, epoch and alive_seconds");
            return problem(StatusCode::BAD_REQUEST, detail);
        }
    };
    let alive = wanted.alive_seconds.unwrap_or(ALIVE);
    if !(1..=MAX_ALIVE).contains(&alive) {
        let detail = format!("alive_seconds is {alive}; expected 1 to {MAX_ALIVE}");
        return problem(StatusCode::BAD_REQUEST, detail);
    }
    let Ok(place) = Arc::clone(&inside.watchers).try_acquire_owned() else {
        let detail = format!("{WATCHERS} watch already; end one of them, or come back later");
        return problem(StatusCode::TOO_MANY_REQUESTS, detail);
    };
    let body = chunks::body_with_end(move |pieces| async move {
        let watcher = Watcher {
            head: inside.registry.head(),
            registry: inside.registry,
            pieces,
            alive: Duration::from_secs(alive),
            revision: 0,
            _place: place,
        };
        watcher.run(&wanted).await
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}

struct Watcher {
    registry: Handle,
    head: watch::Receiver<u64>,
    pieces: Pieces,
    alive: Duration,
    /// The latest change that was told.
    revision: u64,
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// Tells until the client leaves; the last line, where there is one to tell.
    async fn run(mut self, wanted: &Wanted) -> Option<String> {
        let Err(cut) = self.tell(wanted).await;
        let line = json!({
            "type": "cut",
            "revision": self.revision,
            "reason": cut.reason(),
        });
        Some(format!("{line}\n"))
    }

    async fn tell(&mut self, wanted: &Wanted) -> Result<std::convert::Infallible, Cut> {
        let read = self
            .registry
            .read(|registry, _| (registry.epoch(), registry.head()));
        let (epoch, head) = read.await?;
        let epoch = format!("{epoch:016x}");
        let since = wanted.since.unwrap_or(head);
        let resumed = if wanted.epoch.as_ref().is_some_and(|it| *it != epoch) {
            Err("the revision is of another epoch")
        } else if since > head {
            Err("the revision is above the latest one")
        } else {
            let place = self.registry.history().after(since);
            place.ok_or("the history does not reach back to the revision")
        };
        self.revision = since.min(head);
        self.line(&json!({
            "type": "start",
            "epoch": epoch,
            "revision": head,
            "resumed": resumed.is_ok(),
            "reason": resumed.err(),
        }))
        .await?;
        let place = match resumed {
            Ok(place) => place,
            Err(_) => {
                self.revision = self.snapshot().await?;
                let place = self.registry.history().after(self.revision);
                place.ok_or(Cut::Overtaken)?
            }
        };
        self.follow(place).await
    }

    /// Tells what the history holds from a place on, and whatever comes.
    async fn follow(&mut self, mut place: u64) -> Result<std::convert::Infallible, Cut> {
        let mut due = Instant::now() + self.alive;
        loop {
            // Before the look, so that what comes after it is not missed.
            self.head.borrow_and_update();
            let read = self.registry.history().read(place, PIECE);
            let records = read.ok_or(Cut::Overtaken)?;
            if !records.is_empty() {
                place += records.len() as u64;
                let mut text = String::new();
                for record in records.iter().filter(|record| record.is_change()) {
                    let mut line = v1_routes::record(record);
                    line.insert("type".to_owned(), json!("change"));
                    text.push_str(&Value::Object(line).to_string());
                    text.push('\n');
                    self.revision = record.revision;
                }
                self.send(text).await?;
                due = Instant::now() + self.alive;
                continue;
            }
            tokio::select! {
                changed = self.head.changed() => changed.map_err(|_| Cut::Ended)?,
                // Nobody is there to be told.
                () = self.pieces.left() => return Err(Cut::Slow),
                () = sleep_until(due) => {
                    self.line(&json!({ "type": "alive", "revision": self.revision })).await?;
                    due = Instant::now() + self.alive;
                }
            }
        }
    }

    async fn line(&self, line: &Value) -> Result<(), Cut> {
        self.send(format!("{line}\n")).await
    }

    async fn send(&self, text: String) -> Result<(), Cut> {
        if text.is_empty() {
            return Ok(());
        }
        let sent = self.pieces.send(text).await;
        sent.map_err(|Gone| Cut::Slow)
    }
}

impl Cut {
    const fn reason(self) -> &'static str {
        match self {
            Self::Overtaken => {
                "too slow: the history went on faster than this was read; begin anew at the revision"
            }
            Self::Slow => "too slow: nothing was read for 10 seconds; begin anew at the revision",
            Self::Ended => "the control plane is leaving",
        }
    }
}

impl From<Ended> for Cut {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

#[cfg(test)]
mod tests;
