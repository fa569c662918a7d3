//! How following goes, for people and for metrics.

use std::time::Duration;

use tokio::time::Instant;

use super::choice::Worth;

/// How following goes at one moment.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The session, while there is one.
    pub connection: Option<Connection>,
    /// Why there is none, or why the last one ended.
    pub trouble: Option<String>,
    /// The control planes, in the order of this data plane.
    pub candidates: Vec<Candidate>,
    /// How often a control plane that worked was left for another.
    pub moves: u64,
    /// The control plane's life that the table came from; 0 for none.
    pub epoch: u64,
    /// The revision of that life which the table is at.
    pub revision: u64,
    /// Things that are rejected.
    pub rejected: u64,
    /// Things that are kept though the control plane that is followed has not sent them.
    pub unconfirmed: u64,
    /// Endpoints that are kept for a while though no control plane says that they are there.
    pub orphans: u64,
    /// Endpoints that seem to be gone, and stay because too many did at once.
    pub held_removals: u64,
    /// Endpoints that were taken over from the persisted table at the start.
    pub restored: u64,
    /// Endpoints that were taken over from what another data plane has lent.
    pub borrowed: u64,
    /// There is a table that may be served: a control plane was fit to fill it, or it was persisted.
    pub servable: bool,
    /// A control plane has agreed, in this life of the process, about what it knows: what is held may differ from what is kept
    /// on disk.
    pub agreed: bool,
    /// When a control plane last confirmed the whole table in this life of the process. One that has not heard everything
    /// confirms what it knows, and not what is held of its predecessors.
    pub confirmed: Option<Instant>,
    /// When a table was taken over from the disk or from another data plane, and how old it was then.
    pub taken_over: Option<(Instant, Duration)>,
    /// Sessions since the process started.
    pub sessions: u64,
    /// Times that the table was found to differ from the control plane's.
    pub divergences: u64,
    /// Tables published.
    pub publications: u64,
    /// When the last one was.
    pub published: Option<Instant>,
    /// Questions that were refused because there were too many.
    pub questions_refused: u64,
    /// What is served.
    pub served: Served,
}

/// What is served, by the will of an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Served {
    /// What is received, as ever.
    #[default]
    Received,
    /// What was served when the table was frozen.
    Frozen,
    /// The same, while this generation of the persisted table is read.
    Reading(u8),
    /// The same, because that generation could not be read.
    NotRead(u8, String),
    /// A generation of the persisted table.
    Generation {
        /// Which one: 1 is the last that was written.
        number: u8,
        /// How long before it was read a control plane had confirmed it.
        age: Duration,
    },
}

impl Status {
    /// How long ago a control plane last confirmed the table, be it before this process started.
    #[must_use]
    pub fn table_age(&self) -> Option<Duration> {
        match (self.confirmed, self.taken_over) {
            (Some(confirmed), _) => Some(confirmed.elapsed()),
            (None, Some((at, age))) => Some(age.saturating_add(at.elapsed())),
            (None, None) => None,
        }
    }
}

/// A session with a control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where it is.
    pub address: String,
    /// What its word is worth.
    pub worth: Worth,
    /// Why it is not worth more yet.
    pub reason: String,
}

/// A control plane that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub address: String,
    /// What its word was worth when it was last heard; nothing where it was not, or failed since.
    pub worth: Option<Worth>,
    /// Why it could not be followed when that was last tried.
    pub trouble: Option<String>,
}

/// How keeping the table on disk goes.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// How often it was written.
    pub writes: u64,
    /// How often it could not be.
    pub failures: u64,
    /// When it was written last.
    pub written: Option<Instant>,
    /// How many things it held then.
    pub things: u64,
    /// How many bytes it had.
    pub bytes: u64,
    /// Why it could not be written, where that is so.
    pub trouble: Option<String>,
}
