//! The data plane as a whole: binds every socket, builds the parts, and spawns the tasks.
//!
//! [`build`] does everything that can fail at the start; [`Bound::start`] begins to follow control
//! planes. The `data-plane` binary and the standalone binary are both made of these two steps.

mod check;
mod front_tls;
mod hand_over;
mod observe;
mod settings;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_admin::BindError;
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::shutdown::Tasks;
use pointsman_process::telemetry::LentLevel;
use pointsman_process::telemetry::LogCounts;
use pointsman_process::tls::{self, Reloaded, Reloader};
use pointsman_process::varz::{Component, Varz};
use pointsman_proto::v1;
use prometheus_client::registry::Registry as Metrics;
use tokio::sync::watch;
use tokio::time::Instant;

pub use check::check;
pub use front_tls::{ClientFiles, DomainFiles, FrontTls};
use hand_over::HandOver;
pub use settings::{ControlPlaneTls, ControlPlanes, ServiceTls, Settings, State, UpstreamTls};

use crate::admin::{self, Inside, Shown};
use crate::counters::Traffic;
use crate::failing::{self, Ejected, Failures};
use crate::listener::{Gate, Inherited, Listen};
use crate::overrides::{Generations, Overrides, Switches};
use crate::persisted::Lifetimes;
use crate::servable::Servable;
use crate::start::{self, Proxy, Surroundings};
use crate::subscription::{
    ControlPlane, Follower, Identity, Keep, Keeping, Kept, Load, Parts, Restore, Status,
    Subscription, filter_digest,
};
use crate::table::{self, Publisher, TableHandle};

/// Why a data plane could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The admin API has no socket.
    #[error("cannot listen on {address} for the admin API: {error}")]
    Admin {
        /// Where.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The listeners of a running data plane could not be had.
    #[error(transparent)]
    HandOver(io::Error),
    /// The proxy could not be started: a listener, the access log, or a thread.
    #[error(transparent)]
    Proxy(io::Error),
    /// A certificate, key or authority cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Refused),
    /// The crypto library refuses the settings of TLS.
    #[error("TLS cannot be set up: {0}")]
    Crypto(#[from] rustls::Error),
}

/// Where a data plane listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Where clients connect to in clear text, in the order of the configuration.
    pub http: Vec<SocketAddr>,
    /// Where they connect to over TLS.
    pub https: Vec<SocketAddr>,
    /// Where the admin API listens.
    pub admin: Option<SocketAddr>,
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

/// A data plane with all its sockets bound. It answers already, and knows no route yet.
pub struct Bound {
    proxy: Proxy,
    hand_over: HandOver,
    admin: Option<pointsman_admin::Bound>,
    control_planes: Vec<ControlPlane>,
    heartbeat: Duration,
    follower: Follower,
    publisher: Publisher,
    failures: Failures,
    ejected: Ejected,
    table: TableHandle,
    reloader: Reloader,
    status: watch::Sender<Status>,
    /// Whether `/varz` answers.
    varz: bool,
    state: Option<(State, u64)>,
    lifetimes: Lifetimes,
    kept: watch::Sender<Kept>,
    overrides: Overrides,
    addresses: Addresses,
}

/// Builds a data plane and binds its sockets. Its metrics are added to those of the process; the
/// stages of `tasks` are those that it leaves by.
///
/// # Errors
///
/// When a socket cannot be bound, or a file that is configured cannot be used.
pub async fn build(
    mut settings: Settings,
    tasks: &Tasks,
    metrics: &mut Metrics,
) -> Result<Bound, BuildError> {
    let mut reloader = Reloader::new();
    let plain = settings.listen.iter().copied().map(Listen::plain);
    let mut listen: Vec<_> = plain.collect();
    listen.extend(load_tls(&mut settings, &mut reloader)?);
    let control_planes = settings
        .control_planes
        .links(&settings.name, &mut reloader)?;
    let mut inherited = settings.inherited;
    let hand_over = HandOver::prepare(settings.hand_over, &mut inherited).await;
    let hand_over = hand_over.map_err(BuildError::HandOver)?;
    let admin = bind_admin(settings.admin, &mut inherited).await?;
    let varz = settings.proxy.census.varz;
    let (publisher, table) = table::publication();
    let (reporter, failures) = failing::channel();
    let ejected = reporter.ejected();
    let status = watch::Sender::new(Status::default());
    let switches = Arc::<Switches>::default();
    let surroundings = Surroundings {
        table: table.clone(),
        failures: reporter,
        stages: tasks.stages().clone(),
        sockets: hand_over.sockets(inherited),
        servable: servable(status.subscribe()),
        switches: Arc::clone(&switches),
    };
    let proxy = start::start(&listen, settings.proxy, surroundings);
    let proxy = proxy.map_err(BuildError::Proxy)?;
    let offered = hand_over.keep(admin.as_ref(), &proxy);
    offered.map_err(BuildError::HandOver)?;
    let kept = watch::Sender::new(Kept::default());
    let state = with_filter(settings.state, &settings.filter);
    let overrides = overrides(switches, &proxy, &status, state.as_ref());
    let shown = (&status, &kept);
    observe::register(metrics, &proxy, (&table, &ejected), shown, &overrides);
    let names = (settings.name, settings.zone);
    let identity = identity(names, settings.filter, settings.any_host);
    Ok(Bound {
        addresses: addresses(&listen, &proxy, admin.as_ref()),
        proxy,
        hand_over,
        admin,
        control_planes,
        heartbeat: settings.heartbeat,
        follower: Follower::new(identity, fastrand::u64(..)),
        publisher,
        failures,
        ejected,
        table,
        reloader,
        status,
        varz,
        state,
        lifetimes: settings.lifetimes,
        kept,
        overrides,
    })
}

/// Where the table is kept, with the digest of the filter that it is filled under.
fn with_filter(state: Option<State>, filter: &v1::SegmentFilter) -> Option<(State, u64)> {
    state.map(|state| (state, filter_digest(filter)))
}

/// What operators will put over the rules.
fn overrides(
    switches: Arc<Switches>,
    proxy: &Proxy,
    status: &watch::Sender<Status>,
    state: Option<&(State, u64)>,
) -> Overrides {
    let (bounds, servable) = (proxy.bounds().clone(), servable(status.subscribe()));
    Overrides::new(switches, bounds, servable, state.map(generations))
}

/// Where everything listens.
fn addresses(
    listen: &[Listen],
    proxy: &Proxy,
    admin: Option<&pointsman_admin::Bound>,
) -> Addresses {
    let bound = |tls| {
        let all = listen.iter().zip(proxy.addresses());
        all.filter(move |(listen, _)| listen.tls == tls)
            .map(|(_, address)| *address)
            .collect()
    };
    Addresses {
        http: bound(false),
        https: bound(true),
        admin: admin.map(pointsman_admin::Bound::address),
    }
}

/// Reads what TLS needs from files, in every direction. Answers where TLS is spoken to clients.
fn load_tls(settings: &mut Settings, reloader: &mut Reloader) -> Result<Vec<Listen>, tls::Refused> {
    if let Some(files) = settings.client.take() {
        settings.proxy.upstream.tls = Some(files.load(reloader)?);
    }
    if let Some(files) = settings.services.take() {
        settings.proxy.route_services.tls = files.load(reloader)?;
    }
    let Some(files) = settings.front.take() else {
        return Ok(Vec::new());
    };
    let listeners = files.listeners().collect();
    settings.proxy.front_tls = Some(files.load(reloader)?);
    Ok(listeners)
}

/// `None` where no admin API is wanted.
async fn bind_admin(
    settings: Option<admin::Settings>,
    inherited: &mut Inherited,
) -> Result<Option<pointsman_admin::Bound>, BuildError> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let address = settings.listen;
    let socket = inherited.take(address).pop();
    let bound = pointsman_admin::bind(settings, socket).await;
    bound.map(Some).map_err(|error| match error {
        BindError::Socket(error) => BuildError::Admin { address, error },
        BindError::File(refused) => BuildError::Tls(refused),
        BindError::Crypto(error) => BuildError::Crypto(error),
    })
}

