//! Where routes are kept: in the shards of the next table, or parked.

use std::collections::HashMap;
use std::sync::Arc;

use pointsman_route_key::{Host, Path, RouteKey, digest};

use super::book::Book;
use crate::intern::PoolIndexes;
use crate::site::HostRef;
use crate::table::{Counts, shard_of};
use crate::{PoolIndex, Route, Settings, Table, View};

/// All routes of which something is known.
#[derive(Debug)]
pub(super) struct Store {
    /// What the next table is cut from. It shares its shards with the tables before, and copies
    /// each when it is first written to.
    next: Table,
    /// Routes that cannot be served, because their attributes were rejected or are gone; with
    /// their endpoints, which are back in service as soon as that changes.
    parked: HashMap<RouteKey, Route>,
    indexes: PoolIndexes,
}

/// The index of routes that have no place in a table.
const NO_INDEX: PoolIndex = PoolIndex(u32::MAX);

impl Store {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            next: Table::with_seed(seed),
            parked: HashMap::new(),
            indexes: PoolIndexes::default(),
        }
    }

    /// A table of what can be served.
    pub(super) fn table(&self, settings: Settings) -> Table {
        Table {
            settings,
            ..self.next.clone()
        }
    }

    /// How many routes can be served.
    pub(super) const fn routes(&self) -> u64 {
        self.next.routes()
    }

    /// What the next table is cut from.
    pub(super) const fn next(&self) -> &Table {
        &self.next
    }

    /// The route with this key, parked or not.
    pub(super) fn get(&self, key: &RouteKey) -> Option<&Route> {
        self.parked_route(key)
            .or_else(|| self.next.get(key).map(|route| &**route))
    }

    fn parked_route(&self, key: &RouteKey) -> Option<&Route> {
        if self.parked.is_empty() {
            return None;
        }
        self.parked.get(key)
    }

    /// Every route, parked or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.next
            .iter()
            .map(|route| &**route)
            .chain(self.parked.values())
    }

    /// Changes the route with this key, which begins as a void one, and ends as none where nothing
    /// is known of it any more.
    pub(super) fn change<T>(&mut self, key: &RouteKey, change: impl FnOnce(&mut Route) -> T) -> T {
        if let Some(route) = self.serving_mut(key) {
            let before = route.endpoints().len();
            let result = change(route);
            let after = route.endpoints().len();
            let stays = route.content().is_some();
            let counts = &mut self.next.counts;
            counts.endpoints = counts.endpoints + after as u64 - before as u64;
            if !stays {
                self.withdraw(key);
            }
            return result;
        }
        let mut route = self
            .parked
            .remove(key)
            .unwrap_or_else(|| Route::new(key.clone(), NO_INDEX));
        let result = change(&mut route);
        if route.content().is_some() && is_servable(key) {
            self.serve(route);
        } else if !route.is_void() {
            self.parked.insert(key.clone(), route);
        }
        result
    }

    fn serving_mut(&mut self, key: &RouteKey) -> Option<&mut Route> {
        // Looked for first, so that a shard is copied only for a change.
        self.next.get(key)?;
        let (host, path) = place(key)?;
        let hash = host.hash(self.next.seed);
        let shard = self.next.shards.get_mut(shard_of(hash))?;
        let site = Arc::make_mut(shard).get_mut(hash, host)?;
        site.get_mut(path).map(Arc::make_mut)
    }

    /// Takes a route out of service.
    fn withdraw(&mut self, key: &RouteKey) {
        let Some((host, path)) = place(key) else {
            return;
        };
        let hash = host.hash(self.next.seed);
        let shard = self.next.shards.get_mut(shard_of(hash));
        let Some(route) = shard.and_then(|shard| Arc::make_mut(shard).remove(hash, host, path))
        else {
            return;
        };
        self.count(&route, |count, change| *count -= change);
        self.indexes.give_back(route.index);
        if !route.is_void() {
            let mut route = Arc::unwrap_or_clone(route);
            route.index = NO_INDEX;
            self.parked.insert(key.clone(), route);
        }
    }

    /// Puts a route into service.
    fn serve(&mut self, mut route: Route) {
        route.index = self.indexes.take();
        self.count(&route, |count, change| *count += change);
        let route = Arc::new(route);
        let Some((host, _)) = place(&route.key) else {
            return;
        };
        let hash = host.hash(self.next.seed);
        if let Some(shard) = self.next.shards.get_mut(shard_of(hash)) {
            Arc::make_mut(shard).insert(hash, host, Arc::clone(&route));
        }
    }

    fn count(&mut self, route: &Route, apply: impl Fn(&mut u64, u64)) {
        let Counts {
            routes,
            endpoints,
            wildcards,
            of_every_host,
        } = &mut self.next.counts;
        apply(routes, 1);
        apply(endpoints, route.endpoints().len() as u64);
        apply(
            wildcards,
            u64::from(matches!(route.key.host, Host::Suffix(_))),
        );
        apply(of_every_host, u64::from(route.key.host == Host::Any));
    }

    /// What the parked things of this epoch add up to.
    pub(super) fn parked_view(&self, book: &Book) -> View {
        let mut view = View::default();
        for route in self.parked.values() {
            for held in route.all_held() {
                if book.is_of_epoch(held.evidence.get()) && held.content().is_none() {
                    let digest = digest::of_route(held.segment(), &route.key, held.generation);
                    view = view.with(digest);
                }
            }
            for endpoint in route.endpoints() {
                if book.is_of_epoch(endpoint.evidence.get()) {
                    view = view.with(endpoint.digest(&route.key));
                }
            }
        }
        view
    }
}

/// Whether a table can hold routes of this key. Others need a capability that a data plane of
/// this release does not claim.
pub(super) const fn is_servable(key: &RouteKey) -> bool {
    place(key).is_some()
}

/// Where a key stands in a table.
const fn place(key: &RouteKey) -> Option<(HostRef<'_>, &str)> {
    match &key.path {
        Path::Prefix(path) => Some((HostRef::of(&key.host), path)),
        Path::Exact(_) | Path::Template(_) => None,
    }
}
