//! A data plane's proxy in this process, with a table that the test fills and settings that it
//! changes.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pointsman_data_plane::failing::{self, Ejected, Failures};
use pointsman_data_plane::table::{Publisher, publication};
use pointsman_data_plane::{
    AccessLog, Inherited, Listen, Proxy, Servable, Settings, Sink, Sockets, Surroundings, Totals,
    Traffic, UpstreamTls,
};
use pointsman_process::shutdown::Stages;
use pointsman_process::tls::{self, Dates, Source, Trust};
use pointsman_route_key::RouteKey;
use pointsman_routing::{
    Address, Attributes, Closing, EndpointThing, Protocol, Removal, RouteThing, Thing, Time,
    Writer as TableWriter,
};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use pointsman_tests::certs::Identity;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::{Authority, Endpoint, RawConnection, eventually};

/// How long a test waits for a state.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// The app of every endpoint.
pub(crate) const APP: &str = "11111111-2222-3333-4444-555555555555";

/// What a data plane will be.
pub(crate) struct Setup {
    table: TableWriter,
    settings: Settings,
    sockets: Sockets,
    servable: bool,
    log: Log,
}

/// A running data plane; it ends when the value is dropped.
pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    /// Where it speaks TLS, if it does.
    pub(crate) tls_address: Option<SocketAddr>,
    pub(crate) stages: Stages,
    traffic: Traffic,
    log: Log,
    table: TableWriter,
    publisher: Publisher,
    proxy: Option<Proxy>,
    ejected: Ejected,
    /// The last revision that a closing step said.
    revision: u64,
    failures: Failures,
}

/// An access log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Setup {
    /// One worker, an access log in memory, no route.
    pub(crate) fn new() -> Self {
        pointsman_tests::install_crypto_provider();
        let log = Log::default();
        let settings = Settings {
            workers: NonZeroUsize::new(1),
            access_log: Some(AccessLog {
                sink: Sink::Writer(Box::new(log.clone())),
                hide_source_ip: false,
                hide_forwarded_for: false,
                extra_fields: Vec::new(),
            }),
            ..Settings::default()
        };
        let mut table = TableWriter::new(7);
        table.begin(1);
        Self {
            table,
            settings,
            sockets: Sockets::default(),
            servable: true,
            log,
        }
    }

    /// Begins without a table that may be served.
    pub(crate) fn unfilled(mut self) -> Self {
        self.servable = false;
        self
    }

    /// Shows these fields of requests in the access log.
    pub(crate) fn logs(self, fields: &[String]) -> Self {
        self.with(|settings| {
            if let Some(log) = &mut settings.access_log {
                log.extra_fields = fields.to_vec();
            }
        })
    }

    /// Says in this way whether there is a table that may be served.
    pub(crate) fn start_asking(self, servable: impl Fn() -> bool + Send + Sync + 'static) -> Plane {
        self.start_with(Servable::new(servable))
    }

    /// Begins with this listener, and the workers with none of their own.
    pub(crate) fn inherit(mut self, listener: std::net::TcpListener) -> Self {
        self.sockets.inherited = Inherited::new([listener]).expect("a bound socket");
        self
    }

    /// Changes the settings.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Changes what the control plane says about all routes.
    pub(crate) fn session(mut self, settings: pointsman_routing::Settings) -> Self {
        self.table.set_settings(settings);
        self
    }

    /// A route that asks for this, before its endpoints are added.
    pub(crate) fn attributes(mut self, uri: &str, attributes: Attributes) -> Self {
        let route = RouteThing {
            attributes,
            ..route_thing(uri)
        };
        self.table.upsert(Thing::Route(route));
        self
    }

    /// A route without endpoints, or before they are added.
    pub(crate) fn route(mut self, uri: &str) -> Self {
        add_route(&mut self.table, uri);
        self
    }

    /// An endpoint in clear text.
    pub(crate) fn endpoint(self, uri: &str, endpoint: &Endpoint) -> Self {
        self.thing(uri, endpoint.address(), |_| {})
    }

    /// An endpoint over TLS, registered under this name.
    pub(crate) fn tls(self, uri: &str, endpoint: &Endpoint, name: &str) -> Self {
        self.thing(uri, endpoint.address(), |thing| {
            thing.tls = Some(name.to_owned());
        })
    }

    /// Whose certificates endpoints have to show, and what is shown to them.
    pub(crate) fn trust(mut self, authority: &Authority, identity: Option<&Identity>) -> Self {
        let pem = |text: &str| Source::inline("test", text);
        let trust = Trust::load(vec![pem(authority.pem())]).expect("an authority");
        let identity = identity.map(|identity| {
            tls::Identity::load(
                pem(&identity.certificate),
                pem(&identity.key),
                Dates::Enforced,
            )
            .expect("an identity")
        });
        self.settings.upstream.tls = Some(UpstreamTls { trust, identity });
        self
    }

    /// An endpoint as the test makes it.
    pub(crate) fn thing(
        mut self,
        uri: &str,
        address: SocketAddr,
        change: impl FnOnce(&mut EndpointThing),
    ) -> Self {
        add_route(&mut self.table, uri);
        add_endpoint(&mut self.table, uri, &address.to_string(), change);
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Plane {
        let servable = self.servable;
        self.start_with(Servable::new(move || servable))
    }

    fn start_with(mut self, servable: Servable) -> Plane {
        let (publisher, table) = publication();
        publisher.publish(self.table.publish());
        let (failures, kept) = failing::channel();
        let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
        let localhost = self
            .sockets
            .inherited
            .addresses()
            .next()
            .unwrap_or(localhost);
        let ejected = failures.ejected();
        let stages = Stages::new();
        let surroundings = Surroundings {
            table,
            failures,
            stages: stages.clone(),
            sockets: self.sockets,
            servable,
            switches: Arc::default(),
        };
        let mut listen = vec![Listen::plain(localhost)];
        if self.settings.front_tls.is_some() {
            listen.push(Listen::tls(SocketAddr::from(([127, 0, 0, 1], 0))));
        }
        let proxy = pointsman_data_plane::start(&listen, self.settings, surroundings);
        let proxy = proxy.expect("a data plane");
        Plane {
            address: proxy.addresses()[0],
            tls_address: proxy.addresses().get(1).copied(),
            stages,
            traffic: proxy.traffic().clone(),
            log: self.log,
            table: self.table,
            publisher,
            proxy: Some(proxy),
            ejected,
            revision: 1,
            failures: kept,
        }
    }
}

