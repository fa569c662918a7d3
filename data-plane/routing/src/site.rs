//! The routes of one host.

use std::cmp::Ordering;
use std::sync::Arc;

use pointsman_route_key::Host;

use crate::Route;

/// The routes of one host, by path. There is always one.
#[derive(Clone, Debug)]
pub(crate) enum Site {
    /// The usual case costs no list.
    One(Arc<Route>),
    /// Ordered so that a path comes directly before everything below it.
    Many(Arc<Vec<Arc<Route>>>),
}

impl Site {
    /// All routes, ordered by path.
    pub(crate) fn routes(&self) -> &[Arc<Route>] {
        match self {
            Self::One(route) => std::slice::from_ref(route),
            Self::Many(routes) => routes,
        }
    }

    /// Whether these are the routes of `host`.
    pub(crate) fn is_of(&self, host: HostRef<'_>) -> bool {
        self.routes()
            .first()
            .is_some_and(|route| HostRef::of(&route.key().host) == host)
    }

    /// The route with exactly this path.
    pub(crate) fn get(&self, path: &str) -> Option<&Arc<Route>> {
        let at = self.position(path).ok()?;
        self.routes().get(at)
    }

    /// The route with exactly this path, to be changed.
    pub(crate) fn get_mut(&mut self, path: &str) -> Option<&mut Arc<Route>> {
        let at = self.position(path).ok()?;
        match self {
            Self::One(route) => Some(route),
            Self::Many(routes) => Arc::make_mut(routes).get_mut(at),
        }
    }

    /// Puts a route in the place of the one with its path.
    pub(crate) fn insert(&mut self, route: Arc<Route>) {
        match (self.position(route.path()), &mut *self) {
            (Ok(_), Self::One(old)) => *old = route,
            (Ok(at), Self::Many(routes)) => {
                if let Some(old) = Arc::make_mut(routes).get_mut(at) {
                    *old = route;
                }
            }
            (Err(at), Self::One(old)) => {
                let mut routes = vec![Arc::clone(old)];
                routes.insert(at, route);
                *self = Self::Many(Arc::new(routes));
            }
            (Err(at), Self::Many(routes)) => Arc::make_mut(routes).insert(at, route),
        }
    }

    /// Takes the route with this path out, where others remain.
    pub(crate) fn remove(&mut self, path: &str) -> Option<Arc<Route>> {
        let at = self.position(path).ok()?;
        let Self::Many(routes) = self else {
            return None;
        };
        let routes = Arc::make_mut(routes);
        let removed = routes.remove(at);
        if let [only] = routes.as_slice() {
            *self = Self::One(Arc::clone(only));
        }
        Some(removed)
    }

    fn position(&self, path: &str) -> Result<usize, usize> {
        self.routes()
            .binary_search_by(|route| compare(route.path().as_bytes(), path.as_bytes()))
    }

    /// The route of a request for `path`, which is canonical: the deepest one on the way down that
    /// has endpoints; else that of the last node reached, if there is one at that node.
    ///
    /// A node exists where a route has its path or a path below it (section 5 of Gorouter's
    /// behaviour: the table is a tree of path segments).
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Arc<Route>> {
        if let Self::One(route) = self
            && route.path().is_empty()
        {
            return Some(route);
        }
        let mut below = self.routes();
        let mut end = 0;
        let mut deepest = None;
        let mut last;
        loop {
            last = below.first().filter(|route| route.path().len() == end);
            if last.is_some_and(|route| !route.endpoints().is_empty()) {
                deepest = last;
            }
            if end == path.len() {
                break;
            }
            end = segment_end(path, end);
            let node = path.get(..end)?;
            let first =
                below.partition_point(|route| compare(route.path().as_bytes(), node).is_lt());
            let rest = below.get(first..)?;
            let count = rest.partition_point(|route| is_at_or_below(route.path().as_bytes(), node));
            below = rest.get(..count)?;
            if below.is_empty() {
                break;
            }
        }
        deepest.or(last)
    }
}

/// The end of the segment that begins with the slash at `start`.
fn segment_end(path: &[u8], start: usize) -> usize {
    let slash = path.iter().skip(start + 1).position(|byte| *byte == b'/');
    slash.map_or(path.len(), |at| start + 1 + at)
}

/// Orders paths by their segments: the slash sorts before every other byte.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: &u8| {
        if *byte == b'/' {
            0
        } else {
            u16::from(*byte) + 1
        }
    };
    a.iter().map(rank).cmp(b.iter().map(rank))
}

fn is_at_or_below(path: &[u8], node: &[u8]) -> bool {
    path.strip_prefix(node)
        .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
}

/// A host as the table is searched for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostRef<'a> {
    Exact(&'a [u8]),
    Suffix(&'a [u8]),
    Any,
}

impl<'a> HostRef<'a> {
    /// The host of a key.
    pub(crate) const fn of(host: &'a Host) -> Self {
        match host {
            Host::Exact(host) => Self::Exact(host.as_bytes()),
            Host::Suffix(suffix) => Self::Suffix(suffix.as_bytes()),
            Host::Any => Self::Any,
        }
    }

    /// The hash under a table's seed.
    pub(crate) fn hash(self, seed: u64) -> u64 {
        match self {
            Self::Exact(host) => crate::hash::hash(seed, 1, host),
            Self::Suffix(suffix) => crate::hash::hash(seed, 2, suffix),
            Self::Any => crate::hash::hash(seed, 3, b""),
        }
    }
}
