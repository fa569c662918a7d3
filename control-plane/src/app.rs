//! The control plane as a whole: binds every socket, builds the parts, and spawns the tasks.
//!
//! [`build`] does everything that can fail at the start, and serves nothing yet; [`Bound::start`] begins to serve.
//! The `control-plane` binary and the standalone binary are both made of these two steps.

mod check;
mod incoming;
mod pipe;
mod settings;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_admin::BindError;
use pointsman_process::readiness::{Condition, Liveness, Pulse, Readiness};
use pointsman_process::shutdown::Tasks;
use pointsman_process::telemetry::LentLevel;
use pointsman_process::telemetry::LogCounts;
use pointsman_process::tls;
use pointsman_process::varz::{Component, Varz};
use pointsman_registry::Algorithm;
use prometheus_client::registry::Registry as Metrics;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use check::check;
use incoming::Incoming;
pub use pipe::{Closed, Pipe};
pub use settings::{Distribution, DistributionListener, DistributionTls, Settings};

use crate::admin::{self, Inside};
use crate::distribution;
use crate::registry_task::{Ended, Handle, RegistryTask, Source};
use crate::sources::Refusals;
use crate::sources::file::Files;
use crate::sources::nats::{self, Announcement, Describe, Nats};
use crate::sources::routing_api::{self, RoutingApi};

