//! In which order data planes are given a large change of a file, or what an operator lets go.
//!
//! One data plane of each group goes first; a group are those that see the same segments. Then come the others, a share of
//! the fleet at a time. Each step waits until the change is acked and requests have gone on to succeed as before for a
//! while. A data plane that rejects it, requests that fail, or data planes that are lost with it halt the roll-out: it
//! waits for another change, or for an operator.
//!
//! This is the order alone: it is told what the fleet looks like and what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// What an operator decides about roll-outs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A change of more than this share of the routes is rolled out in steps; 100: none is.
    pub percent: u8,
    /// A change of so many routes, or fewer, goes at once whatever their share: of a small table each change is a large
    /// part, and an endpoint that is taken off a list is not to be waited for.
    pub least: usize,
    /// The share of the data planes that one step is, in percent; at least one goes.
    pub step_percent: u8,
    /// How long requests have to go on to succeed as before.
    pub calm: Duration,
    /// How long a data plane is waited for that does not ack, or does not report.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            percent: 5,
            least: 50,
            step_percent: 25,
            calm: Duration::from_secs(10),
            patience: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// Whether so many routes of a table are a large change.
    pub(super) fn is_large(&self, routes: usize, table: usize) -> bool {
        routes > self.least
            && routes.saturating_mul(100) > table.saturating_mul(usize::from(self.percent))
    }
}

/// What a data plane had counted when it reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// When that was.
    pub at: Instant,
    /// Requests that were answered.
    pub requests: u64,
    /// Those of them that failed, or found no route.
    pub failed: u64,
}

/// A data plane as it shows itself.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) id: Box<str>,
    pub(super) name: Box<str>,
    /// Those who see the same segments have the same.
    pub(super) group: u64,
    pub(super) acked: u64,
    pub(super) nacked_at: Option<Instant>,
    /// It serves what it is given, and will go on to.
    pub(super) fit: bool,
    /// The first and the last of its latest reports.
    pub(super) traffic: Option<(Traffic, Traffic)>,
}

/// Why a roll-out does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// This data plane rejects something since it was given the change.
    Rejected(Box<str>),
    /// More requests fail since the change, at this data plane or at all of them that have it.
    Failing(Option<Box<str>>),
    /// So many data planes left, or did not ack, after they were given the change.
    Lost(usize),
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(name) => write!(f, "{name} rejects a part of it"),
            Self::Failing(Some(name)) => write!(f, "more requests fail at {name} since it has it"),
            Self::Failing(None) => {
                f.write_str("more requests fail at the data planes that have it")
            }
            Self::Lost(lost) => write!(f, "{lost} data planes were lost since they have it"),
        }
    }
}

/// How far a roll-out is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The change is still being made.
    Preparing,
    /// One data plane of each group has it.
    First,
    /// The others get it, step by step.
    Steps,
    /// It waits for another change, or for an operator.
    Halted(Halt),
}

impl Stage {
    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::First => "first",
            Self::Steps => "steps",
            Self::Halted(_) => "halted",
        }
    }
}

/// What came of a look at the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// Nothing that others have to know.
    Waiting,
    /// These are given the change now.
    Admitted(Vec<Box<str>>),
    /// It goes no further.
    Halted(Halt),
    /// Everybody has it.
    Done,
}

/// One roll-out.
#[derive(Debug)]
pub(super) struct RollOut {
    settings: Settings,
    /// The revision of the last of the change; `None` while it is being made.
    target: Option<u64>,
    /// It is told to every data plane, whatever that has acked.
    for_all: bool,
    stage: Stage,
    turns: BTreeMap<Box<str>, Turn>,
    step: usize,
    /// When those were last seen who are still to be given it.
    wanting: BTreeMap<Box<str>, Instant>,
}

/// A data plane that was given the change.
#[derive(Debug)]
struct Turn {
    name: Box<str>,
    group: u64,
    step: usize,
    since: Instant,
    acked_at: Option<Instant>,
    lost: bool,
    /// What it counted before.
    before: Option<(Traffic, Traffic)>,
    latest: Option<Traffic>,
}

/// So few failures tell nothing.
const FEW: f64 = 5.0;

/// So many standard deviations, and such a share of the requests, are within what chance does.
const DEVIATIONS: f64 = 3.0;
const SHARE: f64 = 0.01;

/// Requests and failures, before and since.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    /// How many failures would be as before.
    expected: f64,
    requests: f64,
    failed: f64,
}

impl Rates {
    fn have_risen(self) -> bool {
        let chance = DEVIATIONS * self.expected.sqrt() + SHARE * self.requests;
        self.failed >= FEW && self.failed > self.expected + chance
    }

    fn plus(self, other: Self) -> Self {
        Self {
            expected: self.expected + other.expected,
            requests: self.requests + other.requests,
            failed: self.failed + other.failed,
        }
    }
}

impl Turn {
    /// `None` where there is nothing to compare.
    fn rates(&self) -> Option<Rates> {
        let ((first, last), latest) = (self.before?, self.latest?);
        let [asked, failed] = between(first, last);
        let [requests, failed_since] = between(last, latest);
        let share = if asked > 0.0 { failed / asked } else { 0.0 };
        Some(Rates {
            expected: share * requests,
            requests,
            failed: failed_since,
        })
    }

    /// Whether it need not be waited for any more.
    fn is_settled(&self, settings: &Settings, now: Instant) -> bool {
        let Some(acked_at) = self.acked_at else {
            return self.lost;
        };
        let calm = acked_at + settings.calm;
        let reported = self.latest.is_some_and(|it| it.at >= calm);
        self.lost || (now >= calm && (reported || now >= calm + settings.patience))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shares of requests are compared, of which no data plane has 2^52 between two reports"
)]
fn between(before: Traffic, after: Traffic) -> [f64; 2] {
    [
        after.requests.saturating_sub(before.requests) as f64,
        after.failed.saturating_sub(before.failed) as f64,
    ]
}

