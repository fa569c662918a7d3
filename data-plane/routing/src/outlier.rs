//! Endpoints that behave worse than their siblings are taken out of the choice for a while.
//!
//! # The rule
//!
//! An endpoint is compared with the others of the pool that a request was about to choose it from,
//! or would have but for want of room, at most every [`JUDGED_EVERY`]. It is an outlier
//!
//! * **by failures**, after [`FAILURES`] attempts in a row that failed by its fault, while a
//!   sibling has answered lately and fails not;
//! * **by silence**, when the last [`UNANSWERED`] or more attempts have no answer, the first so
//!   many of them wait for longer than the bound, nothing at all was answered meanwhile, and a
//!   sibling has answered what it was asked in the latter half of that time; the time in which it
//!   was full of requests most of which have got the head of their answer does not count;
//! * **by slowness**, when at least half of its response times lie above the bound.
//!
//! The bound is four times what 19 of 20 answers of its siblings take, and never below
//! [`LEAST_BOUND`]. Response times go to the head of the answer, and an attempt without one counts
//! by its age, so that an endpoint which hangs need not end a request to be seen. Nothing is
//! concluded from fewer than [`SAMPLES`] response times.
//!
//! So what is slow everywhere is nobody's fault, a slow path (a long poll, a report) makes no
//! outlier of the endpoint that happens to serve it as long as it answers other requests, and a
//! client that goes away is not held against anybody.
//!
//! # What follows
//!
//! The endpoint is out for [`SHORTEST`], and twice as long as the last time if that ended less
//! than [`LONGEST`] ago, up to that. At most half of a pool is out, and never all of it.
//! After the time one request at a time goes there as a probe; its answer readmits the endpoint,
//! and its failure, or [`PROBE`] without an answer, puts it out again. While it is out it is still
//! the last resort: before a request fails for want of endpoints, it goes there.
//!
//! The statistics are the endpoint's own, in the whole process: atomics that every worker writes,
//! without a lock, and without a timer.

mod absence;
mod conduct;
mod siblings;
mod silence;
mod times;

use std::sync::Arc;
use std::time::Duration;

use crate::{Endpoint, Time};
pub(crate) use absence::Gate;
pub use conduct::{Attempt, Conduct};
use siblings::Siblings;

/// Failures in a row that make an outlier.
const FAILURES: u32 = 5;

/// Attempts in a row without an answer that make one.
const UNANSWERED: u64 = 5;

/// Response times from which something is concluded, of an endpoint and of its siblings together.
const SAMPLES: u32 = 20;

/// The least that silence or slowness has to last. Requests of an ordinary app take less, and the
/// pauses of its garbage collector mostly, too.
const LEAST_BOUND: Duration = Duration::from_millis(512);

/// How often an endpoint is compared.
const JUDGED_EVERY: Duration = Duration::from_millis(50);

/// How recent an answer of a sibling has to be to say that it is well.
const LATELY: Duration = Duration::from_secs(10);

/// How long an endpoint is out for the first time.
const SHORTEST: Duration = Duration::from_secs(5);

/// How long it is out at most; and how long it has to be well until the next time is a first one.
const LONGEST: Duration = Duration::from_secs(300);

/// How long a probe may take until it counts as a failure.
const PROBE: Duration = Duration::from_secs(2);

/// What an endpoint was taken out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Attempt after attempt failed.
    Failures,
    /// It answers nothing.
    Silence,
    /// It answers much later than its siblings.
    Slowness,
}

impl Cause {
    /// One word, for reports and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failures => "outlier_failures",
            Self::Silence => "outlier_silence",
            Self::Slowness => "outlier_slowness",
        }
    }
}

/// An endpoint that was just taken out.
#[derive(Clone, Debug)]
pub struct Ejection {
    /// Which one.
    pub endpoint: Arc<Endpoint>,
    /// Why.
    pub cause: Cause,
    /// For how long, until it is probed.
    pub length: Duration,
}

/// Takes an endpoint that is about to be chosen out, if it is an outlier among `endpoints`.
#[inline]
pub(crate) fn judge(
    endpoints: &[Arc<Endpoint>],
    suspect: &Arc<Endpoint>,
    now: Time,
) -> Option<Ejection> {
    let conduct = suspect.state().known_conduct()?;
    if conduct.is_due(now) {
        compare(endpoints, suspect, conduct, now)
    } else {
        None
    }
}

/// The same for one that was passed over because it has no room. One that hangs under much load is full before it was silent
/// for long enough, and never chosen again until somebody gives up there; but nobody asks one that is full, so that its silence
/// says something only where most of what it has waits for an answer. What fills it otherwise has got one, as tunnels and
/// streams have.
pub(crate) fn judge_full(
    endpoints: &[Arc<Endpoint>],
    suspect: &Arc<Endpoint>,
    now: Time,
) -> Option<Ejection> {
    let conduct = suspect.state().known_conduct()?;
    if conduct.unanswered() < u64::from(suspect.state().in_flight()) / 2 {
        conduct.excuse(now);
        return None;
    }
    judge(endpoints, suspect, now)
}

#[cold]
fn compare(
    endpoints: &[Arc<Endpoint>],
    suspect: &Arc<Endpoint>,
    conduct: &Conduct,
    now: Time,
) -> Option<Ejection> {
    if !conduct.is_suspect(now) {
        return None;
    }
    let siblings = Siblings::of(endpoints, suspect);
    if siblings.out >= most_out(endpoints.len()) {
        return None;
    }
    let cause = conduct.outlier(&siblings, now)?;
    let length = conduct.eject(now)?;
    Some(Ejection {
        endpoint: Arc::clone(suspect),
        cause,
        length,
    })
}

/// How many of a pool may be out at a time.
const fn most_out(endpoints: usize) -> usize {
    endpoints / 2
}

#[cfg(test)]
mod tests;
