//! How far a session has come, and when it has something to do.

use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::{Reader, Standing, Sum};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Session;
use super::admission::Admission;
use super::lending::Lending;
use super::questions::Questions;

/// How long a session that has reached its age may go on until everything was given that it needs.
const OVERTIME: Duration = Duration::from_secs(60);

/// How far a session has come.
pub(super) struct Progress {
    /// `None` only while a look at the registry is under way.
    pub(super) reader: Option<Reader>,
    pub(super) admission: Admission,
    /// The reader may have something to give.
    pub(super) busy: bool,
    /// Not before this does the reader begin anew.
    pub(super) gather_until: Instant,
    /// The last closing step: its revision, and what it said is held.
    pub(super) closed: Option<(u64, Sum)>,
    /// Earlier closing steps of the same revision said something else, so an ack does not tell which of them it is for.
    repeated: bool,
    /// One of the closing steps ended a snapshot.
    pub(super) complete: bool,
    /// Something was sent since the last closing step.
    pub(super) sent_since: bool,
    pub(super) closed_at: Instant,
    pub(super) heard: Instant,
    pub(super) beat_at: Instant,
    pub(super) repaired_at: Option<Instant>,
    /// When the session has lasted long enough.
    pub(super) ends_at: Option<Instant>,
    /// What was told of the standing.
    pub(super) told: (bool, bool),
    /// The last release that was told.
    pub(super) released: u64,
    pub(super) questions: Questions,
    pub(super) lending: Lending,
}

impl Session {
    /// A session that has just been welcomed.
    pub(super) fn begin(&mut self, reader: Reader, lending: Lending) -> Progress {
        let now = Instant::now();
        let told = flags(&self.standing.borrow_and_update());
        // In this order: what is part of a roll-out is told to everybody before the end of that is seen.
        let rolling = self.staging.borrow().rolling.is_some();
        let latest = *self.releases.borrow_and_update();
        let released = latest.map_or(0, |latest| {
            let rolled_out = latest.part.is_some() && rolling;
            latest.number - u64::from(latest.stands() || rolled_out)
        });
        Progress {
            reader: Some(reader),
            admission: Admission::default(),
            busy: true,
            gather_until: now,
            closed: None,
            repeated: false,
            complete: false,
            sent_since: false,
            closed_at: now,
            heard: now,
            beat_at: now + self.settings.heartbeat,
            repaired_at: None,
            ends_at: self.settings.max_age.map(|age| now + with_jitter(age)),
            told,
            released,
            questions: Questions::default(),
            lending,
        }
    }

    /// Whether there is something to send.
    pub(super) fn is_due(&self, progress: &Progress, now: Instant) -> bool {
        self.standing_differs(progress)
            || self.release_due(progress).is_some()
            || progress.questions.is_due()
            || progress.lending.is_due(now)
            || progress.may_lend()
            || now >= progress.beat_at
            || progress.may_read(now)
    }

    pub(super) fn standing_differs(&self, progress: &Progress) -> bool {
        flags(&self.standing.borrow()) != progress.told
    }

    /// The release that is to be told. Before the first closing step there is nothing that it could let go.
    pub(super) fn release_due(&self, progress: &Progress) -> Option<(u64, u64)> {
        let release = (*self.releases.borrow())?;
        let may = release.part.is_none_or(|part| self.admitted() >= part);
        let due = may && release.number > progress.released && progress.closed.is_some();
        due.then_some((release.number, release.up_to_revision))
    }
}

impl Session {
    /// Up to which roll-out the data plane is given everything.
    pub(super) fn admitted(&self) -> u64 {
        self.staging.borrow().admits(&self.id)
    }
}

impl Progress {
    /// A closing step was sent. While something is kept from the data plane, several have the same revision.
    pub(super) fn close(&mut self, (revision, sum): (u64, Sum)) {
        let before = self.closed.replace((revision, sum));
        let alike = before.filter(|(at, _)| *at == revision);
        self.repeated = alike.is_some_and(|(_, other)| self.repeated || other != sum);
    }

    /// Whether what is held is what the last closing step said. Where it cannot be told which one is meant, that is left to
    /// the data plane, which compares each of them by itself.
    pub(super) fn agrees(&self, held: Sum) -> bool {
        self.repeated || self.closed.is_some_and(|(_, sum)| sum == held)
    }

    /// Whether the session has lasted long enough. What is under way is brought to its end, if that does not take long.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at
            .is_some_and(|end| now >= end && (!self.has_work() || now >= end + OVERTIME))
    }

    fn has_work(&self) -> bool {
        self.busy || self.lending.gives()
    }

    /// Queues up for a snapshot where one is under way, or a table is to be lent.
    pub(super) fn queue_up(&mut self, turns: &Arc<Semaphore>) {
        let snapshot = self.reader.as_ref().is_some_and(Reader::is_snapshot);
        self.admission.want(snapshot || self.lending.gives(), turns);
    }

    /// What is lent goes before what is read, and in the same turn.
    pub(super) fn may_lend(&self) -> bool {
        self.lending.gives() && self.admission.allows()
    }

    pub(super) fn may_read(&self, now: Instant) -> bool {
        self.busy && now >= self.gather_until && self.admission.allows()
    }

    /// When to look again, if nothing else comes before that.
    pub(super) fn wake(&self, due: bool, now: Instant) -> Instant {
        let mut wake = if due {
            // Only the data plane is waited for.
            now + OVERTIME
        } else {
            self.beat_at
        };
        let gather = Some(self.gather_until).filter(|_| self.busy);
        let end = self
            .ends_at
            .map(|end| if self.has_work() { end + OVERTIME } else { end });
        for at in [gather, end, self.admission.stalls_at(), self.lending.ends()] {
            wake = at.filter(|at| *at > now).map_or(wake, |at| wake.min(at));
        }
        wake
    }

    /// Lets others go first where the data plane has taken nothing for too long.
    pub(super) fn look_at_stall(&mut self, now: Instant) {
        let stalls_at = self.admission.stalls_at();
        if stalls_at.is_some_and(|at| now >= at) {
            self.admission.give_up();
        }
    }
}

/// What a data plane acts on; the reason is for people.
pub(super) fn flags(standing: &Standing) -> (bool, bool) {
    (standing.open, standing.authoritative)
}

/// Give or take a fifth, so that sessions that began together do not end together.
fn with_jitter(age: Duration) -> Duration {
    age.mul_f64(0.8 + 0.4 * fastrand::f64())
}
