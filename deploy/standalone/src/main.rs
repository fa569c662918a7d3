//! The `pointsman` binary: both planes in one process, from a `gorouter.yml`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use pointsman::command_line::Arguments;
use pointsman::gorouter_yml::{self, Accepted, Refused};
use pointsman::operator::{self, Operator};
use pointsman::{run, settings};
use pointsman_process::memory::Allocator;
use pointsman_process::shutdown::Exit;
use pointsman_process::telemetry::{Form, Level, Timestamps};
use pointsman_process::{telemetry, tls};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn main() -> ExitCode {
    tls::install_provider();
    let first = std::env::args_os().nth(1).unwrap_or_default();
    if first.to_str().is_some_and(operator::is_asked) {
        return operate(Operator::parse());
    }
    let arguments = Arguments::parse();
    let accepted = match &arguments.config {
        Some(path) => gorouter_yml::load(path),
        None => Ok(Accepted::default()),
    };
    let exit = match accepted {
        Err(refused) => refuse(&refused),
        Ok(accepted) if arguments.check => check(&accepted, arguments.routes.as_deref()),
        Ok(accepted) => start(&accepted, arguments.routes.as_deref()),
    };
    ExitCode::from(exit.code_of_drop_in())
}

/// Does what an operator asks for.
#[expect(
    clippy::print_stderr,
    reason = "main is where a process speaks for itself"
)]
fn operate(operator: Operator) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(operator::run(operator, &mut std::io::stdout().lock())),
        Err(error) => Err(error.into()),
    };
    let status = operator::status(&ended);
    if let Err(failure) = ended
        && status != 0
    {
        eprintln!("pointsman: {failure}");
    }
    ExitCode::from(status)
}

/// The one line of a file that is refused: its own form was not accepted, so it has none yet.
fn refuse(refused: &Refused) -> Exit {
    let form = Form::Json {
        source: String::new(),
        timestamps: Timestamps::UnixEpoch,
    };
    // Nothing has set up logs before.
    let _logs = telemetry::install(&form, &Level::info());
    tracing::error!(error = %refused, "Error loading config:");
    Exit::Configuration
}

/// What a check finds in a file that is accepted, and in the files that a start would read with it.
#[expect(
    clippy::print_stdout,
    reason = "main is where a process speaks for itself"
)]
fn check(accepted: &Accepted, routes: Option<&Path>) -> Exit {
    for problem in accepted.unread.iter().chain(&accepted.unknown) {
        println!("warning: {problem}");
    }
    if !accepted.not_served.is_empty() {
        println!(
            "warning: not served yet: {}",
            accepted.not_served.join(", ")
        );
    }
    let problems = settings::check(&accepted.file, routes);
    for problem in &problems {
        println!("error: {problem}");
    }
    if !problems.is_empty() {
        return Exit::Configuration;
    }
    println!("the file is accepted");
    Exit::Clean
}

fn start(accepted: &Accepted, routes: Option<&Path>) -> Exit {
    let (form, level) = settings::telemetry(&accepted.file);
    // Nothing has set up logs before.
    let logs = telemetry::install(&form, &level);
    let logged = logs.as_ref().map(|logs| logs.counts.clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "initialize-router-error");
            return Exit::Start;
        }
    };
    let exit = runtime.block_on(run::run(accepted, routes, logged.unwrap_or_default()));
    runtime.shutdown_timeout(Duration::from_millis(100));
    exit
}