/// Why a control plane could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A socket could not be bound.
    #[error("cannot listen on {address} for {part}: {error}")]
    Bind {
        /// What was to listen there.
        part: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// A certificate, key or authority cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Refused),
    /// The crypto library refuses the settings of TLS.
    #[error("TLS cannot be set up: {0}")]
    Crypto(#[from] rustls::Error),
    /// TLS towards NATS cannot be used.
    #[error(transparent)]
    Nats(#[from] nats::TlsError),
    /// The Routing API cannot be asked.
    #[error(transparent)]
    RoutingApi(#[from] routing_api::BuildError),
}

/// Where a control plane listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where data planes connect to; `None` for a pipe.
    pub distribution: Option<SocketAddr>,
    /// Where the admin API listens.
    pub admin: Option<SocketAddr>,
}

/// A control plane with all its sockets bound, which serves nothing yet.
#[derive(Debug)]
pub struct Bound {
    nats: Option<(Nats, Source)>,
    routing_api: Option<(RoutingApi, Source)>,
    files: Option<(Files, Source)>,
    /// Behind a pointer, so that what holds it stays small.
    registry: Box<RegistryTask>,
    distribution: distribution::Distribution,
    incoming: Incoming,
    pipe: Option<Pipe>,
    admin: Option<pointsman_admin::Bound>,
    default_algorithm: Algorithm,
    index: u32,
    empty_pool_status: u16,
    addresses: Addresses,
}

/// What a process lends to its parts.
#[derive(Clone)]
pub struct Process {
    /// Whether it may be given work.
    pub readiness: Readiness,
    /// Whether its loops turn.
    pub liveness: Liveness,
    /// Its metrics, complete.
    pub metrics: Arc<Metrics>,
    /// How many lines it has logged.
    pub logged: LogCounts,
    /// What it logs, where that can be changed.
    pub log: Option<LentLevel>,
}

/// Builds a control plane and binds its sockets. Its metrics are added to those of the process.
///
/// # Errors
///
/// When a socket cannot be bound, or a certificate cannot be used.
pub async fn build(settings: Settings, metrics: &mut Metrics) -> Result<Bound, BuildError> {
    let mut registry = RegistryTask::new(settings.registry.clone(), epoch(), metrics);
    if let Some(roll_out) = settings.distribution.roll_out {
        registry.roll_out(roll_out);
    }
    let refusals = Arc::new(Refusals::new(metrics));
    let nats = nats(&settings, &mut registry, &refusals, metrics)?;
    let routing_api = routing_api(&settings, &mut registry, refusals, metrics)?;
    let files = settings.route_files.clone().map(|files| {
        let source = registry.declaring_source("route files");
        (Files::new(files, metrics), source)
    });
    let service = settings
        .distribution
        .service(&settings.name, &settings.effective);
    let distribution = distribution::Distribution::new(service, registry.handle(), metrics);
    let (incoming, pipe) = match &settings.distribution.listener {
        Some(listener) => (Incoming::bind(listener).await?, None),
        None => {
            let (pipe, ends) = Pipe::new();
            (Incoming::Pipe(ends), Some(pipe))
        }
    };
    let admin = match settings.admin {
        Some(settings) => Some(bind_admin(settings).await?),
        None => None,
    };
    let addresses = Addresses {
        distribution: incoming.address(),
        admin: admin.as_ref().map(pointsman_admin::Bound::address),
    };
    Ok(Bound {
        nats,
        routing_api,
        files,
        registry: Box::new(registry),
        distribution,
        incoming,
        pipe,
        admin,
        default_algorithm: settings.effective.default_algorithm,
        index: settings.index,
        empty_pool_status: settings.effective.empty_pool_status,
        addresses,
    })
}

async fn bind_admin(settings: admin::Settings) -> Result<pointsman_admin::Bound, BuildError> {
    let address = settings.listen;
    let bound = pointsman_admin::bind(settings, None).await;
    bound.map_err(|error| match error {
        BindError::Socket(error) => BuildError::Bind {
            part: "the admin API",
            address,
            error,
        },
        BindError::File(refused) => BuildError::Tls(refused),
        BindError::Crypto(error) => BuildError::Crypto(error),
    })
}

/// The NATS source, where a server is named.
fn nats(
    settings: &Settings,
    registry: &mut RegistryTask,
    refusals: &Arc<Refusals>,
    metrics: &mut Metrics,
) -> Result<Option<(Nats, Source)>, BuildError> {
    if settings.nats.servers.is_empty() {
        return Ok(None);
    }
    let source = registry.source("nats", settings.while_away);
    let announcement = Announcement::new(
        settings.index,
        settings.registry.registration_interval,
        settings.registry.stale_threshold,
    );
    let mut nats = Nats::new(
        settings.nats.clone(),
        settings.messages.clone(),
        announcement,
        Arc::clone(refusals),
        metrics,
    )?;
    if let Some(interval) = settings.active_apps {
        nats.publish_active_apps(interval, registry.handle().active_apps());
    }
    Ok(Some((nats, source)))
}

/// The source of the Routing API, where it is asked.
fn routing_api(
    settings: &Settings,
    registry: &mut RegistryTask,
    refusals: Arc<Refusals>,
    metrics: &mut Metrics,
) -> Result<Option<(RoutingApi, Source)>, BuildError> {
    let Some(own) = settings.routing_api.clone() else {
        return Ok(None);
    };
    let source = registry.source("the Routing API", settings.while_away);
    let api = RoutingApi::new(own, settings.messages.clone(), refusals, metrics)?;
    Ok(Some((api, source)))
}

/// This life of this process: random, and not 0.
fn epoch() -> u64 {
    fastrand::u64(1..)
}

impl Bound {
    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// How a data plane of the same process connects, where no listener is configured for others.
    #[must_use]
    pub fn pipe(&self) -> Option<Pipe> {
        self.pipe.clone()
    }

    /// The registry and what is known of the data planes.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.registry.handle()
    }

    /// Announces the process on NATS to collectors of Cloud Foundry's components, and answers them.
    pub fn announce_component(&mut self, describe: Describe) {
        if let Some((nats, _)) = &mut self.nats {
            nats.announce_component(describe);
        }
    }

    /// Tells `listen` how long each new endpoint took from its update to its registration. It must not wait.
    pub fn tell_registration_latencies(&mut self, listen: impl Fn(Duration) + Send + 'static) {
        self.registry.tell_latencies(listen);
    }

    /// Spawns everything: from here on the control plane serves, until the stages of `tasks` end it.
    ///
    /// The registry, distribution and the admin API serve to the end. NATS and the Routing API are vital tasks as well, but
    /// a lost connection never ends them; only a first connection that is bounded, and was not made, does.
    pub fn start(self, tasks: &Tasks, process: &Process) {
        let ending = tasks.stages().ending();
        let handle = self.registry.handle();
        let table = process
            .readiness
            .condition("table", "nothing was heard yet");
        tasks.spawn_vital(
            "readiness",
            follow_standing(handle.clone(), table, ending.clone()),
        );
        let pulse = process.liveness.pulse("registry", LATE);
        tasks.spawn_vital("liveness", feel(handle.clone(), pulse, ending.clone()));
        let end = ending.clone();
        let registry = async move {
            self.registry.run(end.cancelled_owned()).await;
            Ok::<(), Infallible>(())
        };
        tasks.spawn_vital("registry", registry);
        self.incoming.serve(self.distribution, tasks);
        if let Some(mut admin) = self.admin {
            let at = self.addresses.admin.map(|address| address.to_string());
            let component = Component::new(self.index.into(), at.unwrap_or_default(), None);
            let varz = Arc::new(Varz::new(component, process.logged.clone()));
            keep_varz(tasks, Arc::clone(&varz), handle.clone());
            incoming::spawn_reload(tasks, "admin-files", "admin", admin.reloader());
            let inside = Inside {
                varz,
                registry: handle,
                readiness: process.readiness.clone(),
                liveness: process.liveness.clone(),
                metrics: Arc::clone(&process.metrics),
                log: process.log.clone(),
                watchers: Arc::new(Semaphore::new(admin::WATCHERS)),
                empty_pool_status: self.empty_pool_status,
                default_algorithm: spelled(self.default_algorithm),
            };
            let end = ending.clone();
            let pages = admin::pages(inside);
            tasks.spawn_vital("admin", async move {
                admin.serve(pages, end.cancelled_owned()).await;
                Ok::<(), Infallible>(())
            });
        }
        if let Some((mut nats, source)) = self.nats {
            incoming::spawn_reload(tasks, "nats-certificates", "nats", nats.reloader());
            spawn_source(tasks, "nats", nats.run(source));
        }
        if let Some((mut api, source)) = self.routing_api {
            let reloader = api.reloader();
            incoming::spawn_reload(tasks, "routing-api-certificates", "route-fetcher", reloader);
            spawn_source(tasks, "routing-api", api.run(source));
        }
        if let Some((files, source)) = self.files {
            spawn_source(tasks, "route-files", files.run(source));
        }
    }
}

/// Spawns what renews the rates of `/varz`.
fn keep_varz(tasks: &Tasks, varz: Arc<Varz>, handle: Handle) {
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("varz", async move {
        let kept = varz.keep(move || admin::figures(&handle));
        end.run_until_cancelled(kept).await;
        Ok::<(), Infallible>(())
    });
}

/// Spawns a source, which ends by itself only with an error.
fn spawn_source<E>(
    tasks: &Tasks,
    name: &'static str,
    run: impl Future<Output = Result<(), E>> + Send + 'static,
) where
    E: std::error::Error + Send + Sync + 'static,
{
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital(name, async move {
        tokio::select! {
            // First, since the registry may have ended already, which is no failure of the source then.
            biased;
            () = end.cancelled() => Ok(()),
            ended = run => ended,
        }
    });
}

/// An algorithm in Gorouter's words.
fn spelled(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RoundRobin => "round-robin",
        Algorithm::LeastConnection => "least-connection",
        Algorithm::Hash => "hash",
    }
}

