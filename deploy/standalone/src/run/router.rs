//! The data plane of the process: it follows the control plane from the beginning, and opens its listener late.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_data_plane::failing::{FailureReporter, Failures};
use pointsman_data_plane::subscription::{
    ControlPlane, Follower, HEARTBEAT, Identity, Keep, Keeping, Kept, Lifetimes, Load, Parts,
    Restore, Status, Subscription,
};
use pointsman_data_plane::table::{Publisher, TableHandle};
use pointsman_data_plane::{Listen, Servable, Settings, Sockets, Surroundings, start};
use pointsman_process::readiness::{Condition, Readiness};
use pointsman_process::shutdown::Tasks;
use pointsman_proto::v1;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::settings;
use crate::varz::Counted;

/// What the listener is opened with.
pub(super) struct Router {
    /// Where it listens in clear text; `None`: nowhere.
    pub(super) traffic: Option<SocketAddr>,
    /// Where it listens over TLS; `None`: nowhere.
    pub(super) traffic_tls: Option<SocketAddr>,
    /// How long registrations are listened to before.
    pub(super) delay: Duration,
    pub(super) proxy: Settings,
    pub(super) table: TableHandle,
    pub(super) reporter: FailureReporter,
    /// Where the table is kept; `None`: nowhere.
    pub(super) state: Option<Restore>,
    /// Met once the listener is open.
    pub(super) started: Condition,
    /// Where it is told what the proxy counts.
    pub(super) counted: Counted,
}

/// What the data plane follows with, and whom.
pub(super) type Followed = (Follower, ControlPlane, Publisher, Failures);

/// Who the data plane is. It sees everything: what is registered at all is decided by the control plane.
pub(super) fn follower(zone: &str, index: u64, any_host: bool) -> Follower {
    let identity = Identity {
        id: format!("router-{index}"),
        name: format!("router-{index}"),
        zone: zone.to_owned(),
        filter: v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: Vec::new(),
        },
        any_host,
    };
    Follower::new(identity, fastrand::u64(..))
}

/// Follows the control plane from now on, and opens the listener when the time has come.
pub(super) fn spawn(tasks: &Tasks, router: Router, followed: Followed) {
    let status = watch::Sender::new(Status::default());
    let shown = status.subscribe();
    let (follower, control_plane, publisher, failures) = followed;
    let origin = Instant::now();
    if let Some(restore) = &router.state {
        keep(
            tasks,
            restore,
            (router.table.clone(), status.subscribe()),
            origin,
        );
    }
    let subscription = Subscription::new(Parts {
        follower,
        publisher,
        control_planes: vec![control_plane],
        heartbeat: HEARTBEAT,
        origin,
        restore: router.state.clone(),
        lifetimes: Lifetimes::default(),
        // Health waits for more than the table: for the listener.
        ready: Readiness::new().condition("table", "the control plane has not filled it yet"),
        failures,
        load: load(Arc::clone(&router.counted)),
        draining: tasks.stages().leaving().clone(),
        status,
        switches: Arc::default(),
    });
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("subscription", async move {
        subscription.run(end).await;
        Ok::<(), Infallible>(())
    });
    let spawner = tasks.clone();
    tasks.spawn_vital("router", async move {
        let opened = open(&spawner, router, shown).await;
        if opened.is_ok() {
            spawner.stages().ending().cancelled().await;
        }
        opened
    });
}

/// Spawns what keeps the table on disk.
fn keep(
    tasks: &Tasks,
    restore: &Restore,
    (table, status): (TableHandle, watch::Receiver<Status>),
    origin: Instant,
) {
    let keeping = Keeping::new(Keep {
        folder: restore.folder.clone(),
        filter: restore.filter,
        interval: settings::WRITE_INTERVAL,
        table,
        status,
        origin,
        kept: watch::Sender::new(Kept::default()),
        switches: Arc::default(),
    });
    let stages = tasks.stages().clone();
    tasks.spawn_vital("keeping", async move {
        keeping.run(stages).await;
        Ok::<(), Infallible>(())
    });
}

fn load(counted: Counted) -> Arc<dyn Fn() -> Load + Send + Sync> {
    Arc::new(move || counted.get().map(Load::of).unwrap_or_default())
}

/// Waits for the delay and for a complete table, then starts the proxy. A drain that begins before ends the wait, and
/// nothing is opened then.
async fn open(
    tasks: &Tasks,
    router: Router,
    status: watch::Receiver<Status>,
) -> std::io::Result<()> {
    tracing::debug!(
        component = "router",
        sleep_time_seconds = router.delay.as_secs_f64(),
        "Sleeping before returning success on /health endpoint to preload routing table"
    );
    let stages = tasks.stages().clone();
    let warm = async {
        tokio::join!(time::sleep(router.delay), filled(status.clone()));
    };
    if stages.leaving().run_until_cancelled(warm).await.is_none() {
        return Ok(());
    }
    let plain = router.traffic.map(Listen::plain);
    let tls = router.traffic_tls.map(Listen::tls);
    let listen: Vec<_> = plain.into_iter().chain(tls).collect();
    let surroundings = Surroundings {
        table: router.table,
        failures: router.reporter,
        stages: stages.clone(),
        sockets: Sockets::default(),
        servable: Servable::new(move || status.borrow().servable),
        switches: Arc::default(),
    };
    let mut proxy = start(&listen, router.proxy, surroundings)
        .inspect_err(|error| tracing::error!(component = "router", %error, "tcp-listener-error"))?;
    // The first and only time.
    let _ = router.counted.set(proxy.traffic().clone());
    tell_listeners(&listen, proxy.addresses());
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
    tracing::info!(component = "router", "gorouter.started");
    router.started.met();
    // Whoever holds the condition vouches for it: to the end of the process.
    stages.ending().cancelled().await;
    drop(router.started);
    Ok(())
}

/// Tells where the process listens, in Gorouter's words.
fn tell_listeners(listen: &[Listen], addresses: &[SocketAddr]) {
    let shown = |tls: bool| {
        let found = listen
            .iter()
            .zip(addresses)
            .find(|(listen, _)| listen.tls == tls);
        found.map(|(_, address)| {
            let ip = address.ip().to_string();
            json!({ "IP": ip, "Port": address.port(), "Zone": "" }).to_string()
        })
    };
    match shown(false) {
        Some(address) => tracing::info!(
            component = "router",
            address.json = address,
            "tcp-listener-started"
        ),
        None => tracing::info!(component = "router", "tcp-listener-disabled"),
    }
    match shown(true) {
        Some(address) => tracing::info!(
            component = "router",
            address.json = address,
            "tls-listener-started"
        ),
        None => tracing::info!(component = "router", "tls-listener-not-enabled"),
    }
}

/// Waits until the table holds what an open control plane has, which may be nothing, as in Gorouter, where an empty
/// table is served after the delay; or what was kept.
async fn filled(mut status: watch::Receiver<Status>) {
    if status.wait_for(|status| status.servable).await.is_err() {
        // The subscription has ended, and its end ends the process.
        std::future::pending::<()>().await;
    }
}
