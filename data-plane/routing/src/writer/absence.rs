//! What it means that a control plane does not name a thing.

use std::time::Duration;

use crate::{Endpoint, Segments, Time};

/// How carefully things are given up that nobody says are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsenceSettings {
    /// How many endpoints per hundred routes may turn out to be lacking within [`Self::within`];
    /// what is lacking beyond that is held (L-35).
    pub removable_percent: u32,
    /// This many always may, however small the table is.
    pub always_removable: u64,
    /// The stretch of time that is looked at.
    pub within: Duration,
    /// How long an orphan lives that is reached in clear text, where its registration does not
    /// say how long it counts.
    pub plain_orphan: Duration,
    /// How long an orphan lives whose identity TLS proves; no other one lives longer.
    pub tls_orphan: Duration,
}

/// 20 % of routes but at least 50 within 60 s; two minutes in clear text, ten over TLS.
impl Default for AbsenceSettings {
    fn default() -> Self {
        Self {
            removable_percent: 20,
            always_removable: 50,
            within: Duration::from_secs(60),
            plain_orphan: Duration::from_secs(120),
            tls_orphan: Duration::from_secs(600),
        }
    }
}

impl AbsenceSettings {
    /// How long this endpoint lives on once it is an orphan.
    ///
    /// In clear text nobody proves who answers at the address, so it is kept as long as its
    /// registration would have counted and no longer; one that never counts is not kept at all.
    pub(super) fn life_of(&self, endpoint: &Endpoint) -> Duration {
        if endpoint.tls().is_some() {
            return self.tls_orphan;
        }
        let registered = match endpoint.stale_threshold_seconds() {
            0 => self.plain_orphan,
            seconds => Duration::from_secs(u64::try_from(seconds).unwrap_or(0)),
        };
        registered.min(self.tls_orphan)
    }
}

/// What a control plane's silence about a thing is worth.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    authoritative: bool,
    /// Everything that this epoch holds was sent at least once.
    whole: bool,
    /// What this epoch lacks was looked for.
    judged: bool,
    granted: Segments,
}

/// What is to be done with a thing that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// It is gone.
    Gone,
    /// It seems to be gone: where the guard lets it, it becomes an orphan.
    Doubted,
    /// It stays.
    Kept,
}

impl Standing {
    /// Another epoch begins.
    pub(super) const fn begin(&mut self) {
        self.authoritative = false;
        self.whole = false;
        self.judged = false;
    }

    pub(super) const fn set_authoritative(&mut self, authoritative: bool) {
        self.authoritative = authoritative;
    }

    pub(super) fn set_granted(&mut self, granted: Segments) {
        self.granted = granted;
    }

    /// A complete closing step came.
    pub(super) const fn set_whole(&mut self) {
        self.whole = true;
    }

    /// Whether everything that this epoch holds was sent at least once.
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// What this epoch lacks was looked for.
    pub(super) const fn set_judged(&mut self) {
        self.judged = true;
    }

    pub(super) const fn is_judged(&self) -> bool {
        self.judged
    }

    /// Whether things of earlier epochs may be taken for gone.
    pub(super) const fn may_infer(&self) -> bool {
        self.authoritative && self.whole
    }

    /// The one place that decides about absence.
    ///
    /// A thing that this very epoch sent before, and that its complete table lacks, was removed
    /// there: somebody was heard to unregister it, or it expired. A thing of a segment that is not
    /// granted any more is not this data plane's to serve, whether it lives or not: no control
    /// plane would ever say that it is gone, and none may confirm it. A thing that this epoch
    /// never sent may only not have been heard; that it is gone can be inferred from a control
    /// plane that has listened long enough, and is not believed at once even then.
    pub(super) fn absent(&self, sent_in_epoch: bool, segment: &str) -> Absence {
        if self.whole && (sent_in_epoch || !self.granted.sees(segment)) {
            Absence::Gone
        } else if self.may_infer() {
            Absence::Doubted
        } else {
            Absence::Kept
        }
    }
}

/// When a life that begins now ends: at a full second, so that those that begin one after the
/// other end together, and the table is searched once for all of them.
pub(super) fn end_of(life: Duration, now: Time) -> Time {
    now.after(life).next_second()
}
