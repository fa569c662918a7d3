//! Being out of the choice: for how long, and the way back.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::{LONGEST, PROBE, SHORTEST};
use crate::Time;

/// Whether an endpoint may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// As any other.
    In,
    /// For one request, which has to claim the probe.
    Probe,
    /// Only where there is nobody else.
    Out,
}

/// The absence of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Absence {
    /// Until when it is out, as [`Time::to_stored`]; 0: it is in.
    until: AtomicU64,
    /// When the last absence ended, or was to end.
    last: AtomicU64,
    /// When the probe that is under way was claimed; 0: there is none.
    probe: AtomicU64,
    /// How many absences followed each other closely.
    times: AtomicU32,
}

impl Absence {
    /// Whether it is out, or was not readmitted yet.
    pub(super) fn is_out(&self) -> bool {
        self.until.load(Ordering::Relaxed) != 0
    }

    /// Whether it may be chosen.
    #[inline]
    pub(super) fn gate(&self, now: Time) -> Gate {
        match Time::from_stored(self.until.load(Ordering::Relaxed)) {
            None => Gate::In,
            Some(until) if now < until => Gate::Out,
            Some(until) => self.gate_after(until, now),
        }
    }

    #[cold]
    fn gate_after(&self, until: Time, now: Time) -> Gate {
        match Time::from_stored(self.probe.load(Ordering::Relaxed)) {
            None => Gate::Probe,
            Some(claimed) => {
                if now.since(claimed) >= PROBE {
                    // Nobody was told that the probe failed: it hangs.
                    self.prolong(until, now);
                }
                Gate::Out
            }
        }
    }

    /// Takes the endpoint out; `None` where it is out already.
    pub(super) fn begin(&self, now: Time) -> Option<Duration> {
        self.put_out(0, now)
    }

    /// The probe has failed.
    pub(super) fn fail_probe(&self, now: Time) {
        if let Some(until) = Time::from_stored(self.until.load(Ordering::Relaxed)) {
            self.prolong(until, now);
        }
    }

    fn prolong(&self, until: Time, now: Time) {
        self.last.store(until.to_stored(), Ordering::Relaxed);
        let _by_another = self.put_out(until.to_stored(), now);
    }

    fn put_out(&self, before: u64, now: Time) -> Option<Duration> {
        let last = Time::from_stored(self.last.load(Ordering::Relaxed));
        let times = match last {
            Some(last) if now.since(last) < LONGEST => self.times.load(Ordering::Relaxed) + 1,
            _ => 1,
        };
        let doubled = 1 << (times - 1).min(16);
        let length = (SHORTEST * doubled).min(LONGEST);
        let until = now.after(length).to_stored();
        self.until
            .compare_exchange(before, until, Ordering::Relaxed, Ordering::Relaxed)
            .ok()?;
        self.times.store(times, Ordering::Relaxed);
        self.last.store(until, Ordering::Relaxed);
        self.probe.store(0, Ordering::Relaxed);
        Some(length)
    }

    /// Takes the only place for a probe.
    pub(super) fn claim_probe(&self, now: Time) -> bool {
        let stored = now.to_stored();
        self.probe
            .compare_exchange(0, stored, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Whether a probe is under way.
    pub(super) fn is_probed(&self) -> bool {
        self.probe.load(Ordering::Relaxed) != 0
    }

    /// The probe told nothing: another request may be one.
    pub(super) fn drop_probe(&self) {
        self.probe.store(0, Ordering::Relaxed);
    }

    /// The endpoint has answered: a probe readmits it, and so does whatever else it answers after
    /// its time.
    #[inline]
    pub(super) fn answered(&self, now: Time, probe: bool) {
        let until = self.until.load(Ordering::Relaxed);
        if Time::from_stored(until).is_some_and(|until| probe || until <= now) {
            self.probe.store(0, Ordering::Relaxed);
            self.last.store(now.to_stored(), Ordering::Relaxed);
            self.until.store(0, Ordering::Relaxed);
        }
    }
}
