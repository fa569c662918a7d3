//! Those that stand, and what becomes of them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use pointsman_process::telemetry::AUDIT;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::bounds::{Bounds, Limit};
use super::effect::Effect;
use super::switches::{Serving, Switches};
use crate::persisted::{Folder, GENERATIONS, Lifetimes, Moment, Unusable};
use crate::servable::Servable;

/// The most overrides at once.
const MOST: usize = 64;

/// An override that is to be put.
#[derive(Clone, Debug)]
pub(crate) struct NewOverride {
    /// What it does.
    pub(crate) effect: Effect,
    /// Who answers for it.
    pub(crate) who: Box<str>,
    /// What for.
    pub(crate) why: Box<str>,
    /// How long it stands.
    pub(crate) length: Duration,
    /// Also where a table is older than may be served otherwise.
    pub(crate) force: bool,
}

/// An override that stands.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// Its name: random, so that none of an earlier life of the process is meant by it.
    pub(crate) id: Box<str>,
    /// What it does.
    pub(crate) effect: Effect,
    /// Who answers for it.
    pub(crate) who: Box<str>,
    /// What for.
    pub(crate) why: Box<str>,
    /// Also where a table is older than may be served otherwise.
    pub(crate) force: bool,
    /// When it began, by the wall clock.
    pub(crate) since: Timestamp,
    /// When it ends, by the wall clock as it was then.
    pub(crate) until: Timestamp,
    /// When it ends.
    pub(crate) ends: Instant,
}

/// Why an order is not followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// There is nothing yet that could stay as it is.
    #[error("there is no table yet that could be frozen")]
    NoTable,
    /// Only one of them can decide which table is served.
    #[error("the override {0} decides already which table is served; end it first")]
    TableTaken(Box<str>),
    /// The table is not kept.
    #[error("no table is kept on disk: the configuration names no state.folder")]
    NoFolder,
    /// It was not written yet.
    #[error(
        "there is no generation {0} of the table on disk; there are at most {GENERATIONS}, and 1 is the last that was written"
    )]
    NoGeneration(u8),
    /// It cannot be served from.
    #[error("generation {0} of the table on disk cannot be served: {1}")]
    Unusable(u8, Unusable),
    /// That is no raise.
    #[error("{limit} is {usual} already; {}", expected(*usual, *most))]
    NoRaise {
        /// Which bound.
        limit: Limit,
        /// What it usually is.
        usual: usize,
        /// What it can be raised to.
        most: usize,
    },
    /// There are as many overrides as there may be.
    #[error("{MOST} overrides stand already; end one of them first")]
    TooMany,
    /// There is no such override, or not any more.
    #[error("no override of the id {0:?} stands at this data plane")]
    None(Box<str>),
}

/// The generations of the table on disk, and how long they may be served.
#[derive(Clone, Debug)]
pub(crate) struct Generations {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The digest of the filter that is configured.
    pub(crate) filter: u64,
    /// For how long after a control plane confirmed them.
    pub(crate) lifetimes: Lifetimes,
}

/// The overrides of this data plane. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Overrides(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    standing: Mutex<Vec<Override>>,
    changed: Notify,
    switches: Arc<Switches>,
    bounds: Bounds,
    servable: Servable,
    generations: Option<Generations>,
}

impl Overrides {
    /// None stands.
    pub(crate) fn new(
        switches: Arc<Switches>,
        bounds: Bounds,
        servable: Servable,
        generations: Option<Generations>,
    ) -> Self {
        Self(Arc::new(Inner {
            standing: Mutex::default(),
            changed: Notify::new(),
            switches,
            bounds,
            servable,
            generations,
        }))
    }

    /// What they switch.
    pub(crate) fn switches(&self) -> &Arc<Switches> {
        &self.0.switches
    }

    fn standing(&self) -> MutexGuard<'_, Vec<Override>> {
        // No change of the list can be left half done.
        let standing = self.0.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that stand, in the order in which they were put.
    pub(crate) fn list(&self) -> Vec<Override> {
        self.standing().clone()
    }

    /// What is in force, for the log.
    pub(crate) fn state(&self) -> String {
        let serving = match self.0.switches.wanted() {
            Serving::Received => "what is received".to_owned(),
            Serving::Frozen => "the frozen table".to_owned(),
            Serving::Generation { number, .. } => format!("generation {number}"),
        };
        let standing = self.standing();
        let disabled = standing.iter().filter_map(|it| match &it.effect {
            Effect::DisableRouteService(name) => Some(name.to_string()),
            _ => None,
        });
        let disabled: Vec<_> = disabled.collect();
        let bounds = Limit::ALL.map(|limit| format!("{limit} {}", self.0.bounds.now(limit)));
        let disabled = if disabled.is_empty() {
            "none".to_owned()
        } else {
            disabled.join(", ")
        };
        let http2 = if self.0.switches.disable_http2() {
            "disabled"
        } else {
            "as configured"
        };
        format!(
            "serves {serving}; route services disabled: {disabled}; HTTP/2 {http2}; {}",
            bounds.join(", ")
        )
    }

