//! What a reader is given: routes, endpoints, and the names of what is gone. All of it is shared, never copied.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use pointsman_route_key::{Host, Path, RouteKey};

use crate::description::Description;
use crate::options::Options;

/// Something to add or change.
#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    /// The attributes of a route as one segment holds them.
    Route(Route),
    /// One endpoint of one route.
    Endpoint(Endpoint),
}

impl Thing {
    /// About how many bytes it takes on a wire.
    pub(crate) fn weight(&self) -> usize {
        let (key, rest) = match self {
            Self::Route(route) => {
                let options = route.options.as_ref();
                let options = options.map_or(0, |it| {
                    let rules = it.rules.as_ref().map_or(0, |rules| rules.weight());
                    it.route_service_url.len() + rules
                });
                (&route.key, options + 64)
            }
            Self::Endpoint(endpoint) => (
                &endpoint.route,
                endpoint.address.len() + endpoint.description.weight() + 64,
            ),
        };
        key_weight(key) + rest
    }
}

fn key_weight(key: &RouteKey) -> usize {
    let host = match &key.host {
        Host::Exact(host) | Host::Suffix(host) => host.len(),
        Host::Any => 0,
    };
    host + context_path(key).len()
}

/// The attributes of a route as one segment holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The route.
    pub key: Arc<RouteKey>,
    /// The isolation segment; empty for the shared one.
    pub segment: Arc<str>,
    /// The latest change of these attributes.
    pub revision: u64,
    /// The revision at which the route was born.
    pub birth: u64,
    /// The digest of the attributes, the same on every control plane.
    pub generation: u64,
    /// Host and path with their case; `None` where that is how the key spells them.
    pub(crate) registered: Option<Arc<AsRegistered>>,
    /// What the endpoints or a declaration decided; `None` where that is nothing.
    pub(crate) options: Option<Arc<Options>>,
}

/// Host and path of a route as they were registered first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AsRegistered {
    pub(crate) host: Box<str>,
    pub(crate) path: Box<str>,
}

impl Route {
    /// The host as it was first registered, case kept.
    #[must_use]
    pub fn host_as_registered(&self) -> Cow<'_, str> {
        match &self.registered {
            Some(registered) => Cow::Borrowed(&registered.host),
            None => host(&self.key),
        }
    }

    /// The context path as it was first registered, case kept; `/` for none.
    #[must_use]
    pub fn path_as_registered(&self) -> &str {
        self.registered
            .as_ref()
            .map_or_else(|| context_path(&self.key), |registered| &registered.path)
    }

    /// The attributes that the endpoints decided, or a declaration; `None` where all of them are the default.
    #[must_use]
    pub fn options(&self) -> Option<&Options> {
        self.options.as_deref()
    }
}

/// The host that the key spells.
pub(crate) fn host(key: &RouteKey) -> Cow<'_, str> {
    match &key.host {
        Host::Exact(host) => Cow::Borrowed(host),
        Host::Suffix(_) | Host::Any => Cow::Owned(key.host.to_string()),
    }
}

/// The context path that the key spells.
pub(crate) fn context_path(key: &RouteKey) -> &str {
    match &key.path {
        Path::Prefix(path) | Path::Exact(path) | Path::Template(path) if path.is_empty() => "/",
        Path::Prefix(path) | Path::Exact(path) | Path::Template(path) => path,
    }
}

/// One endpoint of one route.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// The route.
    pub route: Arc<RouteKey>,
    /// The address as registered.
    pub address: Arc<str>,
    /// The isolation segment; empty for the shared one.
    pub segment: Arc<str>,
    /// The digest of the compared fields, the same on every control plane.
    pub generation: u64,
    /// What was registered.
    pub description: Arc<Description>,
    /// How long a registration counts, in seconds; negative for not at all.
    pub stale_threshold_seconds: i64,
    /// It was not heard for its threshold, and is kept because TLS proves its identity.
    pub silent: bool,
    /// An operator has taken it out: no data plane is given it.
    pub ejected: bool,
}

/// The name of something that is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Removal {
    /// The route.
    pub route: Arc<RouteKey>,
    /// The address of the endpoint; empty where the attributes of the route are meant.
    pub address: Arc<str>,
    /// The isolation segment that lost it.
    pub segment: Arc<str>,
}

impl Removal {
    /// About how many bytes it takes on a wire.
    pub(crate) fn weight(&self) -> usize {
        key_weight(&self.route) + self.address.len() + self.segment.len() + 16
    }
}

/// A route with everything that is known of it, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteListing {
    /// The attributes, once for each segment that holds the route. Never empty.
    pub attributes: Vec<Route>,
    /// The endpoints in the order of their addresses.
    pub endpoints: Vec<EndpointListing>,
}

/// An endpoint with what is known of it, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointListing {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The latest change.
    pub revision: u64,
    /// How long ago it was heard, on the clock of its source, which stands while the source is away.
    pub last_heard: Duration,
    /// The source that it was heard from.
    pub source: Arc<str>,
    /// It was not heard for its threshold, and is kept because that was true of too much at once, or pruning is frozen.
    pub held: bool,
    /// Whether time does anything to it.
    pub ageing: Ageing,
}

/// Whether time does anything to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ageing {
    /// It grows old unless it is heard.
    Goes,
    /// Its source is away, so that it could not be heard, or pruning is frozen: it does not go meanwhile.
    Suspended,
    /// It is there until its source says otherwise, or nothing is ever removed for its age.
    Never,
}
