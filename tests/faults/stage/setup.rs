//! What a stage is made of, and how it is set up.

use std::fmt::Write;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use pointsman_tests::load::Load;
use pointsman_tests::process::Launch;
use pointsman_tests::{Authority, Broker, Cut, Instance, descriptors};
use tokio::sync::Semaphore;

use super::Stage;
use crate::fault::{self, Round};
use crate::plane::Plane;
use crate::routes::{Places, Publishing, SAN};
use crate::timeline::Timeline;
use crate::verdict::Judge;

/// How often publishers are asked to repeat themselves.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// How long a registration counts.
pub(crate) const THRESHOLD: Duration = Duration::from_secs(3);
/// Longer than a registration counts.
pub(crate) const OUTLASTING: Duration = Duration::from_secs(4);
/// Requests per second; in the short form, in which two stages share the machine, half of it.
const RATE: u64 = 1000;
const SHORT_RATE: u64 = 500;
/// Routes that are there in all rounds, by turns plain and with TLS.
const STABLE: u64 = 8;
/// The file of the authority that every instance's certificate is of.
const CA: &str = "ca";
/// Ports of each instance.
const PORTS: usize = 3;

/// How many stages there may be at a time: more loads on one machine would be each other's fault. The long form plays one.
const STAGES: u32 = 2;
static TURNS: Semaphore = Semaphore::const_new(STAGES as usize);

/// Descriptors of this process while every request of a fault waits on its way: of each the client's, and both of the path
/// that is broken.
const WAITING: u64 = 4096;

/// What a stage is made of.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The fault, for people.
    pub(crate) name: &'static str,
    pub(crate) control_planes: usize,
    pub(crate) data_planes: usize,
    pub(crate) instances: usize,
    /// The instance that the fault is about, if it is about one.
    pub(crate) victim: Option<usize>,
    /// Plain routes that are registered beside the others, and not asked for.
    pub(crate) crowd: u64,
    /// Whether plain routes are asked for.
    pub(crate) asks_plain: bool,
    /// Whether there are paths between data planes and instances that can be broken.
    pub(crate) instance_paths: bool,
    /// The same between clients and data planes.
    pub(crate) client_paths: bool,
    /// More keys of each control plane's section `registration`, as `KEY: VALUE, `.
    pub(crate) registration: &'static str,
    /// More sections of each data plane; `<folder>` becomes a folder of its own that outlives its process.
    pub(crate) data_plane: String,
    /// How control planes are started.
    pub(crate) control_plane_launch: Launch,
    /// How data planes are started.
    pub(crate) data_plane_launch: Launch,
    /// Whether an unregistration may be lost during the fault.
    pub(crate) is_deaf: bool,
}

impl Setup {
    /// A control plane, two data planes and two instances, whose fault keeps nobody from hearing.
    pub(crate) fn of(name: &'static str) -> Self {
        Self {
            name,
            control_planes: 1,
            data_planes: 2,
            instances: 2,
            victim: None,
            crowd: 0,
            asks_plain: true,
            instance_paths: false,
            client_paths: false,
            registration: "",
            data_plane: String::new(),
            control_plane_launch: Launch::default(),
            data_plane_launch: Launch::default(),
            is_deaf: false,
        }
    }

    /// The same with a fault during which an unregistration may be lost.
    pub(crate) fn deaf(self) -> Self {
        Self {
            is_deaf: true,
            ..self
        }
    }

    /// Builds it and fills it with routes; nothing is asked for yet.
    pub(crate) fn build(self) -> Pin<Box<dyn Future<Output = Stage>>> {
        Box::pin(self.into_stage())
    }

    async fn into_stage(self) -> Stage {
        let (turns, rate) = if fault::is_short() {
            (1, SHORT_RATE)
        } else {
            (STAGES, RATE)
        };
        if self.client_paths || self.instance_paths {
            descriptors::need(WAITING);
        }
        let turn = TURNS.acquire_many(turns).await.expect("nobody closes it");
        let folder = tempfile::tempdir().expect("a folder for the stage");
        let authority = Authority::new("instances");
        let identity = authority.server(&[SAN]);
        let _where_data_planes_look = authority.write(folder.path(), CA);
        let broker = Broker::start().await;
        let mut instances = Vec::new();
        for _ in 0..self.instances {
            instances.push(Instance::start(PORTS, PORTS, &identity).await);
        }
        let (places, to_instance) = self.places(&instances).await;
        let planes = Planes::start(&self, &broker, folder.path()).await;
        let routers: Vec<_> = if self.client_paths {
            planes.to_data_plane.iter().map(Cut::address).collect()
        } else {
            let addresses = planes.data_planes.iter();
            addresses.map(|plane| plane.address("http")).collect()
        };
        let publishing = Publishing::connect(&broker).await;
        let mut stage = Stage {
            healthy: vec![true; self.data_planes],
            setup: self,
            _folder: folder,
            broker,
            to_broker: planes.to_broker,
            control_planes: planes.control_planes,
            to_control_plane: planes.to_control_plane,
            data_planes: planes.data_planes,
            to_data_plane: planes.to_data_plane,
            instances,
            to_instance,
            publishing,
            load: Load::start(rate, &routers),
            timeline: Timeline::new(),
            places,
            stable: Vec::new(),
            crowd: Vec::new(),
            changing: Vec::new(),
            removed: Vec::new(),
            buried: Vec::new(),
            born: 0,
            random: fastrand::Rng::new(),
            round: Round { number: 0, seed: 0 },
            judge: Judge::default(),
            _turn: turn,
        };
        stage.fill().await;
        stage
    }

