//! The table that workers read.

mod scratch;

use std::sync::Arc;

use pointsman_route_key::{Path, RouteKey, strip_port};

pub use scratch::Scratch;

use crate::shard::Shard;
use crate::site::{HostRef, Site};
use crate::{Route, Settings};

/// How many parts a table has: a publication copies the list of them and the parts that changed.
pub(crate) const SHARDS: usize = 4096;

/// The longest host for which wildcards are tried: no DNS name is longer, and each further label
/// of a host that is no name would cost a search.
const LONGEST_HOST: usize = 255;

/// All routes of one moment. It never changes: a publication puts another one in its place, which
/// shares everything that did not change.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) shards: Box<[Arc<Shard>]>,
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) counts: Counts,
}

/// How much there is in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) routes: u64,
    pub(crate) endpoints: u64,
    /// Routes with a wildcard host.
    pub(crate) wildcards: u64,
    /// Routes of every host.
    pub(crate) of_every_host: u64,
}

impl Table {
    /// The table before anything was heard.
    #[must_use]
    pub fn empty() -> Self {
        Self::with_seed(0)
    }

    /// An empty table whose hash is keyed by `seed`.
    pub(crate) fn with_seed(seed: u64) -> Self {
        let empty = Arc::new(Shard::default());
        Self {
            shards: vec![empty; SHARDS].into_boxed_slice(),
            seed,
            settings: Settings::default(),
            counts: Counts::default(),
        }
    }

    /// The settings of the session that filled it.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many routes there are, empty ones included.
    #[must_use]
    pub const fn routes(&self) -> u64 {
        self.counts.routes
    }

    /// How many endpoints there are, each once per route.
    #[must_use]
    pub const fn endpoints(&self) -> u64 {
        self.counts.endpoints
    }

    /// The route of a request.
    ///
    /// `host` is the host of the request without its port; `path` is its path as it came,
    /// percent-encoding kept, without the query. Bytes that are no text are replaced. Case does not count, in the path neither. The
    /// longest path prefix by whole segments that has endpoints wins; where there is none under
    /// the exact host, wildcard hosts follow, the most specific first, and then the routes of every
    /// host. Nothing is allocated unless a byte is upper case and `scratch` has to grow.
    #[must_use]
    pub fn find(&self, host: &[u8], path: &[u8], scratch: &mut Scratch) -> Option<&Arc<Route>> {
        // Two trailing slashes do not count: one goes when the key is made, one when it is stored.
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if host.is_empty() || path.first().is_some_and(|first| *first != b'/') {
            return None;
        }
        let (host, path) = scratch.lower(host, path);
        self.under(HostRef::Exact(host), path)
            .or_else(|| self.under_wildcards(host, path))
            .or_else(|| self.under_every_host(path))
    }

    /// The same for a host with or without a port.
    #[must_use]
    pub fn lookup(&self, host: &str, path: &str, scratch: &mut Scratch) -> Option<&Arc<Route>> {
        self.find(strip_port(host).as_bytes(), path.as_bytes(), scratch)
    }

    fn under_every_host(&self, path: &[u8]) -> Option<&Arc<Route>> {
        if self.counts.of_every_host == 0 {
            return None;
        }
        self.under(HostRef::Any, path)
    }

    fn under_wildcards(&self, host: &[u8], path: &[u8]) -> Option<&Arc<Route>> {
        if self.counts.wildcards == 0 || host.len() > LONGEST_HOST {
            return None;
        }
        let suffixes = host
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'.')
            .filter_map(|(dot, _)| host.get(dot + 1..));
        suffixes
            .into_iter()
            .find_map(|suffix| self.under(HostRef::Suffix(suffix), path))
    }

    fn under(&self, host: HostRef<'_>, path: &[u8]) -> Option<&Arc<Route>> {
        self.site(host)?.find(path)
    }

    fn site(&self, host: HostRef<'_>) -> Option<&Site> {
        let hash = host.hash(self.seed);
        self.shards.get(shard_of(hash))?.get(hash, host)
    }

    /// The route as this table holds it, for a request that found it in an earlier one. `None`
    /// where it is gone: a further attempt then has nobody to go to.
    #[must_use]
    pub fn renew(&self, route: &Route) -> Option<&Arc<Route>> {
        self.get(route.key())
    }

    /// The route with exactly this key.
    #[must_use]
    pub fn get(&self, key: &RouteKey) -> Option<&Arc<Route>> {
        let Path::Prefix(path) = &key.path else {
            return None;
        };
        self.site(HostRef::of(&key.host))?.get(path)
    }

    /// Every route, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.shards
            .iter()
            .flat_map(|shard| shard.sites())
            .flat_map(Site::routes)
    }
}

/// The place of a hash in the root: its upper twelve bits.
#[expect(clippy::cast_possible_truncation, reason = "twelve bits remain")]
pub(crate) const fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARDS.ilog2())) as usize
}

#[cfg(test)]
mod tests;