impl Bound {
    /// Where it listens.
    #[must_use]
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The table that is served.
    #[must_use]
    pub fn table(&self) -> TableHandle {
        self.table.clone()
    }

    /// How following a control plane goes, at any time.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Spawns everything: from here on control planes are followed and the admin API answers,
    /// until the stages of `tasks` end them.
    ///
    /// A drain waits for the proxy. A worker or the subscription that ends by itself ends the
    /// process.
    pub fn start(self, tasks: &Tasks, process: &Process) {
        let stages = tasks.stages().clone();
        let ending = stages.ending().clone();
        let origin = self.proxy.origin();
        let status = self.status.subscribe();
        let kept = self.state.as_ref().map(|_| self.kept.subscribe());
        let restore = self.state.as_ref().map(restore);
        if let Some(state) = self.state {
            let served = (self.table.clone(), self.status.subscribe(), origin);
            let switches = Arc::clone(self.overrides.switches());
            keep(tasks, state, served, (self.kept, switches));
        }
        let subscription = Subscription::new(Parts {
            follower: self.follower,
            publisher: self.publisher,
            control_planes: self.control_planes,
            heartbeat: self.heartbeat,
            origin,
            restore,
            lifetimes: self.lifetimes,
            ready: process
                .readiness
                .condition("table", "no control plane has filled it yet"),
            failures: self.failures,
            load: load(self.proxy.traffic().clone()),
            draining: stages.leaving().clone(),
            status: self.status,
            switches: Arc::clone(self.overrides.switches()),
        });
        tasks.spawn_vital("subscription", async move {
            subscription.run(ending).await;
            Ok::<(), Infallible>(())
        });
        spawn_overrides(tasks, self.overrides.clone());
        if let Some(mut admin) = self.admin {
            spawn_reloader(tasks, "admin-files", admin.reloader());
            let logged = process.logged.clone();
            let varz = self
                .varz
                .then(|| shown(tasks, &admin, (self.proxy.traffic(), logged)));
            let inside = Inside {
                readiness: process.readiness.clone(),
                liveness: process.liveness.clone(),
                metrics: Arc::clone(&process.metrics),
                log: process.log.clone(),
                table: self.table,
                status,
                kept,
                ejected: self.ejected,
                varz,
                overrides: self.overrides,
            };
            spawn_admin(admin, inside, (tasks, self.hand_over.gate().clone()));
        }
        self.hand_over
            .spawn(self.proxy.heirlooms().clone(), tasks, &process.readiness);
        spawn_reloader(tasks, "certificates", self.reloader);
        spawn_proxy(self.proxy, tasks);
    }
}

