//! What is kept of each route, of each endpoint, and of each segment.

use std::sync::Arc;

use pointsman_route_key::{Host, Path, RouteKey};

use crate::capability::Capabilities;
use crate::description::Description;
use crate::options::Options;
use crate::outcome::Sum;
use crate::tag::ModificationTag;
use crate::thing::AsRegistered;
use crate::time::Time;

use super::few::Few;
use super::index::Index;
use super::staged::Share;

pub(super) type RouteId = u32;
pub(super) type EndpointId = u32;
pub(super) type MessageId = u32;
pub(super) type SegmentId = u16;

/// A route in all segments that hold it.
#[derive(Debug)]
pub(super) struct RouteRecord {
    pub(super) key: Arc<RouteKey>,
    /// The revision at which it was born.
    pub(super) birth: u64,
    /// `None` where host and path are as the key spells them.
    pub(super) registered: Option<Arc<AsRegistered>>,
    /// One for each segment that holds it. Never empty.
    pub(super) presences: Few<Presence>,
    /// In the order of their addresses.
    pub(super) endpoints: Few<EndpointId>,
}

/// A route as one segment holds it.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) segment: SegmentId,
    /// The latest change of its attributes; 0 while they stand in no index.
    pub(super) revision: u64,
    /// Since which revision it needs what it needs.
    pub(super) needs_since: u64,
    pub(super) generation: u64,
    /// The digest of the whole thing, as it is part of the sum of the segment.
    pub(super) digest: u64,
    pub(super) needs: Capabilities,
    /// How many endpoints it has in this segment.
    pub(super) endpoints: u32,
    /// `None` where everything is the default.
    pub(super) options: Option<Arc<Options>>,
    /// The endpoint that decided about the options.
    pub(super) decider: Option<EndpointId>,
    /// Why it is there without endpoints. Behind a pointer: few routes are.
    pub(super) stays: Option<Box<Stays>>,
}

/// Why a route stays that has no endpoints.
#[derive(Debug)]
pub(super) enum Stays {
    /// It had some, and goes at this time on the clock of this source.
    Until(u8, Time),
    /// A source declares it, with or without endpoints.
    Declared(Declared),
}

/// What a source declares.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) source: u8,
    pub(super) options: Arc<Options>,
    /// It is withdrawn, and only stays for the endpoints of its source that still do.
    pub(super) withdrawn: bool,
}

impl Presence {
    /// What it adds to the sum of its segment.
    pub(super) fn share(&self) -> Share {
        Share {
            segment: self.segment,
            needs: self.needs,
            digest: self.digest,
        }
    }

    pub(super) fn declared(&self) -> Option<&Declared> {
        match self.stays.as_deref()? {
            Stays::Declared(declared) => Some(declared),
            Stays::Until(..) => None,
        }
    }
}

/// One endpoint of one route.
#[derive(Debug)]
pub(super) struct EndpointRecord {
    pub(super) route: RouteId,
    /// The last message that carried it and is still as it was applied; it knows when the endpoint was heard.
    pub(super) message: Option<MessageId>,
    pub(super) segment: SegmentId,
    pub(super) source: u8,
    pub(super) address: Arc<str>,
    pub(super) description: Arc<Description>,
    pub(super) tag: Option<Box<ModificationTag>>,
    pub(super) stale_threshold_seconds: i64,
    /// The latest change; 0 while it stands in no index.
    pub(super) revision: u64,
    pub(super) generation: u64,
    /// The digest of the whole thing, as it is part of the sum of the segment.
    pub(super) digest: u64,
    /// What it needs, with what its route needs, as it is part of that sum.
    pub(super) needs: Capabilities,
    /// When it was heard, on the clock of its source; the message may know of a later time.
    pub(super) heard: Time,
    /// The place of its entry among what is due; [`Time::NEVER`] for none.
    pub(super) due: Time,
    /// Since when it is silent; [`Time::NEVER`] where it is not.
    pub(super) silent_since: Time,
}

impl EndpointRecord {
    /// What it adds to the sum of its segment.
    pub(super) fn share(&self) -> Share {
        Share {
            segment: self.segment,
            needs: self.needs,
            digest: self.digest,
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent_since != Time::NEVER
    }
}

/// What a route needs for its key alone.
pub(super) fn needs_of_key(key: &RouteKey) -> Capabilities {
    let host = match key.host {
        Host::Any => Capabilities::ANY_HOST,
        Host::Exact(_) | Host::Suffix(_) => Capabilities::NONE,
    };
    let path = match key.path {
        Path::Prefix(_) => Capabilities::NONE,
        Path::Exact(_) => Capabilities::EXACT_PATH,
        Path::Template(_) => Capabilities::PATH_TEMPLATE,
    };
    host | path
}

/// What stands at a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The attributes of a route in this segment.
    Route(RouteId),
    /// An endpoint in this segment.
    Endpoint(EndpointId),
    /// A removal from this segment; which one is known by its revision.
    Removal,
}

/// One isolation segment: its things and removals in the order of their latest change, and what its things add up to.
#[derive(Debug)]
pub(crate) struct SegmentRecord {
    pub(crate) name: Arc<str>,
    pub(crate) index: Index,
    /// One sum for each set of needs that occurs. There are few of them.
    pub(super) sums: Vec<(Capabilities, Sum)>,
}

impl SegmentRecord {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            index: Index::default(),
            sums: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, needs: Capabilities, digest: u64) {
        if let Some((_, sum)) = self.sums.iter_mut().find(|(other, _)| *other == needs) {
            sum.add(digest);
        } else {
            let mut sum = Sum::default();
            sum.add(digest);
            self.sums.push((needs, sum));
        }
    }

    pub(super) fn subtract(&mut self, needs: Capabilities, digest: u64) {
        if let Some(at) = self.sums.iter().position(|(other, _)| *other == needs) {
            self.sums[at].1.subtract(digest);
            if self.sums[at].1.things == 0 {
                self.sums.swap_remove(at);
            }
        }
    }

    /// How many things there are, by what they need.
    pub(crate) fn needs(&self) -> impl Iterator<Item = (Capabilities, u64)> {
        self.sums.iter().map(|(needs, sum)| (*needs, sum.things))
    }

    /// What a reader of these capabilities gets of the segment, and what it does not.
    pub(crate) fn sums(&self, capabilities: Capabilities) -> (Sum, Sum) {
        self.sums.iter().fold(
            Default::default(),
            |(granted, withheld): (Sum, Sum), (needs, sum)| {
                if capabilities.cover(*needs) {
                    (granted.plus(*sum), withheld)
                } else {
                    (granted, withheld.plus(*sum))
                }
            },
        )
    }
}
