//! The process: both planes, joined by a pipe, from the first line of the log to the last.
//!
//! The order is Gorouter's: the control plane begins to listen to registrations, the status listeners open, and only
//! after the start delay, with a table that the control plane calls complete, the traffic listener does.

mod ending;
mod router;
mod starting;

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;

use pointsman_control_plane::app;
use pointsman_control_plane::sources::nats::Describe;
use pointsman_data_plane::subscription::{ControlPlane, Link};
use pointsman_data_plane::{failing, table};
use pointsman_process::metrics::{self, Build};
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::shutdown::{Convention, Exit, Signals, Supervisor, Tasks};
use pointsman_process::telemetry::LogCounts;

use crate::gorouter_yml::{Accepted, GorouterYml};
use crate::metron::Metron;
use crate::varz::{Counted, Document};
use crate::{settings, status};
use ending::Ending;
use router::Router;

/// Runs until a signal or the end of a vital part ends it; returns how. `routes` names a file of routes, or a folder of
/// such files, if there are any; `logged` counts the lines of the log.
pub async fn run(accepted: &Accepted, routes: Option<&Path>, logged: LogCounts) -> Exit {
    starting::tell(accepted);
    let supervisor = Supervisor::new();
    let readiness = Readiness::new();
    let signals = match Signals::install(Convention::DropIn) {
        Ok(signals) => signals,
        Err(error) => return starting::failed(&error),
    };
    let given = (&accepted.file, routes, logged);
    let mut ending = match Box::pin(start(given, &supervisor, &readiness)).await {
        Ok(ending) => ending,
        Err(error) => return starting::failed(error.as_ref()),
    };
    let bounds = settings::drain(&accepted.file);
    let outcome = supervisor
        .run(signals, bounds, |event| ending.tell(event))
        .await;
    ending.told(&outcome);
    outcome.exit()
}

type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Starts everything; what has to wait goes on by itself.
async fn start(
    (file, routes, logged): (&GorouterYml, Option<&Path>, LogCounts),
    supervisor: &Supervisor,
    readiness: &Readiness,
) -> Result<Ending, StartError> {
    let tasks = supervisor.tasks();
    let started = readiness.condition("start", "listening to registrations");
    let build = Build {
        program: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut metrics = metrics::registry(build);
    let control_plane = settings::control_plane(file, routes)?;
    let mut control_plane = app::build(control_plane, &mut metrics).await?;
    tell_agent(file, tasks, &mut control_plane).await?;
    let counted = Counted::default();
    let shown = (&counted, &logged);
    let document = component(file, tasks, shown, &mut control_plane);
    let proxy = settings::data_plane(file)?;
    let listeners = settings::listeners(file);
    let status = status::bind(&listeners, &file.status.status).await?;
    let (publisher, table) = table::publication();
    let (reporter, failures) = failing::channel();
    status.start(tasks, readiness, (table.clone(), document));

    let pipe = control_plane
        .pipe()
        .ok_or("the control plane of this process has no pipe")?;
    // The control plane has conditions of its own; who asks for health asks about the whole.
    let process = app::Process {
        readiness: Readiness::new(),
        liveness: Liveness::new(),
        metrics: Arc::new(metrics),
        logged,
        log: None,
    };
    control_plane.start(tasks, &process);

    let router = Router {
        traffic: listeners.traffic,
        traffic_tls: listeners.traffic_tls,
        delay: settings::start_delay(file),
        proxy,
        table,
        reporter,
        state: settings::state(file),
        started,
        counted: Arc::clone(&counted),
    };
    let link = Link::pipe(move || {
        let pipe = pipe.clone();
        async move { pipe.connect().await.map_err(io::Error::other) }
    });
    let control_plane = ControlPlane {
        name: "in-process".to_owned(),
        link,
    };
    // Whoever writes a route file may write one for every host.
    let follower = router::follower(&file.process.zone, file.process.index, routes.is_some());
    let followed = (follower, control_plane, publisher, failures);
    router::spawn(tasks, router, followed);
    Ok(Ending::new(readiness.clone(), counted))
}

/// Tells the agent for metrics how long registrations take, where the file has one.
async fn tell_agent(
    file: &GorouterYml,
    tasks: &Tasks,
    control_plane: &mut app::Bound,
) -> Result<(), StartError> {
    if let Some(agent) = settings::agent(file)? {
        let metron = Metron::start(agent, tasks).await?;
        let muzzle = settings::latency_muzzle(file);
        control_plane.tell_registration_latencies(metron.registration_latencies(muzzle));
    }
    Ok(())
}

/// What collectors get, where the file has the old component server: over NATS without the end of its line. Spawns what
/// renews its rates.
fn component(
    file: &GorouterYml,
    tasks: &Tasks,
    (counted, logged): (&Counted, &LogCounts),
    control_plane: &mut app::Bound,
) -> Option<Document> {
    let figures = (Arc::clone(counted), control_plane.handle());
    let document = Document::of(file, logged.clone(), figures)?;
    let asked = document.clone();
    control_plane.announce_component(Describe::new(move || {
        let document = asked.clone();
        async move { document.text().await.trim_end().to_owned().into() }
    }));
    let kept = document.clone();
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("varz", async move {
        end.run_until_cancelled(kept.keep()).await;
        Ok::<(), Infallible>(())
    });
    Some(document)
}
