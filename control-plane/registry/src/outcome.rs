//! What came of an event, for logs and metrics.

use std::sync::Arc;
use std::time::Duration;

use pointsman_route_key::RouteKey;

/// What came of one URI of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What became of the endpoint.
    pub put: Put,
    /// The route was not there before.
    pub route_born: bool,
}

/// What became of a registered endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was not there before.
    Added,
    /// It was there, and is another one now.
    Updated,
    /// It was there as it is, and counts longer.
    Refreshed,
    /// It was there, and the registration is older, or it belongs to a source that declares: nothing changed, and it does
    /// not count longer.
    Unmodified,
    /// It is not registered.
    Dropped(Dropped),
}

/// Why a registration is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Its segment is not registered here.
    ForeignSegment,
    /// The route has as many endpoints as one may have (L-33).
    TooManyEndpoints,
    /// There are as many routes as there may be (L-33).
    TooManyRoutes,
    /// There are as many segments as there may be.
    TooManySegments,
    /// It names no address.
    NoAddress,
}

/// What came of one URI of an unregistration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistered {
    /// The endpoint is gone.
    Removed {
        /// It was the last one, and the route is gone as well.
        route_gone: bool,
        /// It was registered in another segment than the one that the message names.
        other_segment: bool,
    },
    /// There is such a route, and no such endpoint.
    UnknownEndpoint,
    /// There is no such route.
    UnknownRoute,
    /// The endpoint was announced by something newer, by its tag or its time of update, or belongs to a source that
    /// declares, and stays.
    OlderTag,
    /// The segment of the message is not registered here.
    ForeignSegment,
}

/// What came of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// The route was not there before.
    Born,
    /// It was there, and is declared from now on, or as something else.
    Changed,
    /// It was declared like this.
    Unchanged,
    /// Another source declares it, and that one stays.
    Taken,
    /// It is not declared.
    Dropped(Dropped),
}

/// What came of one URI that its source no longer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lapsed {
    /// The endpoint is gone.
    Removed {
        /// It was the last one, and the route is gone as well.
        route_gone: bool,
    },
    /// It is kept until an operator lets it go: too much was no longer said at once.
    Held,
    /// This source has no such endpoint.
    Unknown,
}

/// What came of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// What was due.
    pub expired: Vec<Expired>,
    /// More is due already.
    pub more: bool,
}

/// One thing that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired {
    /// An endpoint was not heard for its threshold, and is gone.
    Endpoint {
        /// The route.
        route: Arc<RouteKey>,
        /// The address.
        address: Arc<str>,
        /// The isolation segment.
        segment: Arc<str>,
        /// The route is gone as well.
        route_gone: bool,
        /// It had been held, and an operator let it go.
        released: bool,
    },
    /// An endpoint was not heard for its threshold, and is kept: too much came due at once for that to be true of all.
    Held {
        /// The route.
        route: Arc<RouteKey>,
        /// The address.
        address: Arc<str>,
    },
    /// A TLS endpoint was not heard for its threshold, and is chosen last from now on.
    Silent {
        /// The route.
        route: Arc<RouteKey>,
        /// The address.
        address: Arc<str>,
    },
    /// A route had no endpoints for as long as such a one is kept, and is gone.
    EmptyRoute {
        /// The route.
        route: Arc<RouteKey>,
    },
}

/// How much is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Routes, empty ones included.
    pub routes: usize,
    /// Endpoints, once for each route that they serve.
    pub endpoints: usize,
    /// Different addresses.
    pub addresses: usize,
    /// Removals that are remembered.
    pub removals: usize,
    /// Since the last registration; `None` if there never was one.
    pub since_last_update: Option<Duration>,
}

/// How many things there are, and the wrapping sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// The number.
    pub things: u64,
    /// The sum of [`pointsman_route_key::digest::of_route`] and
    /// [`of_endpoint`](pointsman_route_key::digest::of_endpoint).
    pub digest: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, digest: u64) {
        self.things = self.things.wrapping_add(1);
        self.digest = self.digest.wrapping_add(digest);
    }

    pub(crate) fn subtract(&mut self, digest: u64) {
        self.things = self.things.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(digest);
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            things: self.things.wrapping_sub(other.things),
            digest: self.digest.wrapping_sub(other.digest),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            things: self.things.wrapping_add(other.things),
            digest: self.digest.wrapping_add(other.digest),
        }
    }
}
