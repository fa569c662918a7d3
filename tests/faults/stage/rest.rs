//! The quiet after all rounds, in which what nobody speaks for has to go.

use std::time::Duration;

use pointsman_tests::{Moment, eventually};
use serde_json::{Value, json};

use super::{CONVERGENCE, DURING, RECOVERY, Stage};
use crate::stage::setup::{INTERVAL, THRESHOLD};
use crate::timeline::Timeline;

/// Within which an endpoint is gone that nobody speaks for, once every control plane may conclude something from silence.
/// One that has heard of it counts its silence, on a clock that stands for up to an interval. For one that never heard of
/// it a data plane makes an orphan of it, which lives for a threshold, and on to a full second.
const FORGOTTEN: Duration = INTERVAL
    .saturating_add(THRESHOLD)
    .saturating_add(Duration::from_secs(1))
    .saturating_add(CONVERGENCE);
/// Within which a control plane may conclude something: an interval after it came back to its broker, and a threshold after
/// it was born.
const AUTHORITATIVE: Duration = INTERVAL.saturating_add(THRESHOLD).saturating_add(RECOVERY);
/// The longest that the quiet may take.
const QUIET: Duration = Duration::from_secs(90);

impl Stage {
    /// Lets so much time pass without a fault that what nobody speaks for has to be gone, and looks whether it is. Between
    /// rounds there is no such time: the clock of a source stands while it is away, and for an interval after.
    pub(super) async fn rest(&mut self) {
        self.timeline = Timeline::new();
        let quiet = self.timeline.mark("nothing is broken any more");
        self.load.go_on();
        for plane in &self.control_planes {
            eventually(
                "an authoritative control plane",
                AUTHORITATIVE,
                async || {
                    let shown = plane.shown("/v1/replicas").await?;
                    if shown["standing"]["authoritative"] == true {
                        Ok(())
                    } else {
                        Err(shown["standing"].to_string())
                    }
                },
            )
            .await;
        }
        let heard_out = self.timeline.mark("every control plane is authoritative");
        let mut since = heard_out.after(FORGOTTEN);
        while Moment::now() < since {
            self.load.ended(DURING / 10).await;
            if self.release_what_is_held().await {
                since = self
                    .timeline
                    .mark("what was held is released")
                    .after(FORGOTTEN);
                assert!(
                    since < quiet.after(QUIET),
                    "what was released is held again and again:\n{}",
                    self.timeline
                );
            }
        }
        self.has_to_be_gone(since);
        while Moment::now() < since.after(CONVERGENCE) {
            self.load.ended(DURING / 10).await;
        }
        self.visit_the_buried().await;
        self.load.pause().await;
        self.verdict(|_| false);
    }

    /// So many rounds in a minute lose more unregistrations than the guard lets pass (L-35), and what it holds waits for an
    /// operator, who lets it go here. Whether there was something.
    async fn release_what_is_held(&self) -> bool {
        let mut holds = false;
        for plane in &self.data_planes {
            let shown = plane.shown("/status").await.expect("a data plane's status");
            holds |= shown["table"]["held_removals"] != 0;
        }
        let mut fleet = Vec::new();
        for plane in &self.control_planes {
            let shown = plane.shown("/v1/replicas").await;
            let shown = shown.expect("what a control plane shows");
            holds |= shown["guard"]["held_expiries"] != 0;
            fleet.push((plane, shown));
        }
        if holds {
            for (plane, shown) in fleet {
                let order = release_of(&shown);
                let taken = plane.order("/v1/release", &order).await;
                taken.expect("a release that is taken");
            }
        }
        holds
    }

    /// Waits until every data plane follows a control plane, whatever its word is worth.
    pub(crate) async fn followed(&self) {
        for plane in &self.data_planes {
            eventually("a control plane to be followed", RECOVERY, async || {
                let shown = plane.shown("/status").await?;
                if shown["followed"].is_null() {
                    Err(shown.to_string())
                } else {
                    Ok(())
                }
            })
            .await;
        }
    }

    /// Waits until every data plane has noticed that nobody speaks to it any more.
    pub(crate) async fn unfollowed(&self) {
        for plane in &self.data_planes {
            eventually("the silence to be noticed", RECOVERY, async || {
                let shown = plane.shown("/status").await?;
                if shown["followed"].is_null() {
                    Ok(())
                } else {
                    Err(shown["followed"].to_string())
                }
            })
            .await;
        }
    }

    /// How many orphans and held removals there are at the data planes, in all.
    pub(crate) async fn doubted(&self) -> u64 {
        let mut doubted = 0;
        for plane in &self.data_planes {
            let shown = plane.shown("/status").await.expect("a data plane's status");
            for kind in ["orphans", "held_removals"] {
                let count = shown["table"][kind].as_u64();
                doubted += count.unwrap_or_else(|| panic!("{kind} in {shown}"));
            }
        }
        doubted
    }
}

fn release_of(shown: &Value) -> Value {
    json!({ "epoch": shown["epoch"], "up_to_revision": shown["wanted_revision"] })
}
