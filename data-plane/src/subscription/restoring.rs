//! Taking over the persisted table at a start without a control plane.
//!
//! A control plane that is open is better than any file: it is waited for, up to a bound. Where
//! none comes in that time, or the only ones are young, the table on disk is taken over, all of it
//! as orphans until a control plane confirms it. It is read, checked and decoded by a thread of its
//! own, piece by piece, so that a large one neither fills the memory nor keeps the control thread.

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::{Settings, Thing};
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::attend::Stopped;
use super::choice::Worth;
use super::client::Subscription;
use super::follower::Follower;
use super::from_proto;
use crate::persisted::{Folder, Found, Frame, Lifetimes, Moment, Skipped};

/// Pieces that wait for the control thread.
pub(super) const WAITING: usize = 4;

/// Where a persisted table is looked for.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The folder.
    pub folder: PathBuf,
    /// The digest of the filter that is configured.
    pub filter: u64,
    /// How long a control plane that is open is waited for.
    pub wait: Duration,
    /// How long endpoints that are reached in clear text may be served after a control plane last
    /// confirmed them.
    pub plain: Duration,
    /// The same for those that prove who they are.
    pub tls: Duration,
}

/// How far taking over has come.
#[derive(Debug)]
pub(super) struct Restoring {
    state: State,
    served: bool,
}

#[derive(Debug)]
enum State {
    /// It may become necessary.
    Waiting { restore: Restore, due: Instant },
    /// It is under way.
    Reading(Reading),
    /// It is not, and will not be.
    Over,
}

#[derive(Debug)]
struct Reading {
    pieces: mpsc::Receiver<Piece>,
    age: Duration,
    left: Lifetimes,
    endpoints: u64,
}

/// What the thread has read.
#[derive(Debug)]
pub(super) enum Piece {
    /// A table that may be served from.
    Found {
        path: PathBuf,
        age: Duration,
        left: Lifetimes,
        settings: Settings,
    },
    /// A part of it; `left` bounds how long it may be kept, where that is less than what the age of
    /// the table leaves.
    Things {
        things: Vec<Thing>,
        left: Option<Duration>,
    },
    /// Nothing more comes.
    Ended,
    /// Nothing more comes, and what came is not all of it.
    Failed(String),
}

impl Restoring {
    pub(super) fn new(restore: Option<Restore>, now: Instant) -> Self {
        let state = restore.map_or(State::Over, |restore| State::Waiting {
            due: now + restore.wait,
            restore,
        });
        Self {
            state,
            served: false,
        }
    }

    /// When it is to begin, if nothing else comes.
    pub(super) const fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { due, .. } => Some(due),
            State::Reading(_) | State::Over => None,
        }
    }

    /// Whether it brought anything that is served.
    pub(super) const fn has_served(&self) -> bool {
        self.served
    }

    /// Whether something may still be taken over.
    pub(super) const fn may_come(&self) -> bool {
        matches!(self.state, State::Waiting { .. } | State::Reading(_))
    }

    const fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// A control plane has filled the table.
    pub(super) fn give_up(&mut self) {
        if matches!(self.state, State::Waiting { .. }) {
            self.state = State::Over;
        }
    }

    /// Puts the beginning off, because an open control plane is filling the table.
    pub(super) fn put_off(&mut self, until: Instant) {
        if let State::Waiting { due, .. } = &mut self.state {
            *due = until;
        }
    }

    /// What was read next. It never comes where nothing is read.
    pub(super) async fn next(&mut self) -> Piece {
        match &mut self.state {
            State::Reading(reading) => reading.pieces.recv().await.unwrap_or(Piece::Ended),
            State::Waiting { .. } | State::Over => pending().await,
        }
    }

    fn begin(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Over);
        let State::Waiting { restore, .. } = state else {
            self.state = state;
            return;
        };
        let (to, pieces) = mpsc::channel(WAITING);
        let spawned = thread::Builder::new()
            .name("table-reader".to_owned())
            .spawn(move || read(&restore, &to));
        match spawned {
            Ok(_) => {
                self.state = State::Reading(Reading {
                    pieces,
                    age: Duration::ZERO,
                    left: Lifetimes {
                        plain: Duration::ZERO,
                        tls: Duration::ZERO,
                    },
                    endpoints: 0,
                });
            }
            Err(error) => error!(component = "subscription", %error, "table-not-restored"),
        }
    }
}