impl RollOut {
    /// A roll-out of a change that is being made.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            target: None,
            for_all: false,
            stage: Stage::Preparing,
            turns: BTreeMap::new(),
            step: 0,
            wanting: BTreeMap::new(),
        }
    }

    /// The change is made, and ends with this revision. `for_all`: it is more than what stands in the table, so those who
    /// have that are still to be told.
    pub(super) fn begin(&mut self, target: u64, for_all: bool) {
        self.target = Some(target);
        self.for_all = for_all;
        self.stage = Stage::First;
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Who was given the change, by id.
    pub(super) fn admitted(&self) -> BTreeSet<Box<str>> {
        self.turns.keys().cloned().collect()
    }

    /// Looks at the fleet, and decides what comes next.
    pub(super) fn look(&mut self, now: Instant, fleet: &[Seen]) -> Looked {
        let Some(target) = self.target else {
            return Looked::Waiting;
        };
        if let Stage::Halted(_) = self.stage {
            return Looked::Waiting;
        }
        self.see(now, target, fleet);
        if let Some(halt) = self.reason_to_halt(fleet) {
            self.stage = Stage::Halted(halt.clone());
            return Looked::Halted(halt);
        }
        let mut current = self.turns.values().filter(|turn| turn.step == self.step);
        if !current.all(|turn| turn.is_settled(&self.settings, now)) {
            return Looked::Waiting;
        }
        let lacks = |it: &Seen| self.for_all || it.acked < target;
        let wants = |it: &&Seen| lacks(it) && !self.turns.contains_key(&it.id);
        let mut wanting: Vec<&Seen> = fleet.iter().filter(wants).collect();
        wanting.sort_by_key(|it| (!it.fit, &it.name, &it.id));
        let first = self.first_of_groups(&wanting);
        if !first.is_empty() {
            return self.admit(&first, now);
        }
        let share = fleet.len() * usize::from(self.settings.step_percent) / 100;
        let next: Vec<_> = wanting.into_iter().take(share.max(1)).collect();
        if !next.is_empty() {
            self.stage = Stage::Steps;
            return self.admit(&next, now);
        }
        // Those who are away for a moment are still to be given it in their turn.
        let patience = self.settings.patience;
        let mut away = self.wanting.values();
        if away.any(|seen| now < *seen + patience) {
            return Looked::Waiting;
        }
        Looked::Done
    }

    fn see(&mut self, now: Instant, target: u64, fleet: &[Seen]) {
        self.wanting.retain(|id, _| !self.turns.contains_key(id));
        for seen in fleet {
            if let Some(turn) = self.turns.get_mut(&seen.id) {
                turn.latest = seen.traffic.map(|(_, latest)| latest).or(turn.latest);
                // One that had not reported yet is watched from its first report on.
                turn.before = turn.before.or(turn.latest.map(|first| (first, first)));
                if seen.acked >= target {
                    turn.acked_at.get_or_insert(now);
                }
            } else if self.for_all || seen.acked < target {
                self.wanting.insert(seen.id.clone(), now);
            } else {
                self.wanting.remove(&seen.id);
            }
        }
        let there: BTreeSet<&str> = fleet.iter().map(|seen| &*seen.id).collect();
        for (id, turn) in &mut self.turns {
            let is_there = there.contains(&**id);
            turn.lost |= match turn.acked_at {
                Some(acked_at) => {
                    !is_there && now >= acked_at + self.settings.calm && turn.step == self.step
                }
                None => now >= turn.since + self.settings.patience,
            };
        }
    }

    fn reason_to_halt(&self, fleet: &[Seen]) -> Option<Halt> {
        for seen in fleet {
            let turn = self.turns.get(&seen.id);
            if turn.is_some_and(|turn| seen.nacked_at.is_some_and(|at| at >= turn.since)) {
                return Some(Halt::Rejected(seen.name.clone()));
            }
        }
        let mut all = Rates::default();
        for turn in self.turns.values() {
            let Some(rates) = turn.rates() else { continue };
            if rates.have_risen() {
                return Some(Halt::Failing(Some(turn.name.clone())));
            }
            all = all.plus(rates);
        }
        if all.have_risen() {
            return Some(Halt::Failing(None));
        }
        let lost = self.turns.values().filter(|turn| turn.lost).count();
        (lost > 1 + fleet.len() / 10).then_some(Halt::Lost(lost))
    }

    /// One of each group in which nobody has shown yet that the change is good.
    fn first_of_groups<'a>(&self, wanting: &[&'a Seen]) -> Vec<&'a Seen> {
        let good = self
            .turns
            .values()
            .filter(|it| it.acked_at.is_some() && !it.lost);
        let mut tried: BTreeSet<u64> = good.map(|turn| turn.group).collect();
        let untried = wanting.iter().filter(|it| tried.insert(it.group));
        untried.copied().collect()
    }

    fn admit(&mut self, chosen: &[&Seen], now: Instant) -> Looked {
        self.step += 1;
        for seen in chosen {
            let turn = Turn {
                name: seen.name.clone(),
                group: seen.group,
                step: self.step,
                since: now,
                acked_at: None,
                lost: false,
                before: seen.traffic,
                latest: None,
            };
            self.turns.insert(seen.id.clone(), turn);
        }
        Looked::Admitted(chosen.iter().map(|it| it.name.clone()).collect())
    }
}

#[cfg(test)]
mod tests;
