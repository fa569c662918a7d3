//! What the tests of this crate share: short ways to say what happens to a registry.

use std::sync::Arc;
use std::time::Duration;

use crate::{
    Description, Expired, Fields, Fingerprint, Put, Registered, Registration, Registry,
    RouteListing, Settings, SourceId, Time, Unregistered, Uri, WhileAway,
};

/// A registry with one source that is there, and a clock.
pub(crate) struct Scene {
    pub(crate) registry: Registry,
    pub(crate) source: SourceId,
    pub(crate) now: Time,
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One message in the making.
#[derive(Clone)]
pub(crate) struct Message(pub(crate) Registration);

/// A message about an endpoint that says nothing but its protocol.
pub(crate) fn message(address: &str, uris: &[&str]) -> Message {
    let description = Fields {
        protocol: "http1",
        ..Fields::default()
    };
    Message(Registration {
        uris: uris
            .iter()
            .map(|uri| Uri::parse(uri).expect("a route"))
            .collect(),
        address: address.into(),
        segment: "".into(),
        description: Arc::new(Description::new(description).expect("short words")),
        stale_threshold_seconds: 0,
        tag: crate::ModificationTag::default(),
        fingerprint: None,
    })
}

impl Message {
    pub(crate) fn says(mut self, fields: Fields<'_>) -> Self {
        self.0.description = Arc::new(Description::new(fields).expect("short words"));
        self
    }

    pub(crate) fn tls(self) -> Self {
        self.says(Fields {
            protocol: "http1",
            tls: Some("san"),
            ..Fields::default()
        })
    }

    pub(crate) fn algorithm(self, algorithm: &str) -> Self {
        self.says(Fields {
            algorithm,
            ..Fields::default()
        })
    }

    pub(crate) fn route_service(self, route_service_url: &str) -> Self {
        self.says(Fields {
            route_service_url,
            ..Fields::default()
        })
    }

    pub(crate) fn segment(mut self, segment: &str) -> Self {
        self.0.segment = segment.into();
        self
    }

    pub(crate) fn threshold(mut self, seconds: i64) -> Self {
        self.0.stale_threshold_seconds = seconds;
        self
    }

    pub(crate) fn tag(mut self, guid: &str, index: u32) -> Self {
        self.0.tag = crate::ModificationTag {
            guid: guid.into(),
            index,
        };
        self
    }

    pub(crate) fn fingerprint(mut self, fingerprint: u128) -> Self {
        self.0.fingerprint = Some(Fingerprint(fingerprint));
        self
    }
}

impl Scene {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut registry = Registry::new(settings, 7);
        let source = registry.add_source("nats", WhileAway::Age);
        registry.source_returned(source, Time::ZERO);
        Self {
            registry,
            source,
            now: Time::ZERO.plus(seconds(1)),
        }
    }

    pub(crate) fn register_all(&mut self, message: &Message) -> Vec<Registered> {
        let outcomes = self.registry.register(self.source, &message.0, self.now);
        self.registry.check();
        outcomes
    }

    pub(crate) fn register(&mut self, message: &Message) -> Put {
        self.register_all(message)[0].put
    }

    pub(crate) fn heard(&mut self, message: &Message) -> bool {
        let fingerprint = message.0.fingerprint.expect("a message with a fingerprint");
        self.registry.heard(self.source, fingerprint, self.now)
    }

    pub(crate) fn unregister(&mut self, message: &Message) -> Unregistered {
        let outcome = self.registry.unregister(&message.0, self.now)[0];
        self.registry.check();
        outcome
    }

    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<Expired> {
        self.now = self.now.plus(duration);
        let expiry = self.registry.expire(self.now, 10_000);
        self.registry.check();
        assert!(!expiry.more);
        expiry.expired
    }

    pub(crate) fn route(&self, uri: &str) -> Option<RouteListing> {
        self.registry
            .route(Uri::parse(uri).expect("a route").key(), self.now)
    }

    /// The addresses of a route; `None` where there is no such route.
    pub(crate) fn addresses(&self, uri: &str) -> Option<Vec<String>> {
        let endpoints = self.route(uri)?.endpoints;
        Some(
            endpoints
                .iter()
                .map(|it| it.endpoint.address.to_string())
                .collect(),
        )
    }

    /// All routes, in the order of their names.
    pub(crate) fn routes(&self) -> Vec<String> {
        let (keys, rest) = self
            .registry
            .route_keys(crate::ListingCursor::default(), usize::MAX);
        assert_eq!(rest, None);
        let mut keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        keys.sort();
        keys
    }
}
