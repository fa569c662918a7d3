//! What the API says as a whole, and what of that is new to the registry.
//!
//! The list and the stream come on two connections, so that neither knows how far the other is. Whatever an event has said
//! since the list was asked for counts more than the list: it is as new or newer, and what follows it comes on the stream.

use std::collections::{HashMap, HashSet};

use pointsman_registry::{Absence, ModificationTag, Registration};

use super::route::{Change, Key, Route};
use crate::registry_task::Event;

/// The routes that the API has, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: HashMap<Key, Known>,
    /// What events spoke of since the list was asked for.
    spoken_of: HashSet<Key>,
}

#[derive(Debug)]
struct Known {
    route: Route,
    /// `None` for one that was refused.
    registration: Option<Registration>,
}

/// What an event changes.
#[derive(Default)]
pub(super) struct Heard {
    /// For the registry.
    pub(super) event: Option<Event>,
    /// The event fits to nothing that is known: only the list can tell.
    pub(super) ask: bool,
}

impl Table {
    /// How many routes there are.
    pub(super) fn routes(&self) -> usize {
        self.known.len()
    }

    /// The list is about to be asked for.
    pub(super) fn asked(&mut self) {
        self.spoken_of.clear();
    }

    /// The list has come. What it has is registered anew, what it lacks is gone; and what is there comes before what is
    /// gone. `read` makes a registration of a route, or tells why it is none.
    pub(super) fn listed(
        &mut self,
        routes: Vec<Route>,
        mut read: impl FnMut(&Route) -> Option<Registration>,
    ) -> Vec<Event> {
        // The API may have one route with one endpoint several times, with different route services. The last one
        // counts, as the one that Gorouter registers last, and the others do not take turns with it.
        let last: HashMap<Key, usize> = routes
            .iter()
            .enumerate()
            .map(|(at, route)| (route.key(), at))
            .collect();
        let mut before = std::mem::take(&mut self.known);
        let mut events = Vec::with_capacity(last.len());
        for (at, route) in routes.into_iter().enumerate() {
            let key = route.key();
            if last.get(&key) != Some(&at) || self.spoken_of.contains(&key) {
                continue;
            }
            let same = before.remove(&key).filter(|known| known.route == route);
            let known = same.unwrap_or_else(|| Known {
                registration: read(&route),
                route,
            });
            events.extend(known.registration.clone().map(Event::Register));
            self.known.insert(key, known);
        }
        for (key, known) in before {
            if self.spoken_of.contains(&key) {
                self.known.insert(key, known);
            } else {
                let gone = known.registration;
                events.extend(gone.map(|gone| Event::Lapse(gone, Absence::Inferred)));
            }
        }
        self.spoken_of.clear();
        events
    }

    /// One route has changed. What is older than what is known is left to the registry to refuse, which counts it.
    pub(super) fn changed(
        &mut self,
        change: Change,
        read: impl FnOnce(&Route) -> Option<Registration>,
    ) -> Heard {
        let (route, gone) = match change {
            Change::Upsert(route) => (route, false),
            Change::Delete(route) => (route, true),
        };
        let (key, tag) = (route.key(), route.tag());
        let known = self.known.get(&key).map(|known| known.route.tag());
        if gone && known.as_ref().is_some_and(|known| is_another(known, &tag)) {
            // The route was deleted and made anew, and the list that was read in between knew that already. Taking the
            // new one away would lose requests until the next list.
            return Heard {
                event: None,
                ask: true,
            };
        }
        let outdated = known.is_some_and(|known| known != tag && !known.succeeded_by(&tag));
        let registration = read(&route);
        if !outdated {
            self.spoken_of.insert(key.clone());
            if gone {
                self.known.remove(&key);
            } else {
                let registration = registration.clone();
                self.known.insert(
                    key,
                    Known {
                        route,
                        registration,
                    },
                );
            }
        }
        let event = if gone {
            Event::Unregister
        } else {
            Event::Register
        };
        Heard {
            event: registration.map(event),
            ask: false,
        }
    }
}

/// Whether both are tags, of different objects.
fn is_another(one: &ModificationTag, other: &ModificationTag) -> bool {
    !one.guid.is_empty() && !other.guid.is_empty() && one.guid != other.guid
}

#[cfg(test)]
mod tests;
