//! The command line of the operator: looks into a running control plane through its admin API, and publishes routes.
//!
//! Tables are for people, `-o json` is for scripts: it is what the admin API answers, unchanged but for pages, which are
//! put together.

mod address;
mod api;
mod arguments;
mod check;
mod checked;
mod explain;
mod history;
mod overrides;
mod publish;
mod replicas;
mod routes;
mod shown;
mod watch;

use std::fmt;
use std::io::{self, Write};

use clap::CommandFactory as _;

use api::Api;
pub use arguments::Operator;
use arguments::{Command, Output};

/// How a command ended. Scripts go by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so, or was done: 0.
    Good,
    /// It is not so: no such route, a fleet that is not well, data planes that differ: 1.
    Bad,
    /// Nobody knows: as far as it was answered it is so, and not all who were asked did: 3.
    Unknown,
}

/// Why there is no outcome.
#[derive(Debug)]
pub enum Failure {
    /// The one thing that was asked for is not there: 1.
    Absent(String),
    /// The command line asks for something that there is not, or the control plane says so of a request: 2.
    Usage(String),
    /// Nobody was reached, let in, or answered as the admin API does; or it has too much to do: 3.
    Unreachable(String),
    /// What there was to show could not be written. Nobody reads on, which is no fault: 0.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(why) | Self::Usage(why) | Self::Unreachable(why) => {
                f.write_str(&shown::harmless(why))
            }
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The status of the process.
#[must_use]
pub fn status(ended: &Result<Outcome, Failure>) -> u8 {
    match ended {
        Ok(Outcome::Good) => 0,
        Ok(Outcome::Bad) | Err(Failure::Absent(_)) => 1,
        Err(Failure::Usage(_)) => 2,
        Ok(Outcome::Unknown) | Err(Failure::Unreachable(_)) => 3,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(Failure::Output(_)) => 3,
    }
}

/// Whether the first word asks for one of these commands. Gorouter ignores words on its command line, and so does the
/// drop-in for all others.
#[must_use]
pub fn is_asked(first: &str) -> bool {
    let command = Operator::command();
    first == "help"
        || command
            .get_subcommands()
            .any(|each| each.get_name() == first)
}

/// Does what was asked for, and shows it on `out`.
///
/// # Errors
///
/// Why nothing, or not all of it, could be shown.
pub async fn run(operator: Operator, out: &mut impl Write) -> Result<Outcome, Failure> {
    let Operator {
        server,
        output,
        command,
    } = operator;
    match command {
        Command::Completions { shell } => {
            // The library panics where it cannot write; memory takes everything.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Operator::command(), "pointsman", &mut script);
            out.write_all(&script)?;
            out.flush()?;
            Ok(Outcome::Good)
        }
        Command::Publish(publish) => publish::run(publish, out).await,
        command => {
            let api = Api::new(&server)?;
            ask(&api, command, output, out).await
        }
    }
}

async fn ask(
    api: &Api,
    command: Command,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    match command {
        Command::Routes(wanted) => routes::run(api, &wanted, output, out).await,
        Command::Replicas { id } => replicas::run(api, id.as_deref(), output, out).await,
        Command::Explain(question) => explain::run(api, &question, output, out).await,
        Command::Watch(watch) => watch::run(api, &watch, output, out).await,
        Command::History { route, limit } => history::run(api, &route, limit, output, out).await,
        Command::Overrides { command } => overrides::run(api, command, output, out).await,
        Command::Check => check::run(api, output, out).await,
        // Both need no control plane, and were seen to before.
        Command::Completions { .. } | Command::Publish(_) => Ok(Outcome::Good),
    }
}

#[cfg(test)]
mod tests;
