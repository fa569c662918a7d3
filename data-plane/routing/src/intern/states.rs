//! The endpoint states of the process.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::identity::Identity;
use crate::{Address, EndpointIndex, EndpointState};

/// One state per address, identity and protocol. A state outlives its registrations until no
/// table, request or connection refers to it; only then its slot is given out again.
#[derive(Debug)]
pub(crate) struct States {
    states: HashSet<Arc<EndpointState>, FixedState>,
    /// Without a registration, as far as was known when they were put here.
    leaving: VecDeque<Arc<EndpointState>>,
    free: Vec<EndpointIndex>,
    slots: u32,
}

/// At least so many of the leaving are looked at per sweep, and of many a quarter: a sweep costs
/// little beside the publication that it goes with.
const LOOKED_AT: usize = 256;

impl States {
    /// No states yet. `seed` keys the hash: draw it at random.
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self {
            states: HashSet::with_hasher(FixedState::with_seed(seed)),
            leaving: VecDeque::new(),
            free: Vec::new(),
            slots: 0,
        }
    }

    /// The state for one more endpoint.
    pub(crate) fn register(&mut self, address: Address, identity: Identity) -> Arc<EndpointState> {
        let nowhere = EndpointIndex { slot: 0, life: 0 };
        let wanted = EndpointState::new(nowhere, address, identity);
        let state = match self.states.get(&wanted) {
            Some(known) => Arc::clone(known),
            None => {
                let state = Arc::new(wanted.with_index(self.free_index()));
                self.states.insert(Arc::clone(&state));
                state
            }
        };
        state.register();
        state
    }

    /// An endpoint that stood on this state is gone.
    pub(crate) fn unregister(&mut self, state: &Arc<EndpointState>) {
        if state.unregister() {
            self.leaving.push_back(Arc::clone(state));
        }
    }

    /// Lets go of some states that nobody refers to any more.
    pub(crate) fn sweep(&mut self) {
        self.look_at(LOOKED_AT.max(self.leaving.len() / 4));
    }

    /// Lets go of all states that nobody refers to any more, and says how many they were.
    pub(crate) fn sweep_all(&mut self) -> usize {
        let before = self.states.len();
        self.look_at(self.leaving.len());
        // A change of everything leaves a large queue behind.
        self.leaving.shrink_to(2 * self.leaving.len());
        before - self.states.len()
    }

    fn look_at(&mut self, most: usize) {
        for _ in 0..self.leaving.len().min(most) {
            let Some(state) = self.leaving.pop_front() else {
                return;
            };
            if state.is_registered() {
                continue;
            }
            // Two references are this one and that of the set.
            if Arc::strong_count(&state) > 2 {
                self.leaving.push_back(state);
                continue;
            }
            if self.states.remove(&state) {
                let EndpointIndex { slot, life } = state.index();
                let life = life.wrapping_add(1);
                self.free.push(EndpointIndex { slot, life });
            }
        }
    }

    fn free_index(&mut self) -> EndpointIndex {
        self.free.pop().unwrap_or_else(|| {
            let slot = self.slots;
            self.slots = self.slots.saturating_add(1);
            EndpointIndex { slot, life: 0 }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    fn register(states: &mut States, address: &str) -> Arc<EndpointState> {
        states.register(
            Address::parse(address).unwrap(),
            Identity::None(Protocol::Http1),
        )
    }

    #[test]
    fn a_state_is_shared_by_address_identity_and_protocol() {
        let mut states = States::with_seed(7);
        let plain = register(&mut states, "10.0.0.1:80");
        assert!(Arc::ptr_eq(&plain, &register(&mut states, "10.0.0.1:80")));
        let address = || Address::parse("10.0.0.1:80").unwrap();
        let tls = states.register(address(), Identity::named("san", Protocol::Http1));
        let http2 = states.register(address(), Identity::None(Protocol::Http2));
        assert_ne!(plain.index(), tls.index());
        assert_ne!(plain.index(), http2.index());
    }

    #[test]
    fn a_slot_is_given_out_again_only_after_the_last_reference() {
        let mut states = States::with_seed(7);
        let first = register(&mut states, "10.0.0.1:80");
        states.unregister(&first);
        states.sweep();
        let second = register(&mut states, "10.0.0.2:80");
        assert_ne!(first.index().slot, second.index().slot);

        let old = first.index();
        drop(first);
        states.sweep();
        let third = register(&mut states, "10.0.0.3:80");
        assert_eq!(third.index().slot, old.slot);
        assert_ne!(third.index(), old);
    }

    #[test]
    fn a_state_survives_a_gap_between_two_registrations() {
        let mut states = States::with_seed(7);
        let first = register(&mut states, "10.0.0.1:80");
        states.unregister(&first);
        let again = register(&mut states, "10.0.0.1:80");
        states.sweep();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(Arc::ptr_eq(&first, &register(&mut states, "10.0.0.1:80")));
    }
}
