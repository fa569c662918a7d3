//! What arrives from a control plane, in the words of this crate.

use pointsman_route_key::RouteKey;

use crate::{Address, Attributes, Protocol, RegisteredBalancing, View};

/// A thing that a control plane sent: it is put in the place of what was held under its name.
#[derive(Clone, Debug)]
pub enum Thing {
    /// The attributes of a route.
    Route(RouteThing),
    /// An endpoint.
    Endpoint(Box<EndpointThing>),
    /// Something that this data plane cannot honour, or that is not valid.
    Rejected(Rejection),
}

impl Thing {
    /// The name under which it would be removed.
    pub(crate) fn name(&self) -> Removal {
        let (key, address, segment) = match self {
            Self::Route(route) => (&route.key, "", &route.segment),
            Self::Endpoint(endpoint) => {
                (&endpoint.key, endpoint.address.as_str(), &endpoint.segment)
            }
            Self::Rejected(rejection) => match &rejection.kind {
                ThingKind::Route { .. } => (&rejection.key, "", &rejection.segment),
                ThingKind::Endpoint { address, .. } => {
                    (&rejection.key, address.as_str(), &rejection.segment)
                }
            },
        };
        Removal {
            key: key.clone(),
            address: address.to_owned(),
            segment: segment.clone(),
        }
    }
}

/// The attributes of a route as one isolation segment holds them.
#[derive(Clone, Debug)]
pub struct RouteThing {
    /// The route.
    pub key: RouteKey,
    /// The isolation segment; empty for the shared one.
    pub segment: String,
    /// The latest change of these attributes. Among the segments of a route the latest wins.
    pub revision: u64,
    /// The revision at which the route was born.
    pub birth: u64,
    /// The digest of the attributes.
    pub generation: u64,
    /// The host as it was first registered, case kept.
    pub host_as_registered: String,
    /// The context path as it was first registered, case kept; `/` for none.
    pub path_as_registered: String,
    /// What it asks for.
    pub attributes: Attributes,
}

/// An endpoint of a route.
#[derive(Clone, Debug)]
pub struct EndpointThing {
    /// The route that it serves.
    pub key: RouteKey,
    /// The address; with the route key its identity.
    pub address: Address,
    /// The isolation segment; empty for the shared one.
    pub segment: String,
    /// The group of the route.
    pub group: String,
    /// The digest of the compared fields.
    pub generation: u64,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// The protocol as registered.
    pub protocol_text: String,
    /// The name in its certificate, empty for any; `None` for clear text.
    pub tls: Option<String>,
    /// The app.
    pub app_id: String,
    /// The instance.
    pub instance_id: String,
    /// The index of the instance.
    pub instance_index: String,
    /// The tags, in any order; `None` where none were registered.
    pub tags: Option<Vec<(String, String)>>,
    /// The availability zone.
    pub availability_zone: String,
    /// The endpoint's own route service, as registered.
    pub route_service_url: String,
    /// The endpoint's own balancing, as registered.
    pub balancing: Option<RegisteredBalancing>,
    /// Its bound on requests in flight; 0 for the data plane's own.
    pub max_connections: u32,
    /// When the platform last changed it, in Unix nanoseconds.
    pub updated_at_ns: i64,
    /// How long a registration counts, in seconds.
    pub stale_threshold_seconds: i64,
    /// It was not heard for its threshold.
    pub silent: bool,
}

/// A thing that is not held, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The route.
    pub key: RouteKey,
    /// The isolation segment.
    pub segment: String,
    /// Which of its things.
    pub kind: ThingKind,
    /// What was wrong, for people.
    pub reason: String,
}

/// Which thing of a route was rejected, with what its digest needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThingKind {
    /// The attributes.
    Route {
        /// The latest change of the attributes.
        revision: u64,
        /// The revision at which the route was born.
        birth: u64,
        /// The digest of the attributes.
        generation: u64,
    },
    /// An endpoint.
    Endpoint {
        /// The address as it was sent, valid or not.
        address: String,
        /// The digest of the compared fields.
        generation: u64,
        /// It was not heard for its threshold.
        silent: bool,
    },
}

/// A rejected thing as an acknowledgement names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RejectedThing<'a> {
    /// The route.
    pub key: &'a RouteKey,
    /// The endpoint's address; empty where the route's attributes are meant.
    pub address: &'a str,
    /// The isolation segment.
    pub segment: &'a str,
    /// What was wrong, for people.
    pub reason: &'a str,
}

/// A thing that is gone by an unregistration or an expiry that was heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Removal {
    /// The route.
    pub key: RouteKey,
    /// The endpoint's address; empty where the route's attributes are meant.
    pub address: String,
    /// The isolation segment that lost it. A thing that meanwhile lives in another one stays.
    pub segment: String,
}

/// A part of a closing step.
#[derive(Clone, Debug, Default)]
pub struct Closing {
    /// What is gone.
    pub removals: Vec<Removal>,
    /// Another part follows, perhaps after more things; only the last is applied. A thing that is
    /// sent again after a part that names it is not gone.
    pub continues: bool,
    /// What is in the table once this is applied.
    pub revision: u64,
    /// Everything was sent since the start of a snapshot.
    pub complete: bool,
    /// What the data plane should hold now.
    pub expected: View,
}
