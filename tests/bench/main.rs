//! The data plane beside other proxies, and the whole line beside its own aims.
//!
//! Proxies have the same backend, the same load and the same forwarding headers, and each is alone on one core. The
//! unit is CPU time of the proxy per request; what counts is the ratio within one round, because absolute figures
//! differ from run to run. Rounds are interleaved, so that a slow minute of the machine hits everybody. A round of
//! saturated load counts only if the proxy's core was busy: below that, a proxy pays for its idle wake-ups.

mod absorb;
mod backend;
mod beside;
mod capacity;
mod client;
mod compare;
mod convergence;
mod features;
mod machine;
mod memory;
mod options;
mod ours;
mod peers;
mod poller;
mod registrations;
mod report;
mod routes;
mod sample;
mod spinner;
mod storm;
mod workload;
mod wrk;
mod yardstick;

use std::io;
use std::pin::Pin;
use std::process::ExitCode;

use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};

use machine::Cores;
use options::{Mode, Options};
use report::Findings;
use workload::Workload;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stderr, reason = "the main function of a tool")]
async fn main() -> ExitCode {
    let options = match options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let done = match options.mode {
        Mode::Bench => LocalSet::new().run_until(bench(options)).await,
        Mode::Compare | Mode::Renew | Mode::Show => Box::pin(yardstick::run(&options)).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report of a tool")]
async fn bench(options: Options) -> Result<(), String> {
    let run = Run {
        options,
        findings: Findings::default(),
    };
    let (options, findings) = (&run.options, &run.findings);
    for (name, stage) in stages(&run) {
        // A stage that fails takes the others' figures with it no more than its own earlier ones.
        if let Err(failed) = spawn_local(stage).await {
            findings.note(format!("{name} was given up: {failed}"));
        }
    }
    println!("{}", findings.text());
    match &options.json {
        Some(file) => std::fs::write(file, findings.json())
            .map_err(|error| format!("{}: {error}", file.display())),
        None => Ok(()),
    }
}

/// What every workload is given.
#[derive(Clone, Debug)]
struct Run {
    options: Options,
    findings: Findings,
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// What was asked for, in the order in which it is done.
fn stages(run: &Run) -> Vec<(&'static str, Running)> {
    let wanted = |all: &[Workload]| -> Vec<Workload> {
        let wanted = run.options.only.iter().copied();
        wanted.filter(|one| all.contains(one)).collect()
    };
    let mut stages: Vec<(&'static str, Running)> = Vec::new();
    let saturated: Vec<_> = Workload::ALL
        .into_iter()
        .filter(|one| one.kind().is_some())
        .collect();
    let saturated = wanted(&saturated);
    if !saturated.is_empty() {
        stages.push((
            "the comparison",
            Box::pin(compare::run(saturated, run.clone())),
        ));
    }
    if !wanted(&[Workload::Features]).is_empty() {
        stages.push(("features", Box::pin(features::run(run.clone()))));
    }
    if !wanted(&[Workload::Routes]).is_empty() {
        stages.push(("routes", Box::pin(routes::run(run.clone()))));
    }
    let beside = wanted(&[Workload::Beside, Workload::Latency]);
    if !beside.is_empty() {
        stages.push(("beside", Box::pin(beside::run(beside, run.clone()))));
    }
    if !wanted(&[Workload::Registrations]).is_empty() {
        stages.push(("registrations", Box::pin(registrations::run(run.clone()))));
    }
    if !wanted(&[Workload::Memory]).is_empty() {
        stages.push(("memory", Box::pin(memory::run(run.clone()))));
    }
    if !wanted(&[Workload::Absorb]).is_empty() {
        stages.push(("absorbing", Box::pin(absorb::run(run.clone()))));
    }
    if !wanted(&[Workload::Capacity]).is_empty() {
        stages.push(("capacity", Box::pin(capacity::run(run.clone()))));
    }
    if !wanted(&[Workload::Storm]).is_empty() {
        stages.push(("the storm", Box::pin(storm::run(run.clone()))));
    }
    if !wanted(&[Workload::Convergence]).is_empty() {
        stages.push(("convergence", Box::pin(convergence::run(run.clone()))));
    }
    stages
}

/// Runs what blocks on a thread of its own, away from the proxy's core.
async fn blocking<T: Send + 'static>(
    cores: Cores,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (done, result) = oneshot::channel();
    let run = move || {
        cores.leave_the_proxy_alone();
        // Nobody waits any more when the whole run was given up.
        let _nobody_waits = done.send(work());
    };
    std::thread::Builder::new()
        .name("load".to_owned())
        .spawn(run)?;
    result.await.map_err(io::Error::other)?
}
