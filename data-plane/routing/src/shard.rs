//! One of the parts that a table is made of: the sites of the hosts that hash to it.

use std::sync::Arc;

use crate::Route;
use crate::site::{HostRef, Site};

/// Sites by the hash of their host, with open addressing and linear probing.
///
/// A hash map of our own, because the hash that chose the shard finds the place in it too, and
/// because the copy that each publication makes is one flat copy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shard {
    /// A power of two of places, or none.
    places: Vec<Option<Place>>,
    sites: usize,
}

#[derive(Clone, Debug)]
struct Place {
    hash: u64,
    site: Site,
}

/// The first size of a shard that is not empty.
const SMALLEST: usize = 4;

impl Shard {
    /// Every site, in no particular order.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        self.places.iter().flatten().map(|place| &place.site)
    }

    /// The site of a host.
    pub(crate) fn get(&self, hash: u64, host: HostRef<'_>) -> Option<&Site> {
        let at = self.find(hash, host)?;
        Some(&self.places.get(at)?.as_ref()?.site)
    }

    /// The site of a host, to be changed.
    pub(crate) fn get_mut(&mut self, hash: u64, host: HostRef<'_>) -> Option<&mut Site> {
        let at = self.find(hash, host)?;
        Some(&mut self.places.get_mut(at)?.as_mut()?.site)
    }

    /// Puts a route in the place of the one with its key.
    pub(crate) fn insert(&mut self, hash: u64, host: HostRef<'_>, route: Arc<Route>) {
        if let Some(site) = self.get_mut(hash, host) {
            site.insert(route);
            return;
        }
        if (self.sites + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        self.settle(Place {
            hash,
            site: Site::One(route),
        });
        self.sites += 1;
    }

    /// Takes the route with this host and path out.
    pub(crate) fn remove(
        &mut self,
        hash: u64,
        host: HostRef<'_>,
        path: &str,
    ) -> Option<Arc<Route>> {
        let at = self.find(hash, host)?;
        let site = &mut self.places.get_mut(at)?.as_mut()?.site;
        let Site::One(route) = site else {
            return site.remove(path);
        };
        if route.path() != path {
            return None;
        }
        let route = Arc::clone(route);
        self.vacate(at);
        Some(route)
    }

    fn find(&self, hash: u64, host: HostRef<'_>) -> Option<usize> {
        let mut at = self.home(hash)?;
        while let Some(place) = self.places.get(at)? {
            if place.hash == hash && place.site.is_of(host) {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }

    /// Where a hash belongs; the shard was chosen by its upper bits.
    fn home(&self, hash: u64) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only the lower bits are used"
        )]
        Some(hash as usize & mask)
    }

    const fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }

    fn settle(&mut self, place: Place) {
        let Some(mut at) = self.home(place.hash) else {
            return;
        };
        while self.places.get(at).is_some_and(Option::is_some) {
            at = self.after(at);
        }
        if let Some(free) = self.places.get_mut(at) {
            *free = Some(place);
        }
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.places, vec![None; size]);
        old.into_iter()
            .flatten()
            .for_each(|place| self.settle(place));
    }

    /// Empties a place, and settles again what stood behind it until the next empty one, since it
    /// may have been pushed on by what is gone now.
    fn vacate(&mut self, at: usize) {
        let take = |places: &mut Vec<Option<Place>>, at: usize| places.get_mut(at)?.take();
        take(&mut self.places, at);
        self.sites -= 1;
        let mut next = self.after(at);
        while let Some(place) = take(&mut self.places, next) {
            self.settle(place);
            next = self.after(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pointsman_route_key::RouteKey;

    use super::*;
    use crate::PoolIndex;

    fn route(uri: &str) -> Arc<Route> {
        Arc::new(Route::new(RouteKey::from_uri(uri).unwrap(), PoolIndex(0)))
    }

    /// Three hashes for all hosts, so that places collide all the time.
    fn hash(host: &str) -> u64 {
        host.bytes().map(u64::from).sum::<u64>() % 3
    }

    #[test]
    fn sites_are_found_whatever_collides_and_leaves() {
        let hosts: Vec<String> = (0..40).map(|n| format!("h{n}")).collect();
        let mut shard = Shard::default();
        let mut held = BTreeSet::new();
        let mut state = 1_u64;
        for step in 0..4_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let host = &hosts[usize::try_from(state >> 33).unwrap() % hosts.len()];
            let name = HostRef::Exact(host.as_bytes());
            if held.remove(host) {
                assert!(shard.remove(hash(host), name, "").is_some(), "step {step}");
            } else {
                held.insert(host.clone());
                shard.insert(hash(host), name, route(host));
            }
            for host in &hosts {
                assert_eq!(
                    shard
                        .get(hash(host), HostRef::Exact(host.as_bytes()))
                        .is_some(),
                    held.contains(host),
                    "step {step}"
                );
            }
            assert_eq!(shard.sites().count(), held.len(), "step {step}");
        }
    }

    #[test]
    fn a_site_is_gone_with_its_last_route() {
        let mut shard = Shard::default();
        let host = HostRef::Exact(b"a");
        for uri in ["a/x", "a", "a/x/y"] {
            shard.insert(7, host, route(uri));
        }
        for path in ["/x", "", "/x/y"] {
            assert!(shard.remove(7, host, "/none").is_none());
            assert!(shard.remove(7, host, path).is_some(), "{path:?}");
        }
        assert!(shard.get(7, host).is_none());
    }
}