    /// Where the instances are registered, and the relays in front of them.
    async fn places(&self, instances: &[Instance]) -> (Places, Vec<Vec<Cut>>) {
        let mut places = Places::of(instances);
        let mut relays = Vec::new();
        if self.instance_paths {
            let ports = places.plain.iter_mut().zip(&mut places.tls);
            for (plain, tls) in ports {
                let mut of_instance = Vec::new();
                for (address, _) in plain.iter_mut().chain(tls) {
                    let relay = Cut::before(*address).await;
                    *address = relay.address();
                    of_instance.push(relay);
                }
                relays.push(of_instance);
            }
        }
        (places, relays)
    }
}

/// The planes and the paths between them.
#[derive(Default)]
struct Planes {
    to_broker: Vec<Cut>,
    control_planes: Vec<Plane>,
    to_control_plane: Vec<Cut>,
    data_planes: Vec<Plane>,
    to_data_plane: Vec<Cut>,
}

impl Planes {
    async fn start(setup: &Setup, broker: &Broker, folder: &Path) -> Self {
        let mut planes = Self::default();
        for _ in 0..setup.control_planes {
            planes.add_control_plane(setup, broker).await;
        }
        for number in 0..setup.data_planes {
            planes.add_data_plane(setup, number, folder).await;
        }
        planes
    }

    async fn add_control_plane(&mut self, setup: &Setup, broker: &Broker) {
        let address = broker.address().parse().expect("the broker's address");
        let to_broker = Cut::before(address).await;
        let configuration = format!(
            "nats:
  servers: [{}]
  ping_interval: 400ms
  connect_timeout: 1s
  reconnect_max_wait: 100ms
registration: {{{}allow_loopback: true, start_delay: 0s, interval: {INTERVAL:?}, stale_threshold: {THRESHOLD:?}}}
distribution: {{listen: <distribution>, heartbeat: 300ms}}
admin: {{listen: <admin>}}
",
            to_broker.address(),
            setup.registration,
        );
        let launch = setup.control_plane_launch.clone().of("control-plane");
        let plane = Plane::start(launch, &configuration).await;
        self.to_control_plane
            .push(Cut::before(plane.address("distribution")).await);
        self.to_broker.push(to_broker);
        self.control_planes.push(plane);
    }

    async fn add_data_plane(&mut self, setup: &Setup, number: usize, folder: &Path) {
        let mut followed = String::new();
        for path in &self.to_control_plane {
            let _written = write!(followed, "'{}', ", path.address());
        }
        let own = folder.join(format!("data-plane-{number}"));
        std::fs::create_dir(&own).expect("a folder for a data plane");
        // One with workers that share, and others with one that does everything.
        let workers = if number == 0 { 2 } else { 1 };
        let configuration = format!(
            "name: data-plane-{number}
listen: [<http>]
workers: {workers}
control_planes: {{addresses: [{followed}], heartbeat: 300ms}}
admin: {{listen: <admin>}}
upstream: {{ca: {ca}}}
drain: {{wait: 300ms, timeout: 5s}}
{}",
            setup
                .data_plane
                .replace("<folder>", &own.display().to_string()),
            ca = folder.join(CA).with_extension("pem").display(),
        );
        let launch = setup.data_plane_launch.clone().of("data-plane");
        let plane = Plane::start(launch, &configuration).await;
        if setup.client_paths {
            self.to_data_plane
                .push(Cut::before(plane.address("http")).await);
        }
        self.data_planes.push(plane);
    }
}

impl Stage {
    /// Registers the routes that stay, and waits until they are answered.
    async fn fill(&mut self) {
        self.publishing.greet().await;
        for number in 0..STABLE {
            let host = format!("stable-{number}.example.com");
            let tls = !number.is_multiple_of(2);
            let route = self.places.route(&host, tls, &mut self.random);
            for endpoint in &route.endpoints {
                self.publishing.register(endpoint).await;
            }
            self.stable.push(route);
        }
        for number in 0..self.setup.crowd {
            let host = format!("crowd-{number}.example.com");
            let route = self.places.route(&host, false, &mut self.random);
            for endpoint in &route.endpoints {
                self.publishing.register(endpoint).await;
            }
            self.crowd.push(route);
        }
        for route in self.stable.iter().chain(&self.crowd) {
            self.answered(&route.host, hyper::StatusCode::OK, super::RECOVERY)
                .await;
        }
        self.ask();
    }
}
