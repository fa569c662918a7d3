//! How one endpoint behaves.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::absence::{Absence, Gate};
use super::siblings::Siblings;
use super::silence::Silence;
use super::times::{Bucket, Counts, Times};
use super::{Cause, FAILURES, JUDGED_EVERY, LATELY, LEAST_BOUND, SAMPLES, UNANSWERED};
use crate::Time;

/// What is known about how an endpoint behaves, in the whole process.
///
/// Of each attempt it is told the beginning ([`Conduct::begin`]) and one end: an answer, a failure,
/// or that the attempt was given up for reasons that are not the endpoint's.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Conduct {
    /// When it last failed, as [`Time::to_stored`]; 0 for never.
    marked_at: AtomicU64,
    silence: Silence,
    /// When the attempt was made that it answered last.
    answered_at: AtomicU64,
    judged_at: AtomicU64,
    times: Times,
    absence: Absence,
    /// Attempts in a row that failed.
    failures: AtomicU32,
}

/// One attempt, between its beginning and its end.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Attempt {
    pub(super) since: Time,
    /// Which age was counted in the place of its response time.
    counted: Option<Bucket>,
    is_probe: bool,
}

impl Attempt {
    /// The age at which [`Conduct::aged`] wants to hear of it, if there is no answer yet.
    #[must_use]
    pub fn next_age(&self) -> Duration {
        self.counted.map_or(LEAST_BOUND, Bucket::bound)
    }
}

/// What happens there.
impl Conduct {
    /// An attempt begins.
    #[inline]
    pub fn begin(&self, now: Time) -> Attempt {
        self.silence.ask(now);
        Attempt {
            since: now,
            counted: None,
            is_probe: self.absence.is_probed(),
        }
    }

    /// The head of its answer has come.
    #[inline]
    pub fn answered(&self, attempt: Attempt, now: Time) {
        self.silence.end();
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        // When it was asked: an answer that took long itself does not show that it is well now.
        if self.answered_at.load(Ordering::Relaxed) != attempt.since.to_stored() {
            self.answered_at
                .store(attempt.since.to_stored(), Ordering::Relaxed);
        }
        let took = Bucket::of(now.since(attempt.since));
        self.times.put(took, attempt.counted, now);
        self.absence.answered(now, attempt.is_probe);
    }

    /// It is still unanswered: its age is a sample.
    pub fn aged(&self, attempt: &mut Attempt, now: Time) {
        let age = Bucket::of(now.since(attempt.since));
        self.times.put(age, attempt.counted, now);
        attempt.counted = Some(age);
    }

    /// It has failed, by the endpoint's fault.
    pub fn failed(&self, attempt: Attempt, now: Time) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.silence.forget(attempt.since);
        if attempt.is_probe {
            self.absence.fail_probe(now);
        }
    }

    /// Another endpoint was faster to connect, so that it got no request.
    pub fn overtaken(&self, attempt: Attempt, now: Time) {
        if attempt.is_probe {
            self.absence.fail_probe(now);
        }
    }

    /// It was given up, and nobody knows what the endpoint would have said. Whoever waited for
    /// longer than an outlier may take has seen something all the same.
    pub fn left(&self, attempt: Attempt, now: Time) {
        if now.since(attempt.since) < LEAST_BOUND {
            self.silence.forget(attempt.since);
        }
        if attempt.is_probe {
            self.absence.drop_probe();
        }
    }
}

/// Marks: failures that count for the mark time.
impl Conduct {
    pub(crate) fn mark(&self, now: Time) {
        self.marked_at.store(now.to_stored(), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn marked_at(&self) -> Option<Time> {
        Time::from_stored(self.marked_at.load(Ordering::Relaxed))
    }

    pub(crate) fn clear_mark(&self) {
        // Most calls find no mark, and then must not take the cache line from other workers.
        if self.marked_at.load(Ordering::Relaxed) != 0 {
            self.marked_at.store(0, Ordering::Relaxed);
        }
    }
}

/// What is concluded.
impl Conduct {
    /// Whether it may be chosen.
    #[inline]
    pub(crate) fn gate(&self, now: Time) -> Gate {
        self.absence.gate(now)
    }

    /// Takes the only place for a probe.
    pub(crate) fn claim_probe(&self, now: Time) -> bool {
        self.absence.claim_probe(now)
    }

    /// Whether it was taken out, and not readmitted yet.
    #[must_use]
    pub fn is_ejected(&self) -> bool {
        self.absence.is_out()
    }

    /// Whether it is time to compare it; it counts as compared then.
    #[inline]
    pub(super) fn is_due(&self, now: Time) -> bool {
        let judged = Time::from_stored(self.judged_at.load(Ordering::Relaxed));
        let due = judged.is_none_or(|judged| now.since(judged) >= JUDGED_EVERY);
        if due {
            self.judged_at.store(now.to_stored(), Ordering::Relaxed);
        }
        due
    }

    /// Whether it could be an outlier, before its siblings are looked at.
    pub(super) fn is_suspect(&self, now: Time) -> bool {
        self.failures.load(Ordering::Relaxed) >= FAILURES
            || self.silent_for(now).is_some_and(|time| time >= LEAST_BOUND)
            || is_mostly_above(&self.times.counts(), Bucket::of(LEAST_BOUND / 2))
    }

    /// For how long it has said nothing to as many attempts as prove something.
    fn silent_for(&self, now: Time) -> Option<Duration> {
        let (since, attempts) = self.silence.since()?;
        (attempts >= UNANSWERED).then(|| now.since(since))
    }

    /// How many attempts were made since its last answer.
    pub(super) fn unanswered(&self) -> u64 {
        self.silence.since().map_or(0, |(_, attempts)| attempts)
    }

    /// It could not be asked until now: what it has not said before that proves nothing.
    pub(super) fn excuse(&self, now: Time) {
        self.silence.begin_again(now);
    }

    /// What makes it an outlier.
    pub(super) fn outlier(&self, siblings: &Siblings, now: Time) -> Option<Cause> {
        let answered = now.since(siblings.answered_at?);
        if self.failures.load(Ordering::Relaxed) >= FAILURES
            && siblings.one_is_well
            && answered < LATELY
        {
            return Some(Cause::Failures);
        }
        if siblings.times.total() < SAMPLES {
            return None;
        }
        let limit = siblings.times.limit()?;
        let silent = self
            .silent_for(now)
            .is_some_and(|silent| silent >= limit.bound() && answered <= silent / 2);
        if silent {
            return Some(Cause::Silence);
        }
        is_mostly_above(&self.times.counts(), limit).then_some(Cause::Slowness)
    }

    /// Takes it out; `None` where it is already.
    pub(super) fn eject(&self, now: Time) -> Option<Duration> {
        let length = self.absence.begin(now)?;
        self.failures.store(0, Ordering::Relaxed);
        Some(length)
    }

    pub(super) fn fails(&self) -> bool {
        self.failures.load(Ordering::Relaxed) != 0
    }

    pub(super) fn answered_at(&self) -> Option<Time> {
        Time::from_stored(self.answered_at.load(Ordering::Relaxed))
    }

    pub(super) fn times(&self) -> &Times {
        &self.times
    }
}

fn is_mostly_above(counts: &Counts, limit: Bucket) -> bool {
    let total = counts.total();
    total >= SAMPLES && counts.above(limit) >= total / 2
}
