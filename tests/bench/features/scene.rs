//! Routes and data planes that show one feature each.

use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Process, Publisher};
use tempfile::NamedTempFile;
use tokio::net::TcpSocket;

use super::service::Service;

use crate::backend;
use crate::backend::Manners;
use crate::client::{Special, host};
use crate::machine::Cores;
use crate::ours::{DataPlane, Line, serves};
use crate::report::PLAIN;

/// Endpoints of the routes that have several; of one of them the tenth is dead.
const ENDPOINTS: usize = 10;
/// Routes that every data plane serves.
const ROUTES: u32 = 4;
/// The one behind a route service, which only the data plane that signs requests serves.
const SERVED: u32 = 4;
/// The service's own.
const SERVICE: u32 = 5;
/// The fields that hash routes look at and sticky sessions need.
const HASHED: &str = "X-Session: 7d8f6a5e\r\n";
const STICKY: &str = "Cookie: JSESSIONID=d41d8cd98f00b204; __VCAP_ID__=instance-7\r\n";

/// Eight cookies of 8 KiB.
static COOKIES: LazyLock<String> = LazyLock::new(|| {
    let cookie = |at: usize| format!("cookie-{at}={}", "v".repeat(8 * 1024 - 10));
    let cookies: Vec<_> = (0..8).map(cookie).collect();
    format!("Cookie: {}\r\n", cookies.join("; "))
});

/// What a request is measured with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Feature {
    /// Nothing.
    Plain,
    /// A line in the access log.
    AccessLog,
    /// B3 and W3C traces that begin here.
    Traces,
    /// 64 KiB of cookies that mean nothing to the router.
    Cookies,
    /// A session that sticks to one of ten endpoints.
    Sticky,
    /// A key that leads to one of ten endpoints.
    Hashed,
    /// Ten endpoints, all alive.
    Ten,
    /// Ten endpoints, one of which refuses connections.
    OneDead,
    /// A route service that is a route itself, on the loopback address: each request passes the router twice.
    Service,
}

/// A line, and backends behind its routes.
#[derive(Debug)]
pub(crate) struct Scene {
    line: Line,
    service: Service,
    /// The secret that requests are signed with on their way to the service.
    secret: NamedTempFile,
    /// Keeps the port of the dead endpoint from everybody.
    _dead: TcpSocket,
}

/// How a data plane is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Setup {
    /// As it comes.
    Plain,
    /// With an access log.
    Logging,
    /// With both kinds of traces.
    Tracing,
    /// With the secret that route services need.
    Services,
}

impl Feature {
    pub(crate) const ALL: [Self; 9] = [
        Self::Plain,
        Self::AccessLog,
        Self::Traces,
        Self::Cookies,
        Self::Sticky,
        Self::Hashed,
        Self::Ten,
        Self::OneDead,
        Self::Service,
    ];

    /// Its row in the report.
    pub(crate) fn subject(self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::AccessLog => "access log",
            Self::Traces => "B3 and W3C traces",
            Self::Cookies => "64 KiB of cookies",
            Self::Sticky => "sticky session, 10 endpoints",
            Self::Hashed => "hash balancing, 10 endpoints",
            Self::Ten => "10 endpoints",
            Self::OneDead => "10 endpoints, 1 dead",
            Self::Service => "route service, both passes",
        }
    }

    /// What its load asks for.
    pub(crate) fn request(self) -> Special {
        let fields = match self {
            Self::Cookies => COOKIES.as_str(),
            Self::Sticky => STICKY,
            Self::Hashed => HASHED,
            _ => "",
        };
        Special {
            route: self.route(),
            fields,
        }
    }

    /// The data plane that it is measured at.
    pub(crate) fn setup(self) -> Setup {
        match self {
            Self::AccessLog => Setup::Logging,
            Self::Traces => Setup::Tracing,
            Self::Service => Setup::Services,
            _ => Setup::Plain,
        }
    }

    /// The number of its route.
    fn route(self) -> u32 {
        match self {
            Self::Plain | Self::AccessLog | Self::Traces | Self::Cookies => 0,
            Self::Sticky | Self::Ten => 1,
            Self::Hashed => 2,
            Self::OneDead => 3,
            Self::Service => SERVED,
        }
    }
}

impl Scene {
    /// Registers every route.
    pub(crate) async fn set(cores: Cores) -> Self {
        let alive = backend::start_many(cores, Manners::Ordinary, ENDPOINTS);
        // A port that is bound and not listened on refuses connections, and nobody else gets it.
        let dead = TcpSocket::new_v4().expect("a socket");
        let any = ([127, 0, 0, 1], 0).into();
        dead.bind(any).expect("a free port");
        let line = Line::start().await;
        let publisher = Publisher::connect(&line.broker).await;
        let hashed = serde_json::json!({ "loadbalancing": "hash", "hash_header": "X-Session" });
        for (at, &address) in (0..).zip(&alive) {
            let one = |route: u32| Emitted::plain(&host(route), address, at);
            if at == 0 {
                publisher.register(&one(0)).await;
            }
            publisher.register(&one(1)).await;
            let options = Some(hashed.clone());
            publisher.register(&Emitted { options, ..one(2) }).await;
            let address = if at == 0 {
                dead.local_addr().expect("the bound address")
            } else {
                address
            };
            let one = Emitted::plain(&host(3), address, at);
            publisher.register(&one).await;
        }
        let service = Service::start(cores);
        let own = Emitted::plain(&host(SERVICE), service.address(), 0);
        publisher.register(&own).await;
        let served = Emitted {
            route_service_url: Some(format!("https://{}/", host(SERVICE))),
            ..Emitted::plain(&host(SERVED), alive[0], 0)
        };
        publisher.register(&served).await;
        let mut secret = NamedTempFile::new().expect("a file");
        secret.write_all(b"a secret of a bench").expect("a file");
        Self {
            line,
            service,
            secret,
            _dead: dead,
        }
    }

    /// Starts a data plane, and waits until it has all routes.
    pub(crate) async fn data_plane(
        &self,
        setup: Setup,
        cores: Option<&str>,
        binary: Option<&Path>,
    ) -> Process {
        let services = format!(
            "route_services:\n  secret_file: {}\n  recommend_https: false\n  hairpinning: ['{}']\n",
            self.secret.path().display(),
            host(SERVICE)
        );
        let how = DataPlane {
            cores,
            binary,
            access_log: setup == Setup::Logging,
            more: match setup {
                Setup::Plain | Setup::Logging => "",
                Setup::Tracing => "tracing: { b3: true, w3c: true }\n",
                Setup::Services => &services,
            },
        };
        let process = self.line.data_plane(how).await;
        for route in 0..ROUTES {
            serves(process.address("http"), route).await;
        }
        if setup == Setup::Services {
            self.service.give_back_to(process.address("http"));
            serves(process.address("http"), SERVED).await;
        }
        process
    }
}

impl Setup {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Logging, Self::Tracing, Self::Services];
}
