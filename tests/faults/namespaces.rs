//! Control plane, data plane and broker in networks of their own, and the links between them as the kernel breaks them.
//!
//! Where nobody may make networks, these tests say so and prove nothing; the relays of the other tests break paths
//! everywhere.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::certs::Files;
use pointsman_tests::process::Launch;
use pointsman_tests::publisher::{Emitted, Registered};
use pointsman_tests::{
    Authority, Broker, Client, Endpoint, Moment, Process, Publisher, Requests, eventually,
};
use tempfile::TempDir;

use crate::fault::rounds;
use crate::network::{Link, Network, Refused};
use crate::plane::BOUND;
use crate::stage::{RECOVERY, THRESHOLD};

/// Asked all the time.
const STABLE: &str = "stable.example.com";
/// Connections that ask.
const CONNECTIONS: usize = 4;
/// How often publishers repeat themselves.
const INTERVAL: Duration = Duration::from_secs(1);

/// Everybody in a place of their own; the publisher, the clients and the endpoint are where the test is.
struct Scene {
    publisher: Publisher,
    endpoint: Endpoint,
    router: SocketAddr,
    /// From the control plane to the broker.
    to_broker: Link,
    /// From the data plane to the control plane.
    to_control_plane: Link,
    _stable: Registered,
    _data_plane: Process,
    _control_plane: Process,
    _broker: Broker,
    _folder: TempDir,
    // The last to go: it takes the links with it.
    _network: Network,
}

/// How a link is broken.
type Breaks = fn(&Link);

/// Which one.
type Which = fn(&Scene) -> &Link;

impl Scene {
    /// # Errors
    ///
    /// Where this machine does not let us have networks.
    async fn set(number: u32) -> Result<Self, Refused> {
        let (network, [broker, control, data]) = Network::of(number, ["broker", "cp", "dp"])?;
        let publishers = network.join(None, &broker)?;
        let clients = network.join(None, &data)?;
        let to_broker = network.join(Some(&control), &broker)?;
        let to_control_plane = network.join(Some(&data), &control)?;

        let folder = tempfile::tempdir().expect("a folder");
        // It is everywhere, since its two links have different addresses.
        let everywhere = IpAddr::from([0, 0, 0, 0]);
        let nats = Broker::through(broker.through(), everywhere).await;
        let certificates = Certificates::write(&folder, to_control_plane.far());
        let launch = |program: &str, through: Vec<String>| {
            let launch = Launch {
                through,
                ..Launch::default()
            };
            launch.of(program)
        };
        let asked = SocketAddr::new(to_broker.far(), nats.port());
        let configuration = certificates.control_plane(asked, to_control_plane.far());
        let launched = launch("control-plane", control.through());
        let control_plane = Process::launch(&launched, &configuration).await;
        let followed = control_plane.address("distribution");
        let configuration = certificates.data_plane(followed, clients.far());
        let launched = launch("data-plane", data.through());
        let data_plane = Process::launch(&launched, &configuration).await;

        let url = format!("nats://{}", SocketAddr::new(publishers.far(), nats.port()));
        let publisher = Publisher::connect_to(&nats, &url).await;
        publisher.greet().await;
        let endpoint = Endpoint::at(clients.near(), "here").await;
        let message = Emitted::plain(STABLE, endpoint.address(), 0);
        let stable = publisher.keep_registered(&message, INTERVAL).await;
        let scene = Self {
            publisher,
            endpoint,
            router: data_plane.address("http"),
            to_broker,
            to_control_plane,
            _stable: stable,
            _data_plane: data_plane,
            _control_plane: control_plane,
            _broker: nats,
            _folder: folder,
            _network: network,
        };
        scene.answers(STABLE, StatusCode::OK, BOUND).await;
        Ok(scene)
    }

    async fn register(&self, host: &str) -> Registered {
        let message = Emitted::plain(host, self.endpoint.address(), 0);
        self.publisher.keep_registered(&message, INTERVAL).await
    }

    async fn answers(&self, host: &str, status: StatusCode, bound: Duration) {
        let mut client = Client::connect(self.router).await;
        eventually(&format!("{status} for {host}"), bound, async || {
            let answer = client.get(host, "/").await;
            let answer = answer.map_err(|failure| failure.to_string())?;
            (answer.status == status)
                .then_some(())
                .ok_or_else(|| answer.status.to_string())
        })
        .await;
    }

