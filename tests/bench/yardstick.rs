//! The yardstick: what a request costs in instructions and in system calls, which no other work of the machine changes.
//!
//! A fixed exchange goes through the data plane that is shipped, under callgrind, one request after the other, and the
//! instructions of its one worker are counted; then through the same data plane under strace. What was counted when the
//! file in the repository was last renewed is what a change is compared with.

mod callgrind;
mod exchange;
mod figures;
mod strace;

use std::path::{Path, PathBuf};

use pointsman_tests::Process;

use crate::backend;
use crate::backend::Manners;
use crate::options::{Mode, Options};
use crate::ours::feed::packed;
use crate::ours::{DataPlane, Feed, Line, Messages, serves};
use callgrind::Callgrind;
use exchange::Exchange;
use figures::{Cost, Figures};

/// Where the figures are kept.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/yardstick.json");
/// How often each exchange is counted. The least counts: what is above it came of bytes that arrived in more pieces.
const TURNS: usize = 3;
/// Requests before the counted ones: until buffers and connections are as they stay.
const WARM_UP: usize = 100;

/// Counts, and does with the figures what was asked for.
#[expect(clippy::print_stdout, reason = "the report of a tool")]
pub(crate) async fn run(options: &Options) -> Result<(), String> {
    let file = Path::new(FILE);
    let stage = Stage::set(options).await;
    let mut figures = Figures::default();
    for access_log in [false, true] {
        stage.count(access_log, options, &mut figures).await?;
    }
    match options.mode {
        Mode::Renew => {
            println!("{figures}");
            figures.write(file)
        }
        Mode::Compare => {
            let kept = Figures::read(file)?;
            println!("{}", figures.beside(&kept));
            figures.check(&kept)
        }
        Mode::Show | Mode::Bench => {
            println!("{figures}");
            Ok(())
        }
    }
}

struct Stage {
    line: Line,
}

impl Stage {
    async fn set(options: &Options) -> Self {
        let backend = backend::start(options.cores, Manners::Ordinary);
        let line = Line::start().await;
        let mut feed = Feed::connect(&line.broker).await.expect("the broker");
        let routes = packed(&Messages::plain(backend), 0..1, 0);
        feed.publish(&routes).await.expect("the broker");
        Self { line }
    }

    /// Counts every exchange of a data plane with or without access log.
    async fn count(
        &self,
        access_log: bool,
        options: &Options,
        figures: &mut Figures,
    ) -> Result<(), String> {
        let callgrind = Callgrind::new().map_err(|error| error.to_string())?;
        let process = self
            .start(Some(callgrind.program().to_owned()), access_log)
            .await;
        let mut counted = Vec::new();
        for exchange in Exchange::of(access_log) {
            exchange.run(process.address("http"), WARM_UP)?;
            let mut least = u64::MAX;
            for turn in 1..=TURNS {
                callgrind.begin(process.id())?;
                exchange.run(process.address("http"), exchange.requests())?;
                let profile = callgrind.end(process.id(), exchange.name())?;
                least = least.min(profile.instructions());
                if options.mode == Mode::Show && turn == TURNS {
                    profile.show()?;
                }
            }
            counted.push((exchange, least));
        }
        drop(process);
        let process = self.start(None, access_log).await;
        for (exchange, instructions) in counted {
            exchange.run(process.address("http"), WARM_UP)?;
            let calls = strace::count(&process, || {
                exchange.run(process.address("http"), exchange.requests())
            })?;
            let requests = exchange.requests() as f64;
            let cost = Cost {
                instructions: (instructions as f64 / requests).round(),
                system_calls: (calls as f64 / requests * 100.0).round() / 100.0,
            };
            figures.add(exchange.name(), cost);
        }
        Ok(())
    }

    async fn start(&self, binary: Option<PathBuf>, access_log: bool) -> Process {
        let how = DataPlane {
            binary: binary.as_deref(),
            access_log,
            ..DataPlane::default()
        };
        let process = self.line.data_plane(how).await;
        serves(process.address("http"), 0).await;
        process
    }
}
