//! The guard against expiry en masse: silence is not death.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::settings;
use crate::time::Time;

use super::Registry;
use super::records::EndpointId;

/// What came due lately, and what is held back because that was too much.
///
/// A route counts once in a window, with the first of its endpoints that comes due, whether that may go or is held; all
/// others of the route share its fate. So a route of a thousand instances is one route, and a silence that goes on does
/// not take another share of the table with every window.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The births of the routes that came due, in their order. A birth names one life of one route.
    recent: VecDeque<(Time, u64)>,
    fates: HashMap<u64, Fate>,
    /// How many of these routes are gone: they were part of the table.
    gone: usize,
    held: BTreeMap<EndpointId, Held>,
    /// What an operator let go, and is still to be removed.
    released: VecDeque<EndpointId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Passes,
    Gone,
    Held,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    /// The head of the registry when it was held.
    at: u64,
    released: bool,
    /// Only because pruning is frozen; the guard has not looked at it yet.
    frozen: bool,
}

impl Guard {
    /// Whether an endpoint may go by age. `birth` is that of its route, `routes` how many there are.
    pub(super) fn passes(
        &mut self,
        settings: settings::Guard,
        birth: u64,
        routes: usize,
        now: Time,
    ) -> bool {
        self.forget(settings, now);
        if let Some(fate) = self.fates.get(&birth) {
            return *fate != Fate::Held;
        }
        let table = routes + self.gone;
        let share = table.saturating_mul(usize::from(settings.percent)) / 100;
        let passes = self.fates.len() < share.max(settings.at_least);
        let fate = if passes { Fate::Passes } else { Fate::Held };
        self.fates.insert(birth, fate);
        self.recent.push_back((now, birth));
        passes
    }

    fn forget(&mut self, settings: settings::Guard, now: Time) {
        while let Some((at, birth)) = self.recent.front().copied() {
            if now.since(at) < settings.window {
                return;
            }
            self.recent.pop_front();
            let fate = self.fates.remove(&birth);
            self.gone -= usize::from(fate == Some(Fate::Gone));
        }
        // A silence of everybody leaves large tables behind.
        self.recent = VecDeque::new();
        self.fates = HashMap::new();
    }

    /// A route went with the last of its endpoints.
    pub(super) fn gone(&mut self, birth: u64) {
        if let Some(fate) = self.fates.get_mut(&birth)
            && *fate == Fate::Passes
        {
            *fate = Fate::Gone;
            self.gone += 1;
        }
    }

    fn hold(&mut self, id: EndpointId, (head, frozen): (u64, bool)) {
        let held = Held {
            at: head,
            released: false,
            frozen,
        };
        self.held.insert(id, held);
    }

    pub(super) fn holds(&self, id: EndpointId) -> bool {
        self.held.contains_key(&id)
    }

    /// What is held.
    pub(super) fn held(&self) -> impl Iterator<Item = EndpointId> {
        self.held.keys().copied()
    }

    /// It was heard again, or it is gone.
    pub(super) fn let_off(&mut self, id: EndpointId) -> bool {
        !self.held.is_empty() && self.held.remove(&id).is_some()
    }

    /// The next one that was let go, and is not heard again.
    pub(super) fn next_released(&mut self) -> Option<EndpointId> {
        while let Some(id) = self.released.pop_front() {
            if self.held.get(&id).is_some_and(|held| held.released) {
                return Some(id);
            }
        }
        None
    }
}

impl Registry {
    /// How many endpoints are kept though they were not heard for their threshold, because too much came due at once.
    /// They stay until they are heard again, unregistered, or let go by [`Self::release`]; never by time.
    #[must_use]
    pub fn held_expiries(&self) -> u64 {
        self.guard.held.len() as u64
    }

    /// Lets go what was held while the head was at or below a revision, and says how much that is. It goes with the
    /// next looks of [`Self::expire`], unless it is heard before that.
    pub fn release(&mut self, up_to_revision: u64) -> u64 {
        let mut released = 0;
        for (id, held) in &mut self.guard.held {
            if held.at <= up_to_revision && !held.released {
                held.released = true;
                self.guard.released.push_back(*id);
                released += 1;
            }
        }
        released
    }

    /// What would be let go by [`Self::release`].
    pub(super) fn releasable(&self, up_to_revision: u64) -> impl Iterator<Item = EndpointId> {
        let held = self.guard.held.iter();
        let held = held.filter(move |(_, held)| held.at <= up_to_revision && !held.released);
        held.map(|(id, _)| *id)
    }

    /// Whether something that was let go is still to be removed.
    #[must_use]
    pub fn has_released(&self) -> bool {
        !self.guard.released.is_empty()
    }

    /// Whether an endpoint may go by age. If not, it is held: the next message that names it has to be applied in full,
    /// to end that.
    pub(super) fn may_go(&mut self, id: EndpointId, now: Time) -> bool {
        if !self.frozen && self.guard_passes(id, now) {
            return true;
        }
        self.detach(id);
        self.unschedule(id);
        self.guard.hold(id, (self.head, self.frozen));
        false
    }

    fn guard_passes(&mut self, id: EndpointId, now: Time) -> bool {
        let birth = self.routes[self.endpoints[id].route].birth;
        let settings = self.settings.guard;
        self.guard.passes(settings, birth, self.routes.len(), now)
    }

    /// Whether an operator has frozen pruning.
    #[must_use]
    pub fn is_pruning_frozen(&self) -> bool {
        self.frozen
    }

    /// Has nothing go by age any more, nor fall silent, nor because a source that declares says nothing of it; or ends
    /// that. What came due meanwhile is looked at then, by the rules of the guard as ever. Unregistrations count all
    /// the time, and what an operator released waits.
    pub fn freeze_pruning(&mut self, frozen: bool, now: Time) {
        if !std::mem::replace(&mut self.frozen, frozen) || frozen {
            return;
        }
        let waiting = self.guard.held.iter().filter(|(_, held)| held.frozen);
        let waiting: Vec<_> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            let passes = self.guard_passes(id, now);
            if let Some(held) = self.guard.held.get_mut(&id) {
                held.frozen = false;
                if passes && !held.released {
                    held.released = true;
                    self.guard.released.push_back(id);
                }
            }
        }
    }
}
