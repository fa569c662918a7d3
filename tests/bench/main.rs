//! The data plane beside nginx: the same backend, the same load, the same forwarding headers, each proxy alone on one
//! core.
//!
//! The unit is CPU time of the proxy per request; what counts is the ratio within one round, because absolute figures
//! differ from run to run. Rounds are interleaved, so that a slow minute of the machine hits everybody. A round counts
//! only if the proxy's core was busy: below that, a proxy pays for its idle wake-ups.

mod backend;
mod core;
mod load;
mod nginx;
mod options;
mod ours;
mod report;
mod round;
mod stage;

use std::process::ExitCode;

use stage::Stage;

#[tokio::main]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the main function of a tool"
)]
async fn main() -> ExitCode {
    let options = match options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let stage = Stage::set(&options).await;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        for subject in stage.subjects(number) {
            let round = round::measure(subject, &options, number);
            println!("{round}");
            rounds.push(round);
        }
    }
    let report = report::Report::of(&rounds, &options);
    println!("\n{report}");
    if let Some(file) = &options.json {
        let written = std::fs::write(file, report.to_json(&rounds));
        if let Err(error) = written {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    }
    if report.counts() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
