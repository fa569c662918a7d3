//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use crate::machine::Cores;
use crate::workload::Workload;

const USAGE: &str = "usage: tests/bench/run [OPTIONS]
  --only W,...       only these workloads: keep-alive, keep-alive-log, keep-alive-wrk, keep-alive-log-wrk,
                     new-connection, download, upload, features, routes, registrations, beside, latency, memory, absorb,
                     capacity, convergence, storm; the last four together: control-plane
  --rounds N         rounds of every subject (5)
  --seconds S        seconds of one measurement (2)
  --connections N    keep-alive connections of the load (64)
  --routes N         routes of the large tables (100000); the routes workload goes up to ten times as many
  --previous DIR     the folder of an earlier release build, as one more peer
  --json FILE        write every measurement and the medians there as well
  --yardstick MODE   compare, renew or show: instructions per request under callgrind, and nothing else";

/// What is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Proxies are measured.
    Bench,
    /// Instructions are counted and compared with those in the repository.
    Compare,
    /// They are counted and written there.
    Renew,
    /// They are counted, and shown by function.
    Show,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) mode: Mode,
    pub(crate) only: Vec<Workload>,
    /// How often every subject is measured.
    pub(crate) rounds: usize,
    /// How long one measurement lasts.
    pub(crate) duration: Duration,
    /// The keep-alive connections of the load.
    pub(crate) connections: usize,
    /// The routes of the large tables.
    pub(crate) routes: u32,
    /// Where an earlier build is.
    pub(crate) previous: Option<PathBuf>,
    /// Where the figures go as JSON.
    pub(crate) json: Option<PathBuf>,
    pub(crate) cores: Cores,
}

/// Reads the command line; the error is what to print.
pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let cores = Cores::find()
        .ok_or("the bench needs two cores: one for the proxy, one for the rest".to_owned())?;
    let mut options = Options {
        mode: Mode::Bench,
        only: Workload::ALL.to_vec(),
        rounds: 5,
        duration: Duration::from_secs(2),
        connections: 64,
        routes: 100_000,
        previous: None,
        json: None,
        cores,
    };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        options
            .set(&argument, &value)
            .map_err(|error| format!("{argument} {value}: {error}\n{USAGE}"))?;
    }
    Ok(options)
}

impl Options {
    fn set(&mut self, argument: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<usize>().map_err(|error| error.to_string());
        match argument {
            "--only" => self.only = workloads(value)?,
            "--rounds" => self.rounds = number()?.max(1),
            "--seconds" => {
                let seconds: f64 = value.parse().map_err(|_| "is no number of seconds")?;
                let duration = Duration::try_from_secs_f64(seconds);
                self.duration = duration.map_err(|error| error.to_string())?;
            }
            "--connections" => self.connections = number()?.max(1),
            "--routes" => self.routes = value.parse().map_err(|_| "is no number of routes")?,
            "--previous" => self.previous = Some(value.into()),
            "--json" => self.json = Some(value.into()),
            "--yardstick" => self.mode = mode(value)?,
            _ => return Err("is not known".to_owned()),
        }
        Ok(())
    }
}

fn workloads(names: &str) -> Result<Vec<Workload>, String> {
    let find = |name: &str| {
        let found = Workload::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| format!("no workload is called {name:?}"))
    };
    let mut all = Vec::new();
    for name in names.split(',') {
        match name {
            "control-plane" => all.extend(Workload::CONTROL_PLANE),
            _ => all.push(find(name)?),
        }
    }
    Ok(all)
}

fn mode(name: &str) -> Result<Mode, String> {
    match name {
        "compare" => Ok(Mode::Compare),
        "renew" => Ok(Mode::Renew),
        "show" => Ok(Mode::Show),
        _ => Err("write compare, renew or show".to_owned()),
    }
}
