//! What a registration costs the control plane, new and unchanged.

use std::time::Duration;

use pointsman_tests::Process;

use super::TURNS;
use super::callgrind::{Callgrind, Profile};
use super::figures::{Cost, Figures};
use crate::absorb::absorbed_by;
use crate::options::{Mode, Options};
use crate::ours::feed::packed;
use crate::ours::{ControlPlane, Feed, Line, Messages};
use crate::report::{AGAIN, NEW};

/// Messages of one turn.
const MESSAGES: u32 = 3_000;
/// Between two looks at how many were absorbed: each costs instructions as well.
const LOOK: Duration = Duration::from_millis(300);
/// How many looks there are at most.
const LOOKS: u32 = 400;

/// Counts both.
pub(super) async fn count(options: &Options, figures: &mut Figures) -> Result<(), String> {
    let callgrind = Callgrind::of_control_plane().map_err(|error| error.to_string())?;
    let line = Line::start_as(ControlPlane {
        binary: Some(callgrind.program()),
        ..ControlPlane::default()
    })
    .await;
    let feed = Feed::connect(&line.broker).await;
    let mut stage = Stage {
        callgrind,
        control_plane: &line.control_plane,
        feed: feed.map_err(|error| error.to_string())?,
        absorbed: 0.0,
    };
    // What is made once is made before it counts.
    stage.publish(0).await?;
    for name in [NEW, AGAIN] {
        let mut least = u64::MAX;
        for turn in 1..=TURNS {
            // New ones are others in each turn, unchanged ones those of the first.
            let from = if name == NEW { turn } else { 0 };
            let profile = stage.count(name, u32::try_from(from).unwrap_or(0)).await?;
            least = least.min(profile.instructions());
            if options.mode == Mode::Show && turn == TURNS {
                profile.show()?;
            }
        }
        let cost = Cost {
            instructions: (least as f64 / f64::from(MESSAGES)).round(),
            // They come and go with the pieces in which messages arrive.
            system_calls: 0.0,
        };
        figures.add(name, cost);
    }
    Ok(())
}

struct Stage<'a> {
    callgrind: Callgrind,
    control_plane: &'a Process,
    feed: Feed,
    absorbed: f64,
}

impl Stage<'_> {
    async fn count(&mut self, name: &str, part: u32) -> Result<Profile, String> {
        self.callgrind.begin(self.control_plane.id())?;
        self.publish(part).await?;
        self.callgrind.end(self.control_plane.id(), name)
    }

    /// Publishes the messages of a part of all routes, and waits until they are absorbed.
    async fn publish(&mut self, part: u32) -> Result<(), String> {
        let packet = packed(&Messages::tls(), part * MESSAGES..(part + 1) * MESSAGES, 0);
        let published = self.feed.publish(&packet).await;
        published.map_err(|error| error.to_string())?;
        self.absorbed += f64::from(MESSAGES);
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK).await;
            if absorbed_by(self.control_plane.address("admin")).await >= self.absorbed {
                return Ok(());
            }
        }
        Err("the control plane does not absorb what is published".to_owned())
    }
}