fn add_route(table: &mut TableWriter, uri: &str) {
    table.upsert(Thing::Route(route_thing(uri)));
}

fn route_thing(uri: &str) -> RouteThing {
    let (host, path) = uri.split_at(uri.find('/').unwrap_or(uri.len()));
    RouteThing {
        key: RouteKey::from_uri(uri).expect("a route"),
        segment: String::new(),
        revision: 1,
        birth: 1,
        generation: 1,
        host_as_registered: host.to_owned(),
        path_as_registered: if path.is_empty() { "/" } else { path }.to_owned(),
        attributes: Attributes::default(),
    }
}

fn add_endpoint(
    table: &mut TableWriter,
    uri: &str,
    address: &str,
    change: impl FnOnce(&mut EndpointThing),
) {
    let mut thing = EndpointThing {
        key: RouteKey::from_uri(uri).expect("a route"),
        address: Address::parse(address).expect("an address"),
        segment: String::new(),
        group: String::new(),
        generation: 1,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: None,
        app_id: APP.to_owned(),
        instance_id: format!("instance-{address}"),
        instance_index: "0".to_owned(),
        tags: None,
        availability_zone: String::new(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 0,
        stale_threshold_seconds: 120,
        silent: false,
    };
    change(&mut thing);
    table.upsert(Thing::Endpoint(Box::new(thing)));
}

impl Plane {
    /// A data plane in front of one endpoint that serves `app.test`.
    pub(crate) fn before(endpoint: &Endpoint) -> Self {
        Setup::new().endpoint("app.test", endpoint).start()
    }

    /// A connection to it.
    pub(crate) async fn connect(&self) -> RawConnection {
        RawConnection::connect(self.address).await
    }

    /// Sends these bytes on a connection of their own, and reads one answer.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> RawAnswer {
        let mut client = self.connect().await;
        client.write(request.as_ref()).await;
        client.read_answer().await
    }

    /// `GET path` at `app.test` on a connection of its own.
    pub(crate) async fn get(&self, path: &str) -> RawAnswer {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: app.test\r\n\r\n"))
            .await
    }

    /// What it has counted so far. A client may have its answer before that is counted.
    pub(crate) fn totals(&self) -> Totals {
        self.traffic.totals()
    }

    /// What it has counted once no request is in work any more.
    pub(crate) async fn settled(&self) -> Totals {
        eventually("no request is in work", BOUND, async || {
            match self.totals() {
                totals if totals.requests_in_flight == 0 => Ok(totals),
                totals => Err(format!("{totals:?}")),
            }
        })
        .await
    }

    /// How many client connections each worker has.
    pub(crate) fn connections_by_worker(&self) -> Vec<u64> {
        self.traffic.connections_by_worker()
    }

    /// What was told of failed endpoints until one was for this reason: addresses and reasons.
    pub(crate) async fn told(&mut self, reason: &str) -> Vec<(String, &'static str)> {
        let mut told = Vec::new();
        let all = async {
            loop {
                let failed = self.failures.next().await;
                told.push((failed.endpoint.address().to_string(), failed.reason));
                if failed.reason == reason {
                    return;
                }
            }
        };
        let timely = tokio::time::timeout(BOUND, all).await;
        timely.unwrap_or_else(|_| panic!("{reason} is not told"));
        told
    }

    /// All metrics as Prometheus reads them.
    pub(crate) fn exposed(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.traffic.clone()));
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        text
    }

    /// The value of a metric as Prometheus reads it, by its name with its labels.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.exposed();
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.strip_prefix(' ')?.parse().ok()
    }

    /// The addresses that are out as outliers.
    pub(crate) fn ejected(&self) -> Vec<String> {
        let ejected = self.ejected.list().into_iter();
        ejected
            .map(|one| one.ejection.endpoint.address().to_string())
            .collect()
    }

    /// Waits until the counts are so.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Totals) -> bool) {
        eventually(what, BOUND, async || {
            let totals = self.totals();
            if condition(&totals) {
                Ok(())
            } else {
                Err(format!("{totals:?}"))
            }
        })
        .await;
    }

    /// Adds an endpoint while it runs, and publishes.
    pub(crate) fn add(&mut self, uri: &str, endpoint: &Endpoint) {
        self.add_at(uri, endpoint.address(), |_| {});
    }

    /// The same for one as the test makes it, known or not.
    pub(crate) fn add_at(
        &mut self,
        uri: &str,
        address: SocketAddr,
        change: impl FnOnce(&mut EndpointThing),
    ) {
        add_route(&mut self.table, uri);
        add_endpoint(&mut self.table, uri, &address.to_string(), change);
        self.publisher.publish(self.table.publish());
    }

    /// Takes an endpoint out while it runs, and publishes.
    pub(crate) fn remove(&mut self, uri: &str, endpoint: &Endpoint) {
        self.remove_at(uri, endpoint.address());
    }

    /// The same by address.
    pub(crate) fn remove_at(&mut self, uri: &str, address: SocketAddr) {
        self.revision += 1;
        let step = Closing {
            removals: vec![Removal {
                key: RouteKey::from_uri(uri).expect("a route"),
                address: address.to_string(),
                segment: String::new(),
            }],
            revision: self.revision,
            ..Closing::default()
        };
        // What the test's control plane holds is not compared with it.
        let _closed = self.table.close(step, Time::since_origin(Duration::ZERO));
        self.publisher.publish(self.table.publish());
    }

    /// The first line of the access log that contains `mark`, once it is there.
    pub(crate) async fn line(&self, mark: &str) -> String {
        eventually("a line in the access log", BOUND, async || {
            let text = String::from_utf8_lossy(&self.log.0.lock()).into_owned();
            let found = text
                .lines()
                .find(|line| line.contains(mark))
                .map(str::to_owned);
            found.ok_or(text)
        })
        .await
    }

    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.log.0.lock()).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) {
        let mut proxy = self.proxy.take().expect("it ends once");
        let ended = tokio::time::timeout(BOUND, async {
            proxy.ended().await.expect("it ends well");
            proxy.finish().await;
        });
        ended.await.expect("it ends within the bound");
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.stages.end();
    }
}

/// A request head for `app.test` with these field lines.
pub(crate) fn head(line: &str, fields: &[&str]) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nHost: app.test\r\n");
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head + "\r\n"
}