/// What `/varz` is made from. Spawns what renews its rates.
fn shown(
    tasks: &Tasks,
    admin: &pointsman_admin::Bound,
    (traffic, logged): (&Traffic, LogCounts),
) -> Shown {
    let component = Component::new(0, admin.address().to_string(), None);
    let varz = Arc::new(Varz::new(component, logged));
    let (kept, counted) = (Arc::clone(&varz), traffic.clone());
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("varz", async move {
        let kept = kept.keep(move || counted.figures());
        end.run_until_cancelled(kept).await;
        Ok::<(), Infallible>(())
    });
    Shown {
        varz,
        traffic: traffic.clone(),
    }
}

/// Another data plane each time, of the same name among people.
fn identity((name, zone): (String, String), filter: v1::SegmentFilter, any_host: bool) -> Identity {
    Identity {
        id: uuid::Uuid::new_v4().to_string(),
        name,
        zone,
        filter,
        any_host,
    }
}

fn servable(status: watch::Receiver<Status>) -> Servable {
    Servable::new(move || status.borrow().servable)
}

/// How busy the proxy is.
fn load(traffic: Traffic) -> Arc<dyn Fn() -> Load + Send + Sync> {
    Arc::new(move || Load::of(&traffic))
}

/// Spawns what reads certificates again when they change.
fn spawn_reloader(tasks: &Tasks, name: &str, reloader: Reloader) {
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital(name, async move {
        reloader.run(end, tell_reload).await;
        Ok::<(), Infallible>(())
    });
}

/// Spawns what ends overrides in their time.
fn spawn_overrides(tasks: &Tasks, overrides: Overrides) {
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("overrides", async move {
        overrides.run(end).await;
        Ok::<(), Infallible>(())
    });
}

/// Answers for as long as the gate is this process's.
fn spawn_admin(admin: pointsman_admin::Bound, inside: Inside, (tasks, gate): (&Tasks, Gate)) {
    let ending = tasks.stages().ending().clone();
    tasks.spawn_vital("admin", async move {
        let passed = async {
            tokio::select! {
                () = ending.cancelled() => {}
                () = gate.until_passed() => {}
            }
        };
        if ending
            .run_until_cancelled(gate.until_open())
            .await
            .is_some()
        {
            admin.serve(admin::pages(inside), passed).await;
        }
        ending.cancelled().await;
        Ok::<(), Infallible>(())
    });
}

/// Spawns what keeps the table on disk.
fn keep(
    tasks: &Tasks,
    (state, filter): (State, u64),
    (table, status, origin): (TableHandle, watch::Receiver<Status>, Instant),
    (kept, switches): (watch::Sender<Kept>, Arc<Switches>),
) {
    let keeping = Keeping::new(Keep {
        folder: state.folder,
        filter,
        interval: state.write_interval,
        table,
        status,
        origin,
        kept,
        switches,
    });
    let stages = tasks.stages().clone();
    tasks.spawn_vital("keeping", async move {
        keeping.run(stages).await;
        Ok::<(), Infallible>(())
    });
}

/// The generations of the table that are kept, and how long they may be served.
fn generations((state, filter): &(State, u64)) -> Generations {
    Generations {
        folder: state.folder.clone(),
        filter: *filter,
        lifetimes: Lifetimes {
            plain: state.plain_endpoints,
            tls: state.tls_endpoints,
        },
    }
}

/// Where a start looks for the table that was kept.
fn restore((state, filter): &(State, u64)) -> Restore {
    Restore {
        folder: state.folder.clone(),
        filter: *filter,
        wait: state.wait,
        plain: state.plain_endpoints,
        tls: state.tls_endpoints,
    }
}

/// Watches the workers. The first that fails ends the process; the others are waited for, and what
/// they have logged is written.
fn spawn_proxy(mut proxy: Proxy, tasks: &Tasks) {
    let in_flight = tasks.work_token();
    let work = tasks.clone();
    tasks.spawn_vital("proxy", async move {
        let ended = proxy.ended().await;
        work.spawn_work(async move {
            proxy.finish().await;
            drop(in_flight);
        });
        ended
    });
}

fn tell_reload(reloaded: Reloaded) {
    match reloaded {
        Reloaded::Changed(name) => tracing::info!(name, "certificate-reloaded"),
        Reloaded::Mended(name) => tracing::info!(name, "certificate-mended"),
        Reloaded::Kept(refused) => tracing::error!(error = %refused, "certificate-refused"),
        Reloaded::PollOnly(error) => tracing::warn!(error, "certificates-only-polled"),
    }
}
