//! What the command line asks for.

use std::path::PathBuf;
use std::thread::available_parallelism;

const USAGE: &str = "usage: tests/bench/run [OPTIONS]
  --rounds N         rounds of every subject (7)
  --seconds N        seconds of one measurement (6)
  --connections N    keep-alive connections of the load (64)
  --json FILE        write every round and the medians there as well";

/// A run.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often every subject is measured.
    pub(crate) rounds: usize,
    /// How long one measurement lasts.
    pub(crate) seconds: u64,
    /// The keep-alive connections of the load.
    pub(crate) connections: usize,
    /// Where the figures go as JSON.
    pub(crate) json: Option<PathBuf>,
    /// The core of the proxy that is measured.
    pub(crate) proxy_core: usize,
    /// The cores of backend and load, as `taskset -c` reads them.
    pub(crate) other_cores: String,
}

/// Reads the command line; the error is what to print.
pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let cores = available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Err("the bench needs two cores: one for the proxy, one for the rest".to_owned());
    }
    let mut options = Options {
        rounds: 7,
        seconds: 6,
        connections: 64,
        json: None,
        proxy_core: 0,
        other_cores: format!("1-{}", cores - 1),
    };
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || {
            value
                .parse::<usize>()
                .map_err(|error| format!("{argument}: {error}\n{USAGE}"))
        };
        match argument.as_str() {
            "--rounds" => options.rounds = number()?.max(1),
            "--seconds" => options.seconds = number()?.max(1) as u64,
            "--connections" => options.connections = number()?.max(1),
            "--json" => options.json = Some(value.into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}
