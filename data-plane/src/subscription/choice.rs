//! Which control plane is followed.
//!
//! # The rules
//!
//! A data plane follows one control plane at a time. Each has an order among them of its own, which
//! lasts ([`rank`]), so that a fleet spreads, and one more or less moves nobody whom it does not
//! concern. A control plane that is *authoritative* is preferred to one that is only *open*, and
//! that to a young one; the order decides among those whose word is worth the same.
//!
//! What its word is worth is said by a control plane in its welcome, and nowhere else. So it is
//! learned in two ways, both of which end in a choice, and neither of which can flap:
//!
//! * **While nobody is followed** the control planes are tried one after the other, whoever failed
//!   last at the end. The first authoritative one is taken. The session of the best other one is
//!   kept open meanwhile, and is taken where all have been tried.
//! * **While one is followed that is not authoritative**, the others are looked at once a minute
//!   (while nothing can be served yet, every five seconds): connect, say hello, read the welcome,
//!   leave. Whoever follows an authoritative one never looks around: a fleet at rest makes no
//!   connection but its own. The one that is followed is left only for one whose word is worth
//!   more.
//!
//! A session that works is left for a better one, or for one that comes earlier in the order after
//! a session ended by its age, at most once in [`BETWEEN_MOVES`]. Away from one that failed, a data
//! plane moves at once; who failed is left alone for a while, with full jitter (L-37).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use pointsman_proto::v1;
use tokio::time::Instant;

use super::backoff::Backoff;

/// How long two moves away from control planes that work lie apart at least.
pub(super) const BETWEEN_MOVES: Duration = Duration::from_secs(60);

/// How often whoever follows one that is not authoritative looks at the others.
const LOOK: Duration = Duration::from_secs(60);

/// The same while nothing can be served.
const LOOK_WHILE_EMPTY: Duration = Duration::from_secs(5);

/// What a control plane's word is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worth {
    /// It tells what it hears, and has not listened for long.
    Young,
    /// It is fit to fill an empty data plane.
    Open,
    /// What it has not heard may be taken for gone.
    Authoritative,
}

impl Worth {
    /// What a control plane says of itself.
    pub(super) const fn of(standing: &v1::Standing) -> Self {
        match (standing.authoritative, standing.open) {
            (true, _) => Self::Authoritative,
            (false, true) => Self::Open,
            (false, false) => Self::Young,
        }
    }

    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Young => "young",
            Self::Open => "open",
            Self::Authoritative => "authoritative",
        }
    }
}

/// The place of a control plane in the order of a data plane: the smallest comes first.
///
/// Rendezvous hashing: adding or removing a control plane moves only those that it concerns. The
/// hasher's keys are fixed, so the order is the same after each restart.
#[must_use]
pub fn rank(data_plane: &str, host: &str, port: u16) -> u64 {
    let mut hasher = DefaultHasher::new();
    (data_plane, host, port).hash(&mut hasher);
    hasher.finish()
}

/// What is known of the control planes, in the order of this data plane.
#[derive(Debug)]
pub(super) struct Choice {
    planes: Vec<Plane>,
    /// Who is followed, or was last.
    current: Option<usize>,
    /// The one that was followed last has failed since.
    current_failed: bool,
    /// Who is tried before all others, and taken where it can be followed.
    preferred: Option<usize>,
    /// Who is tried after all others.
    failed_last: Option<usize>,
    /// When one that worked was left for another.
    moved: Option<Instant>,
    moves: u64,
    looked: Option<Instant>,
}

/// What is known of one control plane.
#[derive(Debug, Default)]
pub(super) struct Plane {
    /// What its word was worth when it was last heard.
    pub(super) worth: Option<Worth>,
    /// Why it could not be followed, or not any longer.
    pub(super) trouble: Option<String>,
    /// It was silent when it was last tried, so that one more try would take long.
    silent: bool,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Choice {
    /// Nothing is known of so many control planes.
    pub(super) fn new(count: usize) -> Self {
        Self {
            planes: (0..count).map(|_| Plane::default()).collect(),
            current: None,
            current_failed: false,
            preferred: None,
            failed_last: None,
            moved: None,
            moves: 0,
            looked: None,
        }
    }

    /// Who is followed, or was last.
    pub(super) const fn current(&self) -> Option<usize> {
        self.current
    }

    /// How often one that worked was left for another.
    pub(super) const fn moves(&self) -> u64 {
        self.moves
    }

    /// What is known of each.
    pub(super) fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// Whom to try now, in this order. Nobody, where all are left alone for a while.
    pub(super) fn round(&self, now: Instant) -> Vec<usize> {
        let mut round: Vec<usize> = (0..self.planes.len())
            .filter(|at| self.is_due(*at, now))
            .collect();
        round.sort_by_key(|at| {
            (
                self.preferred != Some(*at),
                self.failed_last == Some(*at),
                *at,
            )
        });
        round
    }

    /// When somebody is to be tried again.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.planes
            .iter()
            .filter_map(|plane| plane.not_before)
            .min()
    }

