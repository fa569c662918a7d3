//! The `control-plane` binary: reads its command line and configuration, builds the control plane, and ends it in good
//! order.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use pointsman_control_plane::app::{self, Addresses, Bound, Process};
use pointsman_control_plane::config::{self, Config};
use pointsman_process::configuration::ProcessEnvironment;
use pointsman_process::memory::Allocator;
use pointsman_process::metrics::Build;
use pointsman_process::readiness::{Liveness, Readiness};
use pointsman_process::shutdown::{Bounds, Convention, Event, Exit, Outcome, Signals, Supervisor};
use pointsman_process::{metrics, telemetry, tls};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Learns from NATS which instance answers which route, and hands the routes to data planes.
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tls::install_provider();
    match start(&arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            #[expect(
                clippy::print_stderr,
                reason = "main is where a process speaks for itself"
            )]
            {
                eprintln!("{}", failure.told);
            }
            failure.exit.into()
        }
    }
}

fn start(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = configuration(arguments.config.as_deref())?;
    let refused = |told: String| Failure {
        exit: Exit::Configuration,
        told,
    };
    let settings = config
        .settings(&ProcessEnvironment)
        .map_err(|error| refused(error.to_string()))?;
    if arguments.check {
        let problems = app::check(&settings);
        return if problems.is_empty() {
            Ok(Exit::Clean)
        } else {
            Err(refused(problems.join("\n")))
        };
    }
    let failed = |error: &dyn std::fmt::Display| Failure {
        exit: Exit::Start,
        told: error.to_string(),
    };
    let logs = telemetry::install(&config.log.form(), &config.log.level());
    let logs = logs.map_err(|error| failed(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let exit = runtime.block_on(async {
        let signals = Signals::install(Convention::SplitPlanes).map_err(|error| failed(&error))?;
        let mut metrics = metrics::registry(Build {
            program: env!("CARGO_BIN_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        });
        logs.register(&mut metrics);
        let bound = app::build(settings, &mut metrics)
            .await
            .map_err(|error| failed(&error))?;
        if let Some(file) = &arguments.addresses_file {
            write_addresses(file, bound.addresses()).map_err(|error| failed(&error))?;
        }
        let process = Process {
            readiness: Readiness::new(),
            liveness: Liveness::new(),
            metrics: Arc::new(metrics),
            log: Some(telemetry::LentLevel::new(logs.level.clone())),
            logged: logs.counts.clone(),
        };
        Ok(run(bound, &process, signals).await)
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}

/// The configuration that the command line names, its warnings told.
fn configuration(file: Option<&Path>) -> Result<Config, Failure> {
    let Some(file) = file else {
        return Ok(Config::default());
    };
    let loaded = config::load(file).map_err(|problems| Failure {
        exit: Exit::Configuration,
        told: problems.to_string(),
    })?;
    for warning in &loaded.warnings {
        #[expect(
            clippy::print_stderr,
            reason = "there is no log before it is configured"
        )]
        {
            eprintln!("warning: {warning}");
        }
    }
    Ok(loaded.value)
}

/// Serves until a signal or the end of a vital part ends it.
async fn run(bound: Bound, process: &Process, signals: Signals) -> Exit {
    let Addresses {
        distribution,
        admin,
    } = bound.addresses();
    tracing::info!(
        distribution = distribution.map(|address| address.to_string()),
        admin = admin.map(|address| address.to_string()),
        "control-plane-started"
    );
    let supervisor = Supervisor::new();
    bound.start(supervisor.tasks(), process);
    // It has no requests in flight that a drain would wait for.
    let bounds = Bounds {
        wait: Duration::ZERO,
        timeout: app::GRACE,
    };
    let readiness = process.readiness.clone();
    let outcome = supervisor
        .run(signals, bounds, |event| tell(event, &readiness))
        .await;
    match &outcome {
        // A part may fail while the others are being ended, when nothing observes it any more.
        Outcome::Failed(ended) => tracing::error!(error = %ended, "control-plane-exited"),
        Outcome::Drained | Outcome::TimedOut | Outcome::EndedAtOnce => {
            tracing::info!("control-plane-exited");
        }
    }
    outcome.exit()
}

fn tell(event: Event<'_>, readiness: &Readiness) {
    match event {
        Event::Leaving(_) => {
            readiness.leave("the control plane is leaving");
            tracing::info!("control-plane-leaving");
        }
        Event::Closing(_) => tracing::info!("control-plane-stopping"),
        Event::Ignored(signal) => tracing::info!(signal = %signal, "signal-ignored"),
        Event::TimedOut { left } => tracing::warn!(left, "control-plane-stops-in-spite-of-work"),
        Event::Failed(ended) => tracing::error!(error = %ended, "control-plane-failed"),
    }
}

/// Writes the addresses so that a reader finds all of them or no file.
fn write_addresses(file: &Path, addresses: Addresses) -> std::io::Result<()> {
    let Addresses {
        distribution,
        admin,
    } = addresses;
    let named = [("distribution", distribution), ("admin", admin)];
    let named: serde_json::Map<_, _> = named
        .into_iter()
        .filter_map(|(name, address)| Some((name.to_owned(), address?.to_string().into())))
        .collect();
    let unfinished = file.with_extension("unfinished");
    std::fs::write(&unfinished, serde_json::Value::from(named).to_string())?;
    std::fs::rename(&unfinished, file)
}
