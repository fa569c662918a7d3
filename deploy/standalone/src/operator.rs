//! The command line of the operator: looks into a running control plane through its admin API, and publishes routes.
//!
//! Tables are for people, `-o json` is for scripts: it is what the admin API answers, unchanged but for pages, which are
//! put together.

mod api;
mod arguments;
mod check;
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
}

/// Why there is no outcome.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that there is not, or the control plane says so of a request: 2.
    Usage(String),
    /// Nobody was reached, let in, or answered as the admin API does: 3.
    Unreachable(String),
    /// What there was to show could not be written. Nobody reads on, which is no fault: 0.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) | Self::Unreachable(why) => f.write_str(&shown::harmless(why)),
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
        Ok(Outcome::Bad) => 1,
        Err(Failure::Usage(_)) => 2,
        Err(Failure::Unreachable(_)) => 3,
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
            clap_complete::generate(shell, &mut Operator::command(), "pointsman", out);
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
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_asks_for_a_command() {
        for command in [
            "routes",
            "replicas",
            "explain",
            "watch",
            "history",
            "overrides",
            "check",
            "publish",
            "completions",
            "help",
        ] {
            assert!(is_asked(command), "{command}");
        }
        for other in ["-c", "gorouter.yml", "--check", "", "route"] {
            assert!(!is_asked(other), "{other}");
        }
    }

    #[test]
    fn what_nobody_reads_on_is_no_failure() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(status(&Err(Failure::Output(closed))), 0);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(status(&Err(Failure::Output(full))), 3);
        assert_eq!(status(&Ok(Outcome::Bad)), 1);
    }

    #[test]
    fn a_terminal_obeys_nothing_of_what_a_failure_says() {
        let failure = Failure::Usage("no \u{1b}[2Jsuch\nroute".to_owned());
        assert_eq!(failure.to_string(), "no \\u{1b}[2Jsuch\\nroute");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Operator::command().debug_assert();
    }
}