    /// One was silent. It is not waited for while there is an open one to follow.
    pub(super) fn was_silent(&mut self, at: usize) {
        if let Some(plane) = self.planes.get_mut(at) {
            plane.silent = true;
        }
    }

    /// Whether one was silent when it was last tried.
    pub(super) fn is_silent(&self, at: usize) -> bool {
        self.planes.get(at).is_some_and(|plane| plane.silent)
    }

    /// Until when one is left alone.
    pub(super) fn not_before(&self, at: usize) -> Option<Instant> {
        self.planes.get(at)?.not_before
    }

    fn is_due(&self, at: usize, now: Instant) -> bool {
        let plane = self.planes.get(at);
        plane.is_some_and(|plane| plane.not_before.is_none_or(|due| due <= now))
    }

    /// What the word of one is worth, as it said itself.
    pub(super) fn heard(&mut self, at: usize, worth: Worth) {
        if let Some(plane) = self.planes.get_mut(at) {
            plane.worth = Some(worth);
            plane.silent = false;
            plane.trouble = None;
        }
    }

    /// One is followed from now on.
    pub(super) fn follow(&mut self, at: usize, now: Instant) {
        let left = self.current.is_some_and(|current| current != at);
        if left && !self.current_failed {
            self.moved = Some(now);
            self.moves += 1;
        }
        self.current = Some(at);
        self.current_failed = false;
        self.preferred = None;
        self.failed_last = None;
        self.looked = Some(now);
    }

    /// One could not be followed, or not any longer. `draw` is random, from 0 up to and without 1.
    pub(super) fn failed(&mut self, at: usize, trouble: String, (now, draw): (Instant, f64)) {
        self.failed_last = Some(at);
        self.current_failed |= self.current == Some(at);
        self.preferred = self.preferred.filter(|preferred| *preferred != at);
        if let Some(plane) = self.planes.get_mut(at) {
            plane.trouble = Some(trouble);
            plane.worth = None;
            plane.not_before = Some(now + plane.backoff.next(draw));
        }
    }

    /// A session with the one that is followed has come to a good point: it may fail anew.
    pub(super) fn confirmed(&mut self) {
        if let Some(plane) = self.current.and_then(|at| self.planes.get_mut(at)) {
            plane.backoff.reset();
            plane.not_before = None;
        }
    }

    /// The session with the one that is followed ended by its age: the order decides anew, where it
    /// may.
    pub(super) fn aged(&mut self, now: Instant) {
        if !self.may_move(now) {
            self.preferred = self.current;
        }
    }

    /// Whether this one is taken without a look at the others, whatever its word is worth.
    pub(super) fn is_preferred(&self, at: usize) -> bool {
        self.preferred == Some(at)
    }

    /// This one is tried before all others, and taken where it can be followed.
    pub(super) const fn prefer(&mut self, at: usize) {
        self.preferred = Some(at);
    }

    fn may_move(&self, now: Instant) -> bool {
        self.moved.is_none_or(|moved| now >= moved + BETWEEN_MOVES)
    }

    /// When the others are to be looked at, where the one that is followed is worth so much.
    pub(super) fn next_look(&self, worth: Worth, servable: bool) -> Option<Instant> {
        if worth == Worth::Authoritative || self.planes.len() < 2 {
            return None;
        }
        let between = if servable { LOOK } else { LOOK_WHILE_EMPTY };
        let due = self.looked.map(|looked| looked + between)?;
        Some(
            self.moved
                .map_or(due, |moved| due.max(moved + BETWEEN_MOVES)),
        )
    }

    /// Whom to look at besides the one that is followed.
    pub(super) fn others(&mut self, now: Instant) -> Vec<usize> {
        self.looked = Some(now);
        let mut others = self.round(now);
        others.retain(|at| self.current != Some(*at));
        others
    }
}

#[cfg(test)]
mod tests;
