//! How much may be taken for gone at a time.

use std::collections::VecDeque;

use super::AbsenceSettings;
use crate::Time;
use crate::evidence::MOST_HOLDS;

/// Counts what was inferred to be gone, and names what is held back.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// When how many were let through, as far back as it matters.
    passed: VecDeque<(Time, u64)>,
    /// One for each look that held something back; holds are numbered from 1.
    holds: Vec<Hold>,
}

/// The table of a control plane that lacked what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    epoch: u64,
    revision: u64,
}

impl Guard {
    /// How many more may pass now, in a table of so many routes.
    pub(super) fn allowance(&mut self, settings: &AbsenceSettings, routes: u64, now: Time) -> u64 {
        while let Some((then, _)) = self.passed.front()
            && now.since(*then) >= settings.within
        {
            self.passed.pop_front();
        }
        let passed: u64 = self.passed.iter().map(|(_, count)| count).sum();
        let share = routes.saturating_mul(u64::from(settings.removable_percent)) / 100;
        share.max(settings.always_removable).saturating_sub(passed)
    }

    /// So many passed.
    pub(super) fn pass(&mut self, count: u64, now: Time) {
        if count > 0 {
            self.passed.push_back((now, count));
        }
    }

    /// The number of a hold that this table brings about.
    pub(super) fn hold(&mut self, epoch: u64, revision: u64) -> u32 {
        let hold = Hold { epoch, revision };
        if self.holds.last() != Some(&hold) {
            if self.holds.len() >= MOST_HOLDS as usize {
                // What shares a number is let go together, and then by the later command.
                self.holds.pop();
            }
            self.holds.push(hold);
        }
        u32::try_from(self.holds.len()).unwrap_or(MOST_HOLDS)
    }

    /// Whether an operator who lets go what this epoch lacked up to this revision means a hold.
    pub(super) fn is_meant(&self, number: u32, epoch: u64, up_to_revision: u64) -> bool {
        let at = (number as usize).checked_sub(1);
        at.and_then(|at| self.holds.get(at))
            .is_some_and(|hold| hold.epoch == epoch && hold.revision <= up_to_revision)
    }

    /// Nothing is held any more.
    pub(super) fn forget_holds(&mut self) {
        self.holds.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const SETTINGS: AbsenceSettings = AbsenceSettings {
        removable_percent: 20,
        always_removable: 50,
        within: std::time::Duration::from_secs(60),
        plain_orphan: std::time::Duration::from_secs(120),
        tls_orphan: std::time::Duration::from_secs(600),
    };

    /// at most a fifth of the routes, and always fifty, are lost by inference in a minute
    #[test]
    fn a_share_of_the_routes_passes_within_the_time() {
        let mut guard = Guard::default();
        assert_eq!(guard.allowance(&SETTINGS, 1_000, at(0)), 200);
        assert_eq!(guard.allowance(&SETTINGS, 250, at(0)), 50);
        assert_eq!(guard.allowance(&SETTINGS, 0, at(0)), 50);
        guard.pass(120, at(0));
        guard.pass(70, at(30_000));
        assert_eq!(guard.allowance(&SETTINGS, 1_000, at(59_999)), 10);
        assert_eq!(guard.allowance(&SETTINGS, 100, at(59_999)), 0);
        assert_eq!(guard.allowance(&SETTINGS, 1_000, at(60_000)), 130);
        assert_eq!(guard.allowance(&SETTINGS, 1_000, at(90_000)), 200);
    }

    #[test]
    fn a_hold_is_meant_by_its_epoch_and_revision() {
        let mut guard = Guard::default();
        let first = guard.hold(7, 10);
        assert_eq!(guard.hold(7, 10), first);
        let second = guard.hold(7, 20);
        let third = guard.hold(8, 5);
        let meant = |epoch, revision| {
            [first, second, third].map(|number| guard.is_meant(number, epoch, revision))
        };
        assert_eq!(meant(7, 9), [false, false, false]);
        assert_eq!(meant(7, 19), [true, false, false]);
        assert_eq!(meant(7, 20), [true, true, false]);
        assert_eq!(meant(8, u64::MAX), [false, false, true]);
        assert!(!guard.is_meant(0, 7, u64::MAX));
    }
}