    /// Puts one.
    ///
    /// # Errors
    ///
    /// Where it makes no sense now.
    pub(crate) async fn place(&self, new: NewOverride) -> Result<Override, Refused> {
        self.check(&new).await?;
        let mut standing = self.standing();
        if standing.len() >= MOST {
            return Err(Refused::TooMany);
        }
        let other = standing.iter().find(|it| it.effect.is_of_the_table());
        if let Some(other) = other.filter(|_| new.effect.is_of_the_table()) {
            return Err(Refused::TableTaken(other.id.clone()));
        }
        let since = Timestamp::now();
        let placed = Override {
            id: free_name(&standing),
            effect: new.effect,
            who: new.who,
            why: new.why,
            force: new.force,
            since,
            until: since.saturating_add(new.length).unwrap_or(Timestamp::MAX),
            ends: Instant::now() + new.length,
        };
        standing.push(placed.clone());
        self.apply(&standing);
        drop(standing);
        self.0.changed.notify_one();
        Ok(placed)
    }

    async fn check(&self, new: &NewOverride) -> Result<(), Refused> {
        match new.effect {
            Effect::FreezeTable if !self.0.servable.now() => Err(Refused::NoTable),
            Effect::LastKnownGood(number) => self.check_generation(number, new.force).await,
            Effect::RaiseLimit(limit, to) => {
                let (usual, most) = (self.0.bounds.usual(limit), self.0.bounds.most(limit));
                if to > usual && to <= most {
                    return Ok(());
                }
                Err(Refused::NoRaise { limit, usual, most })
            }
            Effect::FreezeTable | Effect::DisableRouteService(_) | Effect::DisableHttp2 => Ok(()),
        }
    }

    /// Looks at a generation from its first byte to its last, away from the control thread.
    async fn check_generation(&self, number: u8, at_any_age: bool) -> Result<(), Refused> {
        let generations = self.0.generations.clone().ok_or(Refused::NoFolder)?;
        let found = tokio::task::spawn_blocking(move || {
            let Generations {
                folder,
                filter,
                lifetimes,
            } = generations;
            let lifetimes = if at_any_age {
                Lifetimes::FOR_EVER
            } else {
                lifetimes
            };
            let folder = Folder::new(folder);
            let found = folder.generation(number, (filter, lifetimes), &Moment::now());
            found.map(|found| found.is_some())
        });
        match found.await {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(why)) => Err(Refused::Unusable(number, why)),
            Ok(Ok(false)) | Err(_) => Err(Refused::NoGeneration(number)),
        }
    }

    /// Ends one before its time.
    ///
    /// # Errors
    ///
    /// Where there is none of this name.
    pub(crate) fn end(&self, id: &str) -> Result<Override, Refused> {
        let mut standing = self.standing();
        let at = standing.iter().position(|it| *it.id == *id);
        let at = at.ok_or_else(|| Refused::None(id.into()))?;
        let ended = standing.remove(at);
        self.apply(&standing);
        Ok(ended)
    }

    fn apply(&self, standing: &[Override]) {
        self.0.switches.follow(standing);
        for limit in Limit::ALL {
            let raised = standing.iter().filter_map(|it| match it.effect {
                Effect::RaiseLimit(raised, to) if raised == limit => Some(to),
                _ => None,
            });
            self.0.bounds.set(limit, raised.max());
        }
    }

    /// Ends those whose time is over, until `end` is cancelled.
    pub(crate) async fn run(self, end: CancellationToken) {
        loop {
            let next = self.standing().iter().map(|it| it.ends).min();
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = end.cancelled() => return,
                () = self.0.changed.notified() => {}
                () = due => self.end_due(),
            }
        }
    }

    fn end_due(&self) {
        let now = Instant::now();
        let before = self.state();
        let mut standing = self.standing();
        let ended: Vec<_> = standing.extract_if(.., |it| it.ends <= now).collect();
        self.apply(&standing);
        drop(standing);
        let after = self.state();
        for it in ended {
            tracing::info!(
                target: AUDIT,
                component = "overrides",
                id = &*it.id,
                kind = it.effect.kind(),
                who = &*it.who,
                reason = &*it.why,
                before,
                after,
                cause = "its time is over",
                "override-ended"
            );
        }
    }
}

fn free_name(standing: &[Override]) -> Box<str> {
    loop {
        let id = format!("{:08x}", fastrand::u32(..));
        if standing.iter().all(|other| *other.id != *id) {
            return id.into();
        }
    }
}
/// What there may be instead of a limit as it is.
fn expected(usual: usize, most: usize) -> String {
    if usual >= most {
        format!("there may be no more than {most}")
    } else {
        format!("expected more than that, and at most {most}")
    }
}
