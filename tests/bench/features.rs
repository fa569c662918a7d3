//! What each feature adds to a request, beside the same request without any, in the same round.

mod scene;
mod service;

use std::time::Duration;

use crate::client::{Kind, Target, closed};
use crate::sample::Sample;
use crate::spinner::SHARE;
use crate::workload::Workload;
use crate::{Run, blocking, compare};
pub(crate) use scene::{Feature, Scene, Setup};

/// How long load runs before it counts: until connections stand and what is dead is known to be.
const WARM_UP: Duration = Duration::from_millis(700);

/// Measures every feature, round by round.
pub(crate) async fn run(run: Run) {
    run.options.cores.leave_the_proxy_alone();
    let scene = Box::pin(Scene::set(run.options.cores)).await;
    let proxy = Some(run.options.cores.proxy());
    let mut planes = Vec::new();
    for setup in Setup::ALL {
        planes.push((setup, scene.data_plane(setup, proxy, None).await));
    }
    let plane_of = |feature: Feature| {
        let mut planes = planes.iter();
        planes.find_map(|(setup, plane)| (*setup == feature.setup()).then_some(plane))
    };
    let spinner = compare::spinner(Workload::Features, &run).await;
    let share = spinner.as_ref().map_or(1.0, |_| SHARE);
    for round in 1..=run.options.rounds {
        for feature in Feature::ALL {
            let Some(process) = plane_of(feature) else {
                continue;
            };
            let target = Target {
                address: process.address("http"),
                pid: process.id(),
                routes: 1,
            };
            let plan = closed::Plan {
                target,
                kind: Kind::Small,
                special: Some(feature.request()),
                connections: run.options.connections,
                warm_up: WARM_UP,
                duration: run.options.duration,
            };
            match blocking(run.options.cores, move || closed::run(plan)).await {
                Ok(tally) => run.findings.add(
                    Sample::new(Workload::Features, feature.subject(), round)
                        .with_tally(&tally)
                        .saturated(share),
                ),
                Err(why) => run
                    .findings
                    .note(format!("{}, round {round}: {why}", feature.subject())),
            }
        }
    }
}
