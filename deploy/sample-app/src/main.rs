//! An app for trying the router.
//!
//! `serve` is an instance of an app: it registers its route the way Cloud Foundry does, answers every request with its
//! name, and unregisters before it goes. `await` and `ask` are its clients: the first waits until an instance answers,
//! the second asks until it is told to stop, and counts who answered and what failed.

mod client;
mod commands;
mod registration;
mod serve;
mod signals;
mod tally;

use std::process::ExitCode;

use clap::Parser;

use commands::{Arguments, Command};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "the main function of a tool")]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(wanted) => serve::run(wanted).await,
        Command::Await(wanted) => client::wait(&wanted).await,
        Command::Ask(wanted) => client::ask(&wanted).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample-app: {error:#}");
            ExitCode::FAILURE
        }
    }
}
