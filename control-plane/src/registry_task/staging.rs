//! Large changes of declaring sources, and of operators, are made in the registry and rolled out.

use std::collections::BTreeSet;
use std::time::Duration;

use pointsman_registry::SourceId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::orders::{Refused, Release};
use super::roll_out::{Looked, RollOut, Settings, Stage};
use super::{RegistryTask, log};

/// How often the fleet is looked at while a change is rolled out.
const LOOKS: Duration = Duration::from_millis(100);

/// Where a large change comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A source that declares says something else.
    Source,
    /// An operator let go what was held back.
    Release,
}

impl Cause {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Release => "release",
        }
    }
}

/// A roll-out as it is shown, to sessions and to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rolling {
    /// Its number in this life of the control plane.
    pub number: u64,
    /// Where the change comes from.
    pub cause: Cause,
    /// How far it is.
    pub stage: Stage,
    /// How many routes are changed.
    pub routes: usize,
    /// How many there were.
    pub table: usize,
    /// When it began.
    pub since: Instant,
    /// The data planes that were given it, by id.
    pub admitted: BTreeSet<Box<str>>,
}

/// Whether a change is rolled out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staging {
    /// The number of the latest roll-out; 0 for none yet.
    pub latest: u64,
    /// The one that is under way.
    pub rolling: Option<Rolling>,
}

impl Staging {
    /// Whether something is kept from a data plane.
    pub(crate) fn keeps_from(&self, id: &str) -> bool {
        let rolling = self.rolling.as_ref();
        rolling.is_some_and(|rolling| !rolling.admitted.contains(id))
    }

    /// Up to which roll-out a data plane may have everything.
    pub(crate) fn admits(&self, id: &str) -> u64 {
        match &self.rolling {
            Some(rolling) if !rolling.admitted.contains(id) => 0,
            _ => self.latest,
        }
    }
}

/// The task's part of it.
#[derive(Debug, Default)]
pub(super) struct Stager {
    /// `None`: everything goes at once.
    settings: Option<Settings>,
    roll_out: Option<RollOut>,
    /// The source whose change is being made.
    source: Option<SourceId>,
    /// What an operator let go is being removed.
    releasing: bool,
    shown: watch::Sender<Staging>,
    look_at: Option<Instant>,
}

impl Stager {
    /// Where it is shown.
    pub(super) fn shown(&self) -> watch::Receiver<Staging> {
        self.shown.subscribe()
    }

    /// When to look again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.look_at
    }

    /// Whether what a source says now is part of a change that is rolled out.
    pub(super) fn stages(&self, source: SourceId) -> bool {
        self.source == Some(source)
    }
}

impl RegistryTask {
    /// Has large changes of sources that declare, and large releases, rolled out from data plane to data plane.
    pub fn roll_out(&mut self, settings: Settings) {
        self.stager.settings = Some(settings).filter(|it| it.percent < 100);
    }

    /// A source is about to change so many of the routes that it has.
    pub(super) fn change_begins(&mut self, source: SourceId, routes: usize) {
        let table = self.registry.counts(self.clock.now()).routes;
        if self.begin_roll_out(Cause::Source, routes, table) {
            self.stager.source = Some(source);
        }
    }

    /// It has said all of that.
    pub(super) fn change_ends(&mut self, source: SourceId) {
        if self.stager.stages(source) {
            self.stager.source = None;
            self.change_is_made();
        }
    }

    /// Begins a roll-out where a change asks for one. What is changed while one is under way is part of it, whatever its
    /// size, and begins with the first data planes again.
    pub(super) fn begin_roll_out(&mut self, cause: Cause, routes: usize, table: usize) -> bool {
        let Some(settings) = self.stager.settings else {
            return false;
        };
        let under_way = self.stager.roll_out.is_some();
        let is_fleet = self.handle.replicas.are_several();
        let is_asked_for = is_fleet && settings.is_large(routes, table);
        if !(under_way || is_asked_for) {
            return false;
        }
        self.stager.roll_out = Some(RollOut::new(settings));
        let number = self.registry.begin_staging();
        let before = self.stager.shown.borrow().rolling.clone();
        // What is told to data planes is told to all of them, whatever comes to it.
        let told = before.as_ref().is_some_and(|it| it.cause == Cause::Release);
        let cause = if told { Cause::Release } else { cause };
        let table = before.map_or(table, |before| before.table.max(table));
        self.stager.shown.send_replace(Staging {
            latest: number,
            rolling: Some(Rolling {
                number,
                cause,
                stage: Stage::Preparing,
                routes,
                table,
                since: Instant::now(),
                admitted: BTreeSet::new(),
            }),
        });
        true
    }

