//! Publishers, as far as the outside sees them: who serves which route now.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pointsman_proto::v1::{self, route_key};
use pointsman_registry::{Description, Fields, ModificationTag, Registration, Time, Uri};
use pointsman_route_key::{Host, Path, RouteKey};

use crate::draw::Draw;

/// The routes; one is below another, one is a wildcard.
pub(crate) const URIS: [&str; 5] = ["a.com", "a.com/x", "*.b.com", "Foo.example/Up", "c.com"];

/// Addresses; the last two are reached over TLS, and never go stale.
pub(crate) const ADDRESSES: usize = 7;

pub(crate) const SEGMENTS: [&str; 3] = ["", "east", "west"];

/// How often publishers repeat themselves.
pub(crate) const INTERVAL: Duration = Duration::from_secs(20);

/// How long a registration counts.
pub(crate) const THRESHOLD: Duration = Duration::from_secs(120);

pub(crate) fn address(number: usize) -> String {
    format!("10.0.0.{number}:8080")
}

pub(crate) const fn is_tls(address: usize) -> bool {
    address >= ADDRESSES - 2
}

/// The key of a route by its number.
pub(crate) fn key(uri: usize) -> &'static RouteKey {
    static KEYS: OnceLock<Vec<RouteKey>> = OnceLock::new();
    let keys = || {
        URIS.map(|uri| RouteKey::from_uri(uri).expect("a URI"))
            .into()
    };
    &KEYS.get_or_init(keys)[uri]
}

/// The number of a route by its key, as it travels.
pub(crate) fn uri_of(wanted: &v1::RouteKey) -> usize {
    let host = match wanted.host.as_ref().expect("a host") {
        route_key::Host::ExactHost(host) => Host::Exact(host.as_str().into()),
        route_key::Host::HostSuffix(suffix) => Host::Suffix(suffix.as_str().into()),
        route_key::Host::AnyHost(_) => Host::Any,
    };
    let Some(route_key::Path::PathPrefix(path)) = &wanted.path else {
        panic!("{wanted:?} is no key of a route of this simulation");
    };
    (0..URIS.len())
        .find(|uri| key(*uri).host == host && key(*uri).path == Path::Prefix(path.as_str().into()))
        .expect("a known route")
}

/// The number of an address.
pub(crate) fn number_of(text: &str) -> usize {
    (0..ADDRESSES)
        .find(|number| text.as_bytes().get(7) == Some(&b"0123456789"[*number]))
        .expect("a known address")
}

/// A route by its number, and an address by its number.
pub(crate) type Name = (usize, usize);

/// One endpoint that its publisher keeps alive.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) segment: usize,
    /// Moves with every change.
    pub(crate) change: i64,
    pub(crate) algorithm: &'static str,
    said: Time,
}

/// What somebody says on NATS.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Register(Name, Registered),
    Unregister(Name),
}

/// Everybody who registers something.
#[derive(Debug, Default)]
pub(crate) struct Publishers {
    pub(crate) live: BTreeMap<Name, Registered>,
    /// Endpoints whose publisher died without a word, and when it was last heard.
    pub(crate) dead: BTreeMap<Name, Time>,
    /// The algorithm of each route that asks for one.
    pub(crate) algorithms: BTreeMap<usize, &'static str>,
    changes: i64,
}

impl Publishers {
    /// Something changes.
    ///
    /// Somebody may not hear it: then what leaves is as good as dead to them.
    pub(crate) fn change(&mut self, draw: &mut Draw, now: Time, heard: bool) -> Vec<Message> {
        let name = (draw.of(0..URIS.len()), draw.of(0..ADDRESSES));
        match draw.of(0..10) {
            0..5 => vec![self.register(name, draw.of(0..SEGMENTS.len()), now)],
            5..8 => {
                if self.live.remove(&name).is_none() {
                    return Vec::new();
                }
                if !heard {
                    self.dead.insert(name, now);
                }
                vec![Message::Unregister(name)]
            }
            8 => {
                // A removal of what never was, or is no more.
                if self.live.remove(&name).is_some() {
                    self.dead.insert(name, now);
                    return Vec::new();
                }
                if heard {
                    self.dead.remove(&name);
                }
                vec![Message::Unregister(name)]
            }
            _ => {
                let algorithm = ["", "least-connection", "hash"][draw.of(0..3)];
                self.algorithms.insert(name.0, algorithm);
                let names: Vec<Name> = self
                    .live
                    .keys()
                    .copied()
                    .filter(|(uri, _)| *uri == name.0)
                    .collect();
                let segments: Vec<usize> =
                    names.iter().map(|name| self.live[name].segment).collect();
                let again = names.into_iter().zip(segments);
                again
                    .map(|(name, segment)| self.register(name, segment, now))
                    .collect()
            }
        }
    }

    /// The farewell of these was not heard: they are as good as dead.
    pub(crate) fn forget_unheard(&mut self, names: &[Name], now: Time) {
        let gone = names.iter().filter(|name| !self.live.contains_key(name));
        self.dead.extend(gone.map(|name| (*name, now)));
    }

    /// This endpoint registers, in the shared segment.
    pub(crate) fn put(&mut self, name: Name, now: Time) -> Message {
        self.register(name, 0, now)
    }

    fn register(&mut self, name: Name, segment: usize, now: Time) -> Message {
        self.changes += 1;
        let algorithm = self.algorithms.get(&name.0).copied().unwrap_or_default();
        let registered = Registered {
            segment,
            change: self.changes,
            algorithm,
            said: now,
        };
        self.dead.remove(&name);
        self.live.insert(name, registered.clone());
        Message::Register(name, registered)
    }

    /// Somebody is there, so that a control plane with an empty table is not the last word.
    pub(crate) fn somebody(&mut self, now: Time) -> Option<Message> {
        self.live.is_empty().then(|| self.register((4, 0), 0, now))
    }

    /// Those whose time it is say again what they are.
    pub(crate) fn repeat(&mut self, now: Time) -> Vec<Message> {
        let due = self
            .live
            .iter_mut()
            .filter(|(_, it)| now.since(it.said) >= INTERVAL);
        due.map(|(name, registered)| {
            registered.said = now;
            Message::Register(*name, registered.clone())
        })
        .collect()
    }
}

/// A message as a control plane reads it.
pub(crate) fn registration(name: Name, registered: Option<&Registered>) -> Registration {
    let (uri, number) = name;
    let id = format!("instance-{number}");
    let description = Description::new(Fields {
        protocol: "http1",
        tls: is_tls(number).then_some(&*id),
        app_id: "app",
        instance_id: &id,
        instance_index: "0",
        availability_zone: "z1",
        route_service_url: "",
        algorithm: registered.map_or("", |it| it.algorithm),
        hash_header: "x-key",
        hash_balance: 0.0,
        tags: Some([("process_id", "p"), ("instance_id", &id)].into()),
        updated_at_ns: registered.map_or(0, |it| it.change),
        policy: None,
    });
    Registration {
        uris: vec![Uri::parse(URIS[uri]).expect("a URI")],
        address: address(number).into(),
        segment: SEGMENTS[registered.map_or(0, |it| it.segment)].into(),
        description: Arc::new(description.expect("short fields")),
        stale_threshold_seconds: 0,
        tag: ModificationTag::default(),
        fingerprint: None,
    }
}
