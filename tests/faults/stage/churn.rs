//! Registrations and unregistrations.

use std::sync::Arc;

use hyper::StatusCode;
use pointsman_tests::{Client, Moment};

use super::{CONVERGENCE, RECOVERY, Stage, THRESHOLD};
use crate::fault;
use crate::routes::{Age, Endpoint, Removed, Route};

impl Stage {
    /// Every route that comes and goes gets one step older, and a plain one and one with TLS are born.
    ///
    /// While nothing is broken (`calm`), what is registered is waited for, and what is unregistered has to be gone within
    /// the bound of convergence. During a fault nobody waits, as no publisher does.
    pub(super) async fn change(&mut self, calm: bool) {
        self.give_birth().await;
        let mut kept = Vec::new();
        for mut route in std::mem::take(&mut self.changing) {
            let stays = match route.age {
                Age::Born if calm => {
                    let took = self.answered(&route.host, StatusCode::OK, RECOVERY).await;
                    let took = took.as_millis();
                    self.timeline
                        .mark(format!("{} is answered, after {took} ms", route.host));
                    route.age = Age::Live;
                    true
                }
                Age::Born => true,
                Age::Live => {
                    self.trim(&mut route, calm).await;
                    true
                }
                Age::Trimmed if self.is_awaited(&route) => true,
                Age::Trimmed => {
                    route.age = Age::Unasked;
                    true
                }
                Age::Unasked => !self.bury(&route, calm).await,
            };
            if stays {
                kept.push(route);
            }
        }
        self.changing = kept;
        self.ask();
    }

    /// Registers one more plain route, and one more with TLS.
    pub(super) async fn give_birth(&mut self) {
        for tls in [false, true] {
            self.born += 1;
            let kind = if tls { "tls" } else { "plain" };
            let host = format!("{kind}-{}.example.com", self.born);
            let route = self.places.route(&host, tls, &mut self.random);
            self.timeline.mark(format!("registers {host}"));
            for endpoint in &route.endpoints {
                self.publishing.register(endpoint).await;
            }
            self.changing.push(route);
        }
    }

    /// Lets the publisher of one plain endpoint die: it has to be gone after two thresholds, and to be there for half a
    /// one, as its last registration is younger than that. Its route is asked for meanwhile.
    pub(crate) async fn forget_one(&mut self) {
        let route = self
            .changing
            .iter_mut()
            .find(|route| route.age == Age::Live && route.is_plain());
        let route = route.expect("a plain route was born before the fault");
        let endpoint = route.endpoints.swap_remove(0);
        route.age = Age::Trimmed;
        let forgotten = self.publishing.forget(&endpoint).await;
        self.timeline.mark(format!(
            "nobody speaks for {} at port {}",
            route.host, endpoint.port
        ));
        self.removed.push(Removed {
            host: Arc::clone(&route.host),
            port: endpoint.port,
            unregistered: forgotten,
            until: Some(forgotten.after(THRESHOLD / 2)),
            since: Some(forgotten.after(THRESHOLD * 2)),
        });
    }

    /// Takes back every registration of an instance, and waits until it gets nothing more: nothing among so many requests
    /// that half of them would have been its own.
    pub(crate) async fn unregister_instance(&mut self, instance: usize) {
        self.timeline
            .mark(format!("instance {instance} unregisters everything"));
        for endpoint in self.endpoints_at(instance) {
            self.publishing.unregister(&endpoint).await;
        }
        let mut windows = 0;
        loop {
            let before = self.instances[instance].record().length();
            self.load.ended(50).await;
            if self.instances[instance].record().length() == before {
                break;
            }
            windows += 1;
            assert!(windows < 100, "it still gets requests:\n{}", self.timeline);
        }
        self.timeline
            .mark(format!("instance {instance} gets nothing more"));
    }

    /// Registers again what [`unregister_instance`](Self::unregister_instance) took back.
    pub(crate) async fn register_instance(&mut self, instance: usize) {
        for endpoint in self.endpoints_at(instance) {
            self.publishing.register(&endpoint).await;
        }
    }

    fn endpoints_at(&self, instance: usize) -> Vec<Endpoint> {
        let routes = self.stable.iter().chain(&self.changing);
        let endpoints = routes.flat_map(|route| &route.endpoints);
        let at = endpoints.filter(|endpoint| endpoint.instance == instance);
        at.cloned().collect()
    }

    /// Takes one endpoint from a route: that of the instance that the fault is about, or any.
    async fn trim(&mut self, route: &mut Route, calm: bool) {
        let at = match self.setup.victim {
            Some(victim) => route
                .endpoints
                .iter()
                .position(|endpoint| endpoint.instance == victim),
            None => Some(self.random.usize(..route.endpoints.len())),
        };
        if let Some(at) = at {
            let endpoint = route.endpoints.swap_remove(at);
            let unregistered = self.publishing.unregister(&endpoint).await;
            self.remove(route, endpoint.port, unregistered, calm);
        }
        route.age = Age::Trimmed;
    }

    /// Whether it is asked for still, because it is not clear yet that the endpoint it lost is gone.
    fn is_awaited(&self, route: &Route) -> bool {
        let now = Moment::now();
        let mut removed = self.removed.iter().rev();
        let last = removed.find(|removed| removed.host == route.host);
        last.is_some_and(|removed| {
            let is_clear = removed
                .since
                .is_some_and(|since| now >= since.after(CONVERGENCE));
            !is_clear && (removed.until.is_some() || !fault::is_short())
        })
    }

    /// Unregisters what is left of a route, once nobody asks for it; true when that was done.
    async fn bury(&mut self, route: &Route, calm: bool) -> bool {
        if !self.load.is_quiet(&route.host) {
            return false;
        }
        for endpoint in &route.endpoints {
            let unregistered = self.publishing.unregister(endpoint).await;
            self.remove(route, endpoint.port, unregistered, calm);
        }
        if route.is_plain() {
            self.buried.push(Arc::clone(&route.host));
        }
        true
    }

    /// Looks whether the routes are gone that have to be.
    pub(super) async fn visit_the_buried(&mut self) {
        let now = Moment::now();
        let mut waiting = Vec::new();
        for host in std::mem::take(&mut self.buried) {
            let mut removed = self.removed.iter().filter(|removed| removed.host == host);
            if removed.all(|removed| removed.since.is_some_and(|since| since < now)) {
                self.is_gone(&host).await;
            } else {
                waiting.push(host);
            }
        }
        self.buried = waiting;
    }

    /// Looks once, however long the machine takes for it: the route has to be gone already.
    async fn is_gone(&self, host: &str) {
        for (data_plane, healthy) in self.data_planes.iter().zip(&self.healthy) {
            if *healthy {
                let mut client = Client::connect(data_plane.address("http")).await;
                let answer = client.get(host, "/probe").await;
                let status = answer.map(|answer| answer.status);
                assert!(
                    matches!(status, Ok(StatusCode::NOT_FOUND)),
                    "{host} has to be gone, and is answered {status:?} ({}, {:?});\n{}",
                    self.setup.name,
                    self.round,
                    self.timeline
                );
            }
        }
    }

    fn remove(&mut self, route: &Route, port: u16, unregistered: Moment, calm: bool) {
        self.timeline
            .mark(format!("unregisters {} at port {port}", route.host));
        // A silent endpoint with TLS proves itself at each connection, and stays.
        if calm || route.is_plain() {
            self.removed.push(Removed {
                host: Arc::clone(&route.host),
                port,
                unregistered,
                until: None,
                since: calm.then(|| unregistered.after(CONVERGENCE)),
            });
        }
    }
}
