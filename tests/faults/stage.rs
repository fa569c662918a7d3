//! A whole line of real processes under load, with paths that can be broken between them, and its rounds.

mod churn;
mod rest;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hyper::StatusCode;
use pointsman_tests::load::{Load, Outcome};
use pointsman_tests::{Broker, Client, Cut, Instance, Moment, eventually};
use tempfile::TempDir;
use tokio::sync::SemaphorePermit;

pub(crate) use setup::{OUTLASTING, Setup, THRESHOLD};

use crate::fault::{self, Round};
use crate::plane::Plane;
use crate::routes::{Age, Places, Publishing, Removed, Route};
use crate::timeline::Timeline;
use crate::verdict::{Evidence, Judge, Problem};

/// Within which a change has reached every data plane while nothing is broken.
pub(crate) const CONVERGENCE: Duration = Duration::from_secs(1);
/// Within which everything has to be as before once a fault is over. A data plane that has waited for its control plane
/// for long looks for it only every 30 seconds (L-37).
pub(crate) const RECOVERY: Duration = Duration::from_secs(40);
/// Requests before the fault and after it, and during it; half of it in the short form.
const BESIDE: u64 = 300;
const DURING: u64 = 1000;

/// So many, or half of it in the short form.
fn short(count: u64) -> u64 {
    if fault::is_short() { count / 2 } else { count }
}

/// Everything that plays, and what has happened so far.
#[derive(Debug)]
pub(crate) struct Stage {
    setup: Setup,
    /// The files that configurations name.
    _folder: TempDir,
    pub(crate) broker: Broker,
    /// From each control plane to the broker.
    pub(crate) to_broker: Vec<Cut>,
    pub(crate) control_planes: Vec<Plane>,
    /// From the data planes to each control plane.
    pub(crate) to_control_plane: Vec<Cut>,
    pub(crate) data_planes: Vec<Plane>,
    /// From the clients to each data plane, where they are wanted.
    pub(crate) to_data_plane: Vec<Cut>,
    pub(crate) instances: Vec<Instance>,
    /// From the data planes to each port of each instance, where they are wanted.
    pub(crate) to_instance: Vec<Vec<Cut>>,
    pub(crate) publishing: Publishing,
    pub(crate) load: Load,
    pub(crate) timeline: Timeline,
    places: Places,
    stable: Vec<Route>,
    changing: Vec<Route>,
    /// Those that are not asked for.
    crowd: Vec<Route>,
    removed: Vec<Removed>,
    /// Hosts that have to be gone once all of their endpoints have to be.
    buried: Vec<Arc<str>>,
    /// Routes that were there.
    born: u64,
    random: Rng,
    round: Round,
    judge: Judge,
    /// Which data planes a balancer would use.
    healthy: Vec<bool>,
    _turn: SemaphorePermit<'static>,
}

impl Stage {
    /// Begins a round: changes, and a load that nothing disturbs.
    pub(crate) async fn before(&mut self, round: Round) {
        self.random = Rng::with_seed(round.seed);
        self.round = round;
        self.timeline = Timeline::new();
        self.timeline.mark("the round begins");
        self.load.go_on();
        self.change(true).await;
        // Where in the stream of changes and requests the fault hits is drawn.
        let more = self.random.u64(..100);
        self.load.ended(short(BESIDE) + more).await;
        self.timeline.mark("the fault begins");
    }

    /// Load and changes while something is broken. Where nobody hears, every other time for longer than a registration
    /// counts, beginning with the first.
    pub(crate) async fn during(&mut self) {
        if self.setup.is_deaf && !self.round.number.is_multiple_of(2) {
            self.during_at_least(OUTLASTING).await;
        } else {
            self.during_shortly().await;
        }
    }

    async fn during_shortly(&mut self) {
        self.load.ended(short(DURING) / 4).await;
        self.change(false).await;
        self.load.ended(short(DURING) * 3 / 4).await;
    }

    /// Load and changes for at least this long.
    pub(crate) async fn during_at_least(&mut self, wait: Duration) {
        let end = Moment::now().after(wait);
        self.during_shortly().await;
        while Moment::now() < end {
            self.load.ended(DURING / 10).await;
        }
    }

    /// Waits until everything that was registered is answered.
    pub(crate) async fn settle(&mut self) -> Moment {
        for route in &self.changing {
            if route.age == Age::Born {
                self.answered(&route.host, StatusCode::OK, RECOVERY).await;
            }
        }
        self.timeline.mark("everything registered is answered")
    }

