//! Which route has which key.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use pointsman_route_key::RouteKey;

use super::Registry;
use super::records::RouteId;

/// The numbers of routes by the hashes of their keys, which their records hold. The table keeps each hash, so that it
/// looks at no record when it grows, and hardly ever at a wrong one when something is looked for.
#[derive(Debug, Default)]
pub(super) struct Keys {
    routes: HashTable<(Hashed, RouteId)>,
    state: RandomState,
}

/// As much of a hash as tells things apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hashed(u32);

impl Hashed {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a part of a hash is a hash as well"
    )]
    pub(super) fn of(value: &(impl Hash + ?Sized), state: &RandomState) -> Self {
        Self(state.hash_one(value) as u32)
    }

    /// What a table is given: it takes places from the lowest bits, and marks from the highest.
    pub(super) const fn whole(self) -> u64 {
        (self.0 as u64) << 32 | self.0 as u64
    }
}

impl Keys {
    pub(super) fn hash(&self, key: &RouteKey) -> Hashed {
        Hashed::of(key, &self.state)
    }

    /// The number that stands with this hash and is the one that is looked for.
    fn find(&self, hash: Hashed, is_it: impl Fn(RouteId) -> bool) -> Option<RouteId> {
        let found = self.routes.find(hash.whole(), |(other, route)| {
            *other == hash && is_it(*route)
        });
        found.map(|(_, route)| *route)
    }

    /// Adds a route, whose key no other one has.
    pub(super) fn insert(&mut self, hash: Hashed, route: RouteId) {
        self.routes
            .insert_unique(hash.whole(), (hash, route), |(hash, _)| hash.whole());
    }

    /// Takes a route out.
    pub(super) fn remove(&mut self, hash: Hashed, route: RouteId) {
        let entry = self
            .routes
            .find_entry(hash.whole(), |entry| *entry == (hash, route));
        if let Ok(entry) = entry {
            entry.remove();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

impl Registry {
    /// The route of this key.
    pub(super) fn find_route(&self, key: &RouteKey) -> Option<RouteId> {
        self.find_hashed(self.keys.hash(key), key)
    }

    /// The same for a key whose hash is known.
    pub(super) fn find_hashed(&self, hash: Hashed, key: &RouteKey) -> Option<RouteId> {
        self.keys
            .find(hash, |route| *self.routes[route].key == *key)
    }
}
