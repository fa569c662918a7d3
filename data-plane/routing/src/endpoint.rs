//! One address that serves one route.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pointsman_route_key::{RouteKey, digest};

use crate::evidence::{Evidence, EvidenceCell};
use crate::instance::Instance;
use crate::{Address, EndpointState, Settings, Tags, Time};

/// What is spoken to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1; also what an unknown protocol means.
    Http1,
    /// HTTP/2.
    Http2,
}

/// The balancing that one registration asked for, in its own words. What counts is the pool's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegisteredBalancing {
    /// The algorithm's name, even one that is not known.
    pub algorithm: String,
    /// The request header field to hash.
    pub hash_header: String,
    /// The balance factor.
    pub hash_balance: f64,
}

/// One address that serves one route, as last registered. It never changes: an update puts
/// another one in its place, around the same [`EndpointState`].
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) state: Arc<EndpointState>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) generation: u64,
    pub(crate) updated_at_ns: i64,
    pub(crate) stale_threshold_seconds: i64,
    pub(crate) max_connections: u32,
    pub(crate) silent: bool,
    /// What speaks for it. Only the writer changes it.
    pub(crate) evidence: EvidenceCell,
    /// When its identity failed, as [`Time::to_stored`]; 0 for never.
    pub(crate) set_aside_at: AtomicU64,
}

/// What few endpoints have.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Rare {
    pub(crate) group: Box<str>,
    pub(crate) route_service_url: Box<str>,
    /// Where it is not the usual one.
    pub(crate) protocol_text: Option<Box<str>>,
    pub(crate) balancing: Option<RegisteredBalancing>,
}

impl Endpoint {
    /// Counters, marks, and what a connection to it depends on.
    #[must_use]
    pub fn state(&self) -> &EndpointState {
        &self.state
    }

    /// Where to connect.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.state.address()
    }

    /// The name that must stand in its certificate, empty for any; `None` for clear text.
    #[must_use]
    pub fn tls(&self) -> Option<&str> {
        self.state.tls()
    }

    /// What is spoken to it.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.state.protocol()
    }

    /// The protocol as registered.
    #[must_use]
    pub fn protocol_text(&self) -> &str {
        let registered = self
            .rare
            .as_ref()
            .and_then(|rare| rare.protocol_text.as_ref());
        match (registered, self.protocol()) {
            (Some(text), _) => text,
            (None, Protocol::Http1) => "http1",
            (None, Protocol::Http2) => "http2",
        }
    }

    /// The app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        self.instance.app_id()
    }

    /// The instance.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        self.instance.instance_id()
    }

    /// The index of the instance.
    #[must_use]
    pub fn instance_index(&self) -> &str {
        self.instance.instance_index()
    }

    /// The app, the instance and its index, in one go.
    #[must_use]
    #[inline]
    pub fn names(&self) -> [&str; 3] {
        self.instance.names()
    }

    /// The availability zone.
    #[must_use]
    pub fn availability_zone(&self) -> &str {
        self.instance.availability_zone()
    }

    /// The isolation segment; empty for the shared one.
    #[must_use]
    pub fn segment(&self) -> &str {
        self.instance.segment()
    }

    /// The group of its route; empty for the only group of a route from NATS.
    #[must_use]
    pub fn group(&self) -> &str {
        self.rare.as_ref().map_or("", |rare| &*rare.group)
    }

    /// The tags; `None` where none were registered, not even an empty map.
    #[must_use]
    pub fn tags(&self) -> Option<Tags<'_>> {
        self.instance.tags()
    }

    /// The endpoint's own route service, as registered; what counts is the pool's.
    #[must_use]
    pub fn route_service_url(&self) -> &str {
        self.rare
            .as_ref()
            .map_or("", |rare| &*rare.route_service_url)
    }

    /// The endpoint's own balancing, as registered; what counts is the pool's.
    #[must_use]
    pub fn registered_balancing(&self) -> Option<&RegisteredBalancing> {
        self.rare.as_ref()?.balancing.as_ref()
    }

    /// The digest of its compared fields, the same on every control plane.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Its digest as a thing of its route.
    pub(crate) fn digest(&self, key: &RouteKey) -> u64 {
        let address = self.address().as_str();
        digest::of_endpoint(self.segment(), key, address, self.generation, self.silent)
    }

    /// When the platform last changed it, in Unix nanoseconds; 0 where that is not known.
    #[must_use]
    pub const fn updated_at_ns(&self) -> i64 {
        self.updated_at_ns
    }

    /// How long a registration of it counts, in seconds.
    #[must_use]
    pub const fn stale_threshold_seconds(&self) -> i64 {
        self.stale_threshold_seconds
    }

    /// Its own bound on requests in flight; 0 for the data plane's.
    #[must_use]
    pub const fn max_connections(&self) -> u32 {
        self.max_connections
    }

    /// Whether it was not heard for its threshold and is kept because TLS proves who it is: it is
    /// chosen last.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether it is kept though no control plane says that it is there: it is chosen after all
    /// that are known to be there, and dropped at its first failure.
    #[must_use]
    pub fn is_orphan(&self) -> bool {
        self.evidence.is_orphan()
    }

    /// Until when it is kept as an orphan; nothing where it is none.
    #[must_use]
    pub fn orphan_until(&self) -> Option<Time> {
        match self.evidence.get() {
            Evidence::Doubted(doubt) => doubt.until,
            Evidence::Sent(_) => None,
        }
    }

    /// Notes a failure that does not put its identity in doubt; see [`EndpointState::mark_failed`].
    pub fn mark_failed(&self, now: Time) {
        self.state.mark_failed(now);
    }

    /// Takes the endpoint out of the choice because its TLS identity could not be verified, or
    /// because its address does not answer as that identity any more.
    ///
    /// It is readmitted after one registration interval unless it is silent, and by any update of
    /// its registration that is a change.
    pub fn set_aside(&self, now: Time) {
        self.set_aside_at.store(now.to_stored(), Ordering::Relaxed);
    }

    /// Takes over that an earlier registration of the same endpoint was set aside.
    pub(crate) fn inherit_set_aside(&mut self, earlier: &Self) {
        *self.set_aside_at.get_mut() = earlier.set_aside_at.load(Ordering::Relaxed);
    }

    /// Whether it is out of the choice.
    #[must_use]
    pub fn is_set_aside(&self, now: Time, settings: &Settings) -> bool {
        Time::from_stored(self.set_aside_at.load(Ordering::Relaxed))
            .is_some_and(|since| self.silent || now.since(since) < settings.registration_interval)
    }
}