    /// One round: what was served before is served while the link is broken, for longer than any registration counts, and
    /// what came and went meanwhile has come and gone soon after.
    async fn round(&self, number: u64, which: Which, breaks: Breaks) {
        let [leaves, comes] =
            ["leaves", "comes"].map(|what| format!("{what}-{number}.example.com"));
        let leaving = self.register(&leaves).await;
        self.answers(&leaves, StatusCode::OK, BOUND).await;
        let requests = Requests::keep_sending(&[self.router], STABLE, CONNECTIONS);

        breaks(which(self));
        leaving.unregister().await;
        let coming = self.register(&comes).await;
        let mended = Moment::now().after(THRESHOLD * 4 / 3);
        let mut client = Client::connect(self.router).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        while Moment::now() < mended {
            ticks.tick().await;
            for (host, wanted) in [(&leaves, 200), (&comes, 404)] {
                let answer = client.get(host, "/").await.expect("an answer");
                assert_eq!(answer.status, wanted, "{host} while the link is broken");
            }
        }
        which(self).mend();
        self.answers(&comes, StatusCode::OK, RECOVERY).await;
        self.answers(&leaves, StatusCode::NOT_FOUND, RECOVERY).await;

        let tally = requests.stop().await;
        assert!(tally.failed.is_empty(), "lost: {:#?}", tally.failed);
        assert!(tally.total() > 100, "too few to say: {tally:?}");
        coming.unregister().await;
        self.answers(&comes, StatusCode::NOT_FOUND, RECOVERY).await;
    }
}

/// What the planes show each other.
struct Certificates {
    ca: PathBuf,
    server: Files,
    client: Files,
}

impl Certificates {
    fn write(folder: &TempDir, control_plane: IpAddr) -> Self {
        let authority = Authority::new("planes");
        let server = authority.server(&[&control_plane.to_string()]);
        let client = authority.client(&["data-plane"]);
        Self {
            ca: authority.write(folder.path(), "ca"),
            server: server.write(folder.path(), "server"),
            client: client.write(folder.path(), "client"),
        }
    }

    fn control_plane(&self, broker: SocketAddr, listen: IpAddr) -> String {
        format!(
            "nats:
  servers: ['{broker}']
  ping_interval: 400ms
  connect_timeout: 1s
  reconnect_max_wait: 100ms
registration: {{start_delay: 0s, interval: {INTERVAL:?}, stale_threshold: {THRESHOLD:?}}}
distribution:
  listen: '{listen}:0'
  heartbeat: 300ms
  tls: {{certificate: {}, key: {}, client_ca: {}}}
  segments: {{data-plane: ['*']}}
admin: {{listen: '127.0.0.1:0'}}
",
            self.server.certificate.display(),
            self.server.key.display(),
            self.ca.display(),
        )
    }

    fn data_plane(&self, followed: SocketAddr, listen: IpAddr) -> String {
        format!(
            "listen: ['{listen}:0']
control_planes:
  addresses: ['{followed}']
  heartbeat: 300ms
  tls: {{certificate: {}, key: {}, ca: {}}}
admin: {{listen: '127.0.0.1:0'}}
",
            self.client.certificate.display(),
            self.client.key.display(),
            self.ca.display(),
        )
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a test that proves nothing on this machine says so"
)]
async fn play(number: u32, which: Which, breaks: Breaks) {
    let scene = match Box::pin(Scene::set(number)).await {
        Ok(scene) => scene,
        Err(refused) => return eprintln!("skipped, there are no networks here: {refused}"),
    };
    for round in rounds() {
        scene.round(round.number, which, breaks).await;
    }
}

/// a control plane whose network to NATS is down prunes nothing, and is current soon after
#[tokio::test]
async fn the_link_to_nats_is_down() {
    play(0, |scene| &scene.to_broker, Link::down).await;
}

/// one whose packets to and from NATS are lost without a word prunes nothing, and is current soon after
#[tokio::test]
async fn the_link_to_nats_loses_everything() {
    play(1, |scene| &scene.to_broker, Link::swallow).await;
}

/// a data plane whose network to its control plane is down serves what it has, and is current soon after
#[tokio::test]
async fn the_link_to_the_control_plane_is_down() {
    play(2, |scene| &scene.to_control_plane, Link::down).await;
}

/// one whose packets are lost without a word notices the silence, serves what it has, and is current soon after
#[tokio::test]
async fn the_link_to_the_control_plane_loses_everything() {
    play(3, |scene| &scene.to_control_plane, Link::swallow).await;
}