/// Ready is who may fill an empty data plane. It stays so: what is known does not get less when a source is away
///
async fn follow_standing(
    handle: Handle,
    table: Condition,
    ending: CancellationToken,
) -> Result<(), Infallible> {
    let mut standing = handle.standing();
    loop {
        let now = standing.borrow_and_update().clone();
        if now.open {
            table.met();
            break;
        }
        table.unmet(now.reason);
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { break },
            () = ending.cancelled() => break,
        }
    }
    // The condition is vouched for as long as the process lives.
    ending.cancelled().await;
    Ok(())
}

/// Asks the registry for a sign of life, again and again; its answers are the pulse.
async fn feel(handle: Handle, pulse: Pulse, ending: CancellationToken) -> Result<(), Ended> {
    let mut asks = tokio::time::interval(LATE / 10);
    loop {
        tokio::select! {
            _ = asks.tick() => {}
            () = ending.cancelled() => return Ok(()),
        }
        match handle.read(|_, _| ()).await {
            Ok(()) => pulse.beat(),
            Err(_) if ending.is_cancelled() => return Ok(()),
            Err(ended) => return Err(ended),
        }
    }
}

/// After how long a registry that does not answer is taken for stuck.
const LATE: Duration = Duration::from_secs(30);

/// How long the end of a control plane may take: it has no requests in flight, and its data planes need no farewell.
pub const GRACE: Duration = Duration::from_secs(2);
