//! What speaks for a thing being there.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Time;

/// What speaks for a thing being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A control plane sent it, last in this step of the writer.
    Sent(u64),
    /// Nobody says any more that it is there, or nobody in this life of the process did yet.
    Doubted(Doubt),
}

/// A thing that is kept though nobody says that it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// The complete table of an authoritative control plane lacks it. Where that is not so, it
    /// comes from a persisted table.
    pub(crate) lacked: bool,
    /// The number of the hold that keeps it from being taken for gone; 0 for none.
    pub(crate) hold: u32,
    /// An endpoint is an orphan where this is set, and is gone by then.
    pub(crate) until: Option<Time>,
}

/// Evidence that changes in place, so that a thing that is sent again as it is, or is not sent
/// where all others are, costs no new table. It fills one word: each endpoint has one.
#[derive(Debug)]
pub(crate) struct EvidenceCell(AtomicU64);

const DOUBTED: u64 = 1 << 63;
const LACKED: u64 = 1 << 62;
const HOLD_SHIFT: u32 = 42;
/// Milliseconds; enough for a hundred years.
const UNTIL: u64 = (1 << HOLD_SHIFT) - 1;

/// The greatest number of a hold.
pub(crate) const MOST_HOLDS: u32 = (1 << 20) - 1;

impl EvidenceCell {
    pub(crate) const fn new(evidence: Evidence) -> Self {
        Self(AtomicU64::new(pack(evidence)))
    }

    pub(crate) fn get(&self) -> Evidence {
        unpack(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, evidence: Evidence) {
        self.0.store(pack(evidence), Ordering::Relaxed);
    }

    /// Whether this is an orphan's.
    pub(crate) fn is_orphan(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        word & DOUBTED != 0 && word & UNTIL != 0
    }
}

impl Clone for EvidenceCell {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

const fn pack(evidence: Evidence) -> u64 {
    match evidence {
        Evidence::Sent(step) => step & !DOUBTED,
        Evidence::Doubted(Doubt {
            lacked,
            hold,
            until,
        }) => {
            let until = match until {
                Some(time) if time.to_stored() < UNTIL => time.to_stored(),
                Some(_) => UNTIL,
                None => 0,
            };
            let hold = if hold < MOST_HOLDS { hold } else { MOST_HOLDS };
            let lacked = if lacked { LACKED } else { 0 };
            DOUBTED | lacked | ((hold as u64) << HOLD_SHIFT) | until
        }
    }
}

const fn unpack(word: u64) -> Evidence {
    if word & DOUBTED == 0 {
        return Evidence::Sent(word);
    }
    Evidence::Doubted(Doubt {
        lacked: word & LACKED != 0,
        hold: (word >> HOLD_SHIFT) as u32 & MOST_HOLDS,
        until: Time::from_stored(word & UNTIL),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn evidence_is_read_as_it_was_written() {
        let all = [
            Evidence::Sent(1),
            Evidence::Sent(u64::MAX >> 1),
            Evidence::Doubted(Doubt::default()),
            Evidence::Doubted(Doubt {
                lacked: true,
                hold: MOST_HOLDS,
                until: Some(at(7)),
            }),
            Evidence::Doubted(Doubt {
                lacked: false,
                hold: 1,
                until: None,
            }),
        ];
        for evidence in all {
            let cell = EvidenceCell::new(evidence);
            assert_eq!(cell.get(), evidence);
            let orphan = matches!(evidence, Evidence::Doubted(doubt) if doubt.until.is_some());
            assert_eq!(cell.is_orphan(), orphan, "{evidence:?}");
        }
    }

    #[test]
    fn a_time_beyond_all_reason_is_cut_and_touches_nothing_else() {
        let endless = Doubt {
            lacked: false,
            hold: 0,
            until: Some(at(u64::MAX)),
        };
        let cell = EvidenceCell::new(Evidence::Doubted(endless));
        let Evidence::Doubted(doubt) = cell.get() else {
            panic!("{cell:?}");
        };
        assert_eq!((doubt.lacked, doubt.hold), (false, 0));
        assert!(doubt.until > Some(at(1 << 40)));
    }
}
