//! The yardstick: what a request costs in instructions and in system calls, which no other work of the machine changes.
//!
//! A fixed exchange goes through the data plane that is shipped, under callgrind, one request after the other, and the
//! instructions of its one worker are counted; then through the same data plane under strace. Of the control plane,
//! the instructions of all its threads are counted per registration. What was counted when the file in the repository
//! was last renewed is what a change is compared with.

mod callgrind;
mod control_plane;
mod exchange;
mod figures;
mod strace;

use std::path::Path;

use crate::features::{Scene, Setup};
use crate::options::{Mode, Options};
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
    let stage = Stage {
        scene: Box::pin(Scene::set(options.cores)).await,
    };
    let mut figures = Figures::default();
    for setup in Setup::ALL {
        stage.count(setup, options, &mut figures).await?;
    }
    control_plane::count(options, &mut figures).await?;
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
    scene: Scene,
}

impl Stage {
    /// Counts every exchange of a data plane that is set up like this.
    async fn count(
        &self,
        setup: Setup,
        options: &Options,
        figures: &mut Figures,
    ) -> Result<(), String> {
        let callgrind = Callgrind::of_data_plane().map_err(|error| error.to_string())?;
        let process = self
            .scene
            .data_plane(setup, None, Some(callgrind.program()))
            .await;
        let mut counted = Vec::new();
        for exchange in Exchange::of(setup) {
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
        let process = self.scene.data_plane(setup, None, None).await;
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
}