    /// The change is made: those who are first are given it now, unless it turns out to be a small one.
    pub(super) fn change_is_made(&mut self) {
        let Some(settings) = self.stager.settings else {
            return;
        };
        if self.stager.source.is_some() || self.stager.releasing {
            return;
        }
        let routes = self.registry.staged_routes();
        let told = self.stager.releases_wait();
        let rolling = self.stager.shown.borrow().rolling.clone();
        let Some(rolling) = rolling else { return };
        if !told && !settings.is_large(routes, rolling.table) {
            self.end_roll_out("it is small");
            return;
        }
        let head = self.registry.head();
        if let Some(roll_out) = &mut self.stager.roll_out {
            roll_out.begin(head, told);
        }
        let shown = Rolling { routes, ..rolling };
        log::roll_out_begins(&shown);
        self.stager.shown.send_modify(|it| it.rolling = Some(shown));
        self.look_at_roll_out();
    }

    /// Takes the next step of a roll-out, if it is time.
    pub(super) fn look_at_roll_out(&mut self) {
        let now = Instant::now();
        if self.stager.releasing && !self.registry.has_released() {
            self.stager.releasing = false;
            self.registry.stage_releases(false);
            self.change_is_made();
            return;
        }
        let Some(roll_out) = &mut self.stager.roll_out else {
            self.stager.look_at = None;
            return;
        };
        self.stager.look_at = Some(now + LOOKS);
        let fleet = self.handle.replicas.seen();
        match roll_out.look(now, &fleet) {
            Looked::Waiting => return,
            Looked::Admitted(names) => log::roll_out_goes_on(&names),
            Looked::Halted(halt) => log::roll_out_halts(&halt),
            Looked::Done => {
                self.end_roll_out("every data plane has it");
                return;
            }
        }
        let (stage, admitted) = (roll_out.stage().clone(), roll_out.admitted());
        self.stager.shown.send_modify(|it| {
            if let Some(rolling) = &mut it.rolling {
                rolling.stage = stage;
                rolling.admitted = admitted;
            }
        });
        self.show_roll_out();
    }

    /// Everybody is given everything.
    fn end_roll_out(&mut self, why: &'static str) {
        self.registry.end_staging(self.clock.now());
        self.stager.roll_out = None;
        self.stager.look_at = None;
        self.stager.source = None;
        self.stager.releasing = false;
        self.registry.stage_releases(false);
        // Whoever begins a session looks at the roll-out first, and then at what is to be told.
        self.release
            .send_if_modified(|latest| latest.as_mut().is_some_and(Release::goes_to_all));
        self.stager.shown.send_modify(|it| it.rolling = None);
        log::roll_out_ends(why);
        self.show_roll_out();
    }

    /// An operator lets a roll-out go on to everybody at once.
    pub(super) fn finish_roll_out(&mut self, epoch: u64, number: u64) -> Result<(), Refused> {
        self.check_epoch(epoch)?;
        let rolling = self.stager.shown.borrow().rolling.clone();
        match rolling {
            // While a source is still speaking, its change is not whole.
            Some(rolling) if rolling.number == number && self.stager.source.is_none() => {
                self.end_roll_out("an operator wants it everywhere");
                Ok(())
            }
            _ => Err(Refused::NoRollOut { number }),
        }
    }

    /// Has what an operator lets go be rolled out, where that is much: what is held here, or at the data planes.
    pub(super) fn stage_release(&mut self, up_to_revision: u64) -> Option<u64> {
        let settings = self.stager.settings?;
        let routes = self.registry.releasable_routes(up_to_revision);
        let table = self.registry.counts(self.clock.now()).routes;
        let here = settings.is_large(routes, table);
        // Data planes may say any number.
        let much = |held: u64, things: u64| {
            u128::from(held) * 100 > u128::from(things) * u128::from(settings.percent)
        };
        let fleet = self.handle.replicas.held_removals();
        let there = fleet.iter().any(|(held, things)| much(*held, *things));
        // What the data planes hold is theirs to count: it is in no table of ours.
        let asked = if there { table.max(1) } else { routes };
        if !(here || there) || !self.begin_roll_out(Cause::Release, asked, table) {
            return None;
        }
        self.stager.releasing = true;
        self.registry.stage_releases(true);
        self.stager.look_at = Some(Instant::now());
        Some(self.stager.shown.borrow().latest)
    }

    fn show_roll_out(&self) {
        let shown = self.stager.shown.borrow();
        let rolling = shown.rolling.as_ref();
        let halted = rolling.is_some_and(|it| matches!(it.stage, Stage::Halted(_)));
        self.metrics
            .roll_out(rolling.map_or(0, |it| it.routes), halted);
    }
}

impl Stager {
    /// Whether a release waits for its turn at the data planes.
    fn releases_wait(&self) -> bool {
        let shown = self.shown.borrow();
        let rolling = shown.rolling.as_ref();
        rolling.is_some_and(|it| it.cause == Cause::Release)
    }
}
