//! Routes that come and go while the load runs, as publishers make them.

mod publishing;

use std::net::SocketAddr;
use std::sync::Arc;

use fastrand::Rng;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Instance, Moment};

pub(crate) use publishing::Publishing;

/// The name in every instance's certificate.
pub(crate) const SAN: &str = "instance";

/// An endpoint of a route.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Which instance it is.
    pub(crate) instance: usize,
    /// The instance's own port.
    pub(crate) port: u16,
    /// What is published for it.
    pub(crate) message: Emitted,
}

/// How far a route has come in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Age {
    /// Registered, and not yet seen at every data plane.
    Born,
    /// Answered by every data plane: from here on it is asked for, and any loss counts.
    Live,
    /// One endpoint less, and asked for all the same.
    Trimmed,
    /// Registered, and not asked for any more.
    Unasked,
}

/// A route that comes and goes.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) host: Arc<str>,
    pub(crate) age: Age,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// An endpoint that must not get a request of this host any more from some moment on.
#[derive(Clone, Debug)]
pub(crate) struct Removed {
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    pub(crate) unregistered: Moment,
    /// Until when it must have got one at least; `None` where it may be gone at once.
    pub(crate) until: Option<Moment>,
    /// From when on; `None` until the fault is over during which it was unregistered.
    pub(crate) since: Option<Moment>,
}

/// Where instances can be registered: their own addresses, or those of relays in front of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// By instance: what is published, and the port behind it.
    pub(crate) plain: Vec<Vec<(SocketAddr, u16)>>,
    pub(crate) tls: Vec<Vec<(SocketAddr, u16)>>,
}

impl Places {
    /// The addresses of the instances themselves.
    pub(crate) fn of(instances: &[Instance]) -> Self {
        let own = |addresses: &[SocketAddr]| {
            let own = addresses.iter().map(|&address| (address, address.port()));
            own.collect::<Vec<_>>()
        };
        Self {
            plain: instances
                .iter()
                .map(|instance| own(&instance.addresses().plain))
                .collect(),
            tls: instances
                .iter()
                .map(|instance| own(&instance.addresses().tls))
                .collect(),
        }
    }

    /// A route with an endpoint at each instance, on one of its ports.
    pub(crate) fn route(&self, host: &str, tls: bool, random: &mut Rng) -> Route {
        let places = if tls { &self.tls } else { &self.plain };
        let endpoints = places.iter().enumerate().map(|(instance, ports)| {
            let (address, port) = ports[random.usize(..ports.len())];
            let index = u32::try_from(instance).unwrap_or_default();
            Endpoint {
                instance,
                port,
                message: if tls {
                    Emitted::tls(host, address, index, SAN)
                } else {
                    Emitted::plain(host, address, index)
                },
            }
        });
        Route {
            host: host.into(),
            age: Age::Born,
            endpoints: endpoints.collect(),
        }
    }
}

impl Route {
    /// Whether the clients ask for it.
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self.age, Age::Live | Age::Trimmed)
    }

    /// Whether age alone may remove its endpoints.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoints
            .iter()
            .all(|endpoint| endpoint.message.tls_port.is_none())
    }
}