    /// The fault is over: what was registered meanwhile is answered, and so is what comes now.
    pub(crate) async fn after(&mut self) {
        self.timeline.mark("the fault is over");
        // What is taken back before everybody hears again may be lost like what was taken back during the fault. Who hears
        // is known by what is registered now, since what was registered then may have been heard before.
        if self.setup.is_deaf {
            self.give_birth().await;
        }
        let converged = self.settle().await;
        self.change(true).await;
        if !self.setup.is_deaf {
            self.has_to_be_gone(converged.after(CONVERGENCE));
        }
        self.load.ended(short(BESIDE)).await;
        self.visit_the_buried().await;
        self.load.pause().await;
    }

    /// Looks at every request of the round. `excused` says which of the lost ones the fault may cost.
    pub(crate) fn verdict(&mut self, excused: impl Fn(&Outcome) -> bool) {
        self.verdict_with(excused, |_| None);
    }

    /// The same, with one more thing to look for.
    pub(crate) fn verdict_with(
        &mut self,
        excused: impl Fn(&Outcome) -> bool,
        also: impl FnOnce(&Evidence<'_>) -> Option<Problem>,
    ) {
        let outcomes = self.load.outcomes();
        let mut received = Vec::new();
        for instance in &mut self.instances {
            received.extend(instance.record().read());
        }
        let evidence = Evidence {
            outcomes: &outcomes,
            received: &received,
            removed: &self.removed,
            timeline: &self.timeline,
        };
        let mut problems = self.judge.judge(&evidence, excused);
        problems.extend(also(&evidence));
        self.judge
            .note(self.setup.name, &self.round, &self.timeline, &problems);
    }

    /// Ends the rounds.
    ///
    /// # Panics
    ///
    /// When a round was not as it should be.
    pub(crate) async fn finish(mut self) {
        if self.setup.is_deaf && !fault::is_short() {
            self.rest().await;
        }
        self.judge.finish(self.setup.name);
    }

    /// What was unregistered while somebody may not have heard it has to be gone from then on.
    fn has_to_be_gone(&mut self, since: Moment) {
        for removed in &mut self.removed {
            removed.since.get_or_insert(since);
        }
    }

    /// A balancer takes this data plane out, or in again.
    pub(crate) fn set_healthy(&mut self, data_plane: usize, healthy: bool) {
        self.healthy[data_plane] = healthy;
        self.load.set_healthy(data_plane, healthy);
    }

    /// Waits until every healthy data plane answers a host with this status. Returns how long the slowest took.
    pub(crate) async fn answered(
        &self,
        host: &str,
        status: StatusCode,
        bound: Duration,
    ) -> Duration {
        let start = Moment::now();
        for (data_plane, healthy) in self.data_planes.iter().zip(&self.healthy) {
            if *healthy {
                let mut client = Client::connect(data_plane.address("http")).await;
                let what = format!(
                    "{status} for {host} ({}, round {}, seed {});\n{}",
                    self.setup.name, self.round.number, self.round.seed, self.timeline
                );
                eventually(&what, bound, async || {
                    let answer = client.get(host, "/probe").await;
                    let answer = answer.map_err(|failure| failure.to_string())?;
                    if answer.status == status {
                        Ok(())
                    } else {
                        Err(format!("{answer:?}"))
                    }
                })
                .await;
            }
        }
        Moment::now().since(start)
    }

    /// How many routes of the crowd a data plane answers with something else than 200.
    pub(crate) async fn missing_of_the_crowd(&self) -> usize {
        let mut client = Client::connect(self.data_planes[0].address("http")).await;
        let mut missing = 0;
        for route in &self.crowd {
            let answer = client.get(&route.host, "/probe").await;
            let answer = answer.expect("an answer of the data plane");
            missing += usize::from(answer.status != StatusCode::OK);
        }
        missing
    }

    /// What the clients ask for now: the stable routes, and those of the changing ones that are to be answered.
    fn ask(&self) {
        let asked = self.changing.iter().filter(|route| route.is_asked());
        let hosts = self.stable.iter().chain(asked);
        let hosts = hosts.filter(|route| self.setup.asks_plain || !route.is_plain());
        self.load
            .ask_for(hosts.map(|route| Arc::clone(&route.host)).collect());
    }
}
