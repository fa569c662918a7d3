//! The `data-plane` binary: reads its command line and configuration, builds the data plane, and
//! ends it in good order.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use listenfd::ListenFd;
use pointsman_data_plane::Inherited;
use pointsman_data_plane::app::{self, Addresses, Bound, Process};
use pointsman_data_plane::config::{self, Config};
use pointsman_process::configuration::ProcessEnvironment;
use pointsman_process::memory::Allocator;
use pointsman_process::metrics::Build;
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::shutdown::{Bounds, Convention, Event, Exit, Signals, Supervisor};
use pointsman_process::{metrics, telemetry, tls};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Proxies HTTP to the instances that a control plane tells it about.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file; without one, everything has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checks the configuration, and the files that it names, and ends.
    #[arg(long)]
    check: bool,
    /// Writes the bound addresses as JSON into this file, once all of them are bound.
    #[arg(long, value_name = "FILE")]
    addresses_file: Option<PathBuf>,
}

/// Why the process ends early, and what an operator is told.
struct Failure {
    exit: Exit,
    told: String,
}

impl Failure {
    fn at_start(error: impl std::fmt::Display) -> Self {
        Self {
            exit: Exit::Start,
            told: error.to_string(),
        }
    }

    fn of_configuration(problem: impl std::fmt::Display) -> Self {
        Self {
            exit: Exit::Configuration,
            told: problem.to_string(),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tls::install_provider();
    match start(&arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&failure.told);
            failure.exit.into()
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "there is no log before it is configured"
)]
fn tell(text: &str) {
    eprintln!("{text}");
}

fn start(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = configuration(arguments.config.as_deref())?;
    let mut settings = config
        .settings(&ProcessEnvironment)
        .map_err(Failure::of_configuration)?;
    if arguments.check {
        let problems = app::check(settings);
        return if problems.is_empty() {
            Ok(Exit::Clean)
        } else {
            Err(Failure::of_configuration(problems.join("\n")))
        };
    }
    settings.inherited = passed().map_err(Failure::at_start)?;
    let logs = telemetry::install(&config.log.form(), &config.log.level);
    let logs = logs.map_err(Failure::at_start)?;
    // The control thread: what it does, it does beside the workers, which have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Failure::at_start)?;
    let exit = runtime.block_on(async {
        let signals = Signals::install(Convention::SplitPlanes).map_err(Failure::at_start)?;
        let mut metrics = metrics::registry(Build {
            program: env!("CARGO_BIN_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        });
        logs.register(&mut metrics);
        let supervisor = Supervisor::new();
        let bound = app::build(settings, supervisor.tasks(), &mut metrics).await;
        let bound = bound.map_err(Failure::at_start)?;
        if let Some(file) = &arguments.addresses_file {
            write_addresses(file, bound.addresses()).map_err(Failure::at_start)?;
        }
        let process = Process {
            readiness: Readiness::new(),
            liveness: Liveness::new(),
            metrics: Arc::new(metrics),
            logged: logs.counts.clone(),
            log: Some(telemetry::LentLevel::new(logs.level.clone())),
        };
        Ok(run(
            (supervisor, signals),
            bound,
            &process,
            config.drain.bounds(),
        )
        .await)
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}

/// The listeners that a service manager has passed (`LISTEN_FDS` and `LISTEN_PID`).
fn passed() -> io::Result<Inherited> {
    let mut passed = ListenFd::from_env();
    let sockets = (0..passed.len()).map(|at| passed.take_tcp_listener(at));
    let sockets: Vec<_> = sockets.collect::<io::Result<_>>()?;
    Inherited::new(sockets.into_iter().flatten())
}

/// The configuration that the command line names, its warnings told.
fn configuration(file: Option<&Path>) -> Result<Config, Failure> {
    let Some(file) = file else {
        return Ok(Config::default());
    };
    let loaded = config::load(file).map_err(Failure::of_configuration)?;
    for warning in &loaded.warnings {
        tell(&format!("warning: {warning}"));
    }
    Ok(loaded.value)
}

/// Serves until a signal or the end of a vital part ends it.
async fn run(
    (supervisor, signals): (Supervisor, Signals),
    bound: Bound,
    process: &Process,
    bounds: Bounds,
) -> Exit {
    let Addresses { http, https, admin } = bound.addresses();
    tracing::info!(
        http = ?http,
        https = ?https,
        admin = admin.map(|address| address.to_string()),
        "data-plane-started"
    );
    bound.start(supervisor.tasks(), process);
    let observe = |event: Event<'_>| observe(event, &process.readiness);
    let outcome = supervisor.run(signals, bounds, observe).await;
    tracing::info!("data-plane-exited");
    outcome.exit()
}

fn observe(event: Event<'_>, readiness: &Readiness) {
    match event {
        Event::Leaving(bounds) => {
            readiness.leave("the data plane is draining");
            tracing::info!(wait_seconds = bounds.wait.as_secs(), "data-plane-leaving");
        }
        Event::Closing(bounds) => {
            readiness.leave("the data plane is draining");
            tracing::info!(
                timeout_seconds = bounds.timeout.as_secs(),
                "data-plane-closing"
            );
        }
        Event::Ignored(signal) => tracing::info!(signal = %signal, "signal-ignored"),
        Event::TimedOut { left } => tracing::warn!(left, "data-plane-stops-in-spite-of-work"),
        Event::Failed(ended) => tracing::error!(error = %ended, "data-plane-failed"),
    }
}

/// Writes the addresses so that a reader finds all of them or no file: `http`, the others as
/// `http_1` and so on, `https` likewise, and `admin`.
fn write_addresses(file: &Path, addresses: &Addresses) -> io::Result<()> {
    let clients = [("http", &addresses.http), ("https", &addresses.https)];
    let clients = clients.into_iter().flat_map(|(name, addresses)| {
        let numbered = addresses.iter().enumerate();
        numbered.map(move |(at, address)| match at {
            0 => (name.to_owned(), address),
            _ => (format!("{name}_{at}"), address),
        })
    });
    let admin = addresses
        .admin
        .iter()
        .map(|address| ("admin".to_owned(), address));
    let named: serde_json::Map<String, serde_json::Value> = clients
        .chain(admin)
        .map(|(name, address)| (name, address.to_string().into()))
        .collect();
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, serde_json::Value::from(named).to_string())?;
    std::fs::rename(&unfinished, file)
}