impl Subscription {
    /// Begins to take over the persisted table, unless an open control plane is about to fill the
    /// table: then that is given its time.
    pub(super) fn begin_restoring(&mut self) {
        if self.is_filling() {
            let soon = Instant::now() + self.heartbeat();
            return self.restoring.put_off(soon);
        }
        self.restoring.begin();
    }

    /// Takes over the persisted table before a young control plane is followed: it may be a while
    /// until that has heard everything.
    pub(super) async fn restored_before(&mut self, worth: Worth) -> Result<(), Stopped> {
        if worth < Worth::Open && self.restoring.due().is_some() {
            self.begin_restoring();
        }
        while self.restoring.is_reading() {
            let piece = self.until_piece().await?;
            self.restore(piece);
        }
        Ok(())
    }

    async fn until_piece(&mut self) -> Result<Piece, Stopped> {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => Err(Stopped),
            piece = self.restoring.next() => Ok(piece),
        }
    }

    /// Takes over what was read.
    pub(super) fn restore(&mut self, piece: Piece) {
        match piece {
            Piece::Found {
                path,
                age,
                left,
                settings,
            } => {
                info!(
                    component = "subscription",
                    path = %path.display(),
                    age_seconds = age.as_secs(),
                    "table-restoring",
                );
                self.follower_mut().restore_settings(settings);
                if let State::Reading(reading) = &mut self.restoring.state {
                    reading.age = age;
                    reading.left = left;
                }
            }
            Piece::Things { things, left } => self.restore_things(things, left),
            Piece::Ended | Piece::Failed(_) => self.restored(),
        }
    }

    fn restore_things(&mut self, things: Vec<Thing>, left: Option<Duration>) {
        let State::Reading(reading) = &self.restoring.state else {
            return;
        };
        let left = reading.left.at_most(left.unwrap_or(Duration::MAX));
        let endpoints = self.put_aged(things, left, Follower::restore);
        if let State::Reading(reading) = &mut self.restoring.state {
            reading.endpoints += endpoints;
        }
    }

    fn restored(&mut self) {
        let state = std::mem::replace(&mut self.restoring.state, State::Over);
        let State::Reading(Reading { endpoints, age, .. }) = state else {
            return;
        };
        self.follower_mut().drop_deserted();
        if endpoints > 0 {
            self.restoring.served = true;
            self.show_restored(endpoints, age);
            info!(component = "subscription", endpoints, "table-restored");
        } else {
            warn!(component = "subscription", "no-table-to-restore");
        }
        self.publish();
        self.expire();
    }
}

/// Reads the table, and hands it over. Whoever does not want it any more drops the other end.
fn read(restore: &Restore, to: &mpsc::Sender<Piece>) {
    let folder = Folder::new(restore.folder.clone());
    let lifetimes = Lifetimes {
        plain: restore.plain,
        tls: restore.tls,
    };
    let (found, skipped) = folder.find(restore.filter, lifetimes, &Moment::now());
    for Skipped { path, why } in skipped {
        warn!(
            component = "subscription",
            path = %path.display(),
            reason = %why,
            "table-file-skipped",
        );
    }
    let Some(found) = found else {
        return;
    };
    let path = found.path.clone();
    if let Err(error) = hand_over(found, to) {
        error!(
            component = "subscription",
            path = %path.display(),
            %error,
            "table-file-broken-off",
        );
    }
}

/// Hands a table over, piece by piece.
///
/// # Errors
///
/// What cannot be read of it.
pub(super) fn hand_over(found: Found, to: &mpsc::Sender<Piece>) -> io::Result<()> {
    let Found {
        path,
        saved,
        age,
        left,
        ..
    } = found;
    let written = saved.header().written.clone();
    let begin = Piece::Found {
        path,
        age,
        left,
        settings: (&saved.header().settings).into(),
    };
    if to.blocking_send(begin).is_err() {
        return Ok(());
    }
    let since = Moment::now().since(&written).least();
    for frame in saved {
        let (carried, left) = match frame.map_err(io::Error::other)? {
            Frame::Things(carried) => (carried, None),
            Frame::Orphans { left, carried } => (carried, Some(left.saturating_sub(since))),
        };
        let things = decode(&carried)?;
        if to.blocking_send(Piece::Things { things, left }).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The things of a frame. What this release cannot honour becomes a rejection, which is not taken
/// over.
pub(super) fn decode(carried: &[u8]) -> io::Result<Vec<Thing>> {
    let batch = v1::Batch::decode(carried)?;
    let things = batch.things.into_iter();
    Ok(things
        .filter_map(|thing| from_proto::thing(thing).ok())
        .collect())
}
