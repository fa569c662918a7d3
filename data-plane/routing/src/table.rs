//! The table that workers read.

use std::sync::Arc;

use crate::{Route, Settings};

/// Room for the lower-case form of a host and path that came in upper case. One per worker; it is
/// reused from request to request.
#[derive(Debug, Default)]
pub struct Scratch(pub(crate) String);

/// All routes of one moment. It never changes: a publication puts another one in its place, which
/// shares everything that did not change.
#[derive(Debug)]
pub struct Table {
    pub(crate) settings: Settings,
    pub(crate) routes: u64,
    pub(crate) endpoints: u64,
}

impl Table {
    /// The table before anything was heard.
    #[must_use]
    pub fn empty() -> Self {
        todo!()
    }

    /// The settings of the session that filled it.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many routes there are, empty ones included.
    #[must_use]
    pub const fn routes(&self) -> u64 {
        self.routes
    }

    /// How many endpoints there are, each once per route.
    #[must_use]
    pub const fn endpoints(&self) -> u64 {
        self.endpoints
    }

    /// The route of a request.
    ///
    /// `host` is the host of the request, with or without a port; `path` is its path as it came,
    /// percent-encoding kept, without the query. Case does not count, in the path neither. The
    /// longest path prefix by whole segments that has endpoints wins; where there is none under
    /// the exact host, wildcard hosts follow, the most specific first. Nothing is allocated
    /// unless a byte is upper case and `scratch` has to grow.
    #[must_use]
    pub fn lookup(&self, host: &str, path: &str, scratch: &mut Scratch) -> Option<&Arc<Route>> {
        todo!()
    }

    /// The route as this table holds it, for a request that found it in an earlier one. `None`
    /// where it is gone: a further attempt then has nobody to go to.
    #[must_use]
    pub fn renew(&self, route: &Route) -> Option<&Arc<Route>> {
        todo!()
    }

    /// Every route, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        std::iter::empty()
    }
}
