//! Routes from a YAML file, or from a folder of them, that are watched.
//!
//! A file declares routes and services (see the example in `deploy/examples`). What is wrong with a file is told with its
//! line, and what it said before stays; a file that is gone takes its routes with it, through the guard against mass
//! removal. Nothing that a file says ages. Files do not build on each other: what several of them declare belongs to the
//! first in the order of their names.

mod declared;
mod form;
mod look;
mod metrics;
mod read;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pointsman_process::configuration::{Place, Problem};
use prometheus_client::registry::Registry;
use tokio::time::{self, Instant};

use crate::registry_task::{Ended, Event, Source};

use declared::Declared;
use look::{Looker, Sight};
use metrics::Metrics;
use table::Table;

/// How often files are looked at where nothing else is said.
pub const DEFAULT_POLL: Duration = Duration::from_millis(500);

/// Where route files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file, or the folder: then every file in it that ends in `.yml` or `.yaml`, without hidden ones.
    pub path: PathBuf,
    /// How often it is looked at. A change is taken when two looks see the same.
    pub poll: Duration,
}

/// The source, before it runs.
#[derive(Debug)]
pub struct Files {
    settings: Settings,
    metrics: Metrics,
}

/// What became of the files so far.
struct State {
    table: Table,
    /// What is wrong with the files that are refused.
    bad: BTreeMap<PathBuf, String>,
    /// Why the file or folder itself cannot be looked at.
    trouble: Option<String>,
    conflicts: BTreeSet<Problem>,
    /// Whether all that the files say is known, as the registry was told; `None`: it was not told anything.
    whole: Option<bool>,
    /// Of how many known routes the last look wants another state.
    changed: usize,
}

/// What is wrong with the files now: with all of them together, or with each of them.
#[must_use]
pub fn problems(settings: &Settings) -> Vec<String> {
    let sights = match Looker::new(settings.path.clone()).look() {
        Ok(sights) => sights,
        Err(trouble) => return vec![trouble],
    };
    let wrong = |(file, sight): (PathBuf, Sight)| content(&file, sight)?.err();
    sights.into_iter().filter_map(wrong).collect()
}

/// What a file declares, or what is wrong with it; `None` for one that is gone.
fn content(file: &Path, sight: Sight) -> Option<Result<Vec<(Declared, Place)>, String>> {
    let name = file.display();
    match sight {
        Sight::Text(text) => {
            let read = read::read(&name.to_string(), &text);
            Some(read.map_err(|problems| problems.to_string()))
        }
        Sight::Unreadable(what) => Some(Err(format!("{name}: {what}"))),
        Sight::Gone => None,
    }
}

impl Files {
    /// A source with its settings. `metrics` are those of the process.
    #[must_use]
    pub fn new(settings: Settings, metrics: &mut Registry) -> Self {
        Self {
            settings,
            metrics: Metrics::new(metrics),
        }
    }

    /// Looks at the files, again and again, and hands over what changes. Dropping it ends it at once.
    ///
    /// # Errors
    ///
    /// When the registry has ended.
    pub async fn run(self, source: Source) -> Result<(), Ended> {
        let mut looker = Looker::new(self.settings.path.clone());
        let mut state = State {
            table: Table::default(),
            bad: BTreeMap::new(),
            trouble: None,
            conflicts: BTreeSet::new(),
            whole: None,
            changed: 0,
        };
        tracing::info!(
            component = "route-files",
            path = %self.settings.path.display(),
            "route-files-watched"
        );
        loop {
            // Files may stand on a disk that takes its time.
            let looked = tokio::task::spawn_blocking(move || {
                let looked = looker.look();
                (looker, looked)
            });
            // It ends early only with the runtime.
            let Ok((looked_at, looked)) = looked.await else {
                return Ok(());
            };
            looker = looked_at;
            let events = state.take(looked, &self.metrics);
            let routes = state.changed;
            if routes > 0 {
                source.send(Event::Changing { routes }).await?;
            }
            let is_news = !events.is_empty();
            for event in events {
                source.send(event).await?;
            }
            if is_news {
                source.send(Event::Changed).await?;
            }
            state.tell_whole(&source).await?;
            time::sleep(self.settings.poll).await;
        }
    }
}

impl State {
    /// Takes what a look saw, and answers what the registry is to be told.
    fn take(
        &mut self,
        looked: Result<Vec<(PathBuf, Sight)>, String>,
        metrics: &Metrics,
    ) -> Vec<Event> {
        let sights = match looked {
            Ok(sights) => {
                if self.trouble.take().is_some() {
                    tracing::info!(component = "route-files", "route-files-readable-again");
                }
                sights
            }
            Err(trouble) => {
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(
                        component = "route-files",
                        error = trouble,
                        "route-files-unreadable"
                    );
                }
                self.trouble = Some(trouble);
                Vec::new()
            }
        };
        self.changed = 0;
        metrics.unreadable.set(self.trouble.is_some().into());
        if sights.is_empty() {
            return Vec::new();
        }
        for (file, sight) in sights {
            self.see(file, sight, metrics);
        }
        let news = self.table.news();
        self.changed = news.changed;
        self.tell_conflicts(news.conflicts);
        Metrics::show(&metrics.bad, self.bad.len());
        Metrics::show(&metrics.routes, self.table.routes());
        Metrics::show(&metrics.conflicts, self.conflicts.len());
        news.events
    }

    /// One file is not as it was.
    fn see(&mut self, file: PathBuf, sight: Sight, metrics: &Metrics) {
        let name = file.display().to_string();
        let refused = match content(&file, sight) {
            Some(Ok(routes)) => {
                let routes_of_it = routes.len();
                self.bad.remove(&file);
                self.table.put(file, routes);
                metrics.taken.inc();
                tracing::info!(
                    component = "route-files",
                    file = name,
                    routes = routes_of_it,
                    "route-file-taken"
                );
                return;
            }
            Some(Err(refused)) => refused,
            None => {
                self.bad.remove(&file);
                self.table.remove(&file);
                tracing::warn!(component = "route-files", file = name, "route-file-gone");
                return;
            }
        };
        metrics.refused.inc();
        tracing::error!(
            component = "route-files",
            file = name,
            error = refused,
            kept = self.table.has(&file),
            "route-file-refused"
        );
        self.bad.insert(file, refused);
    }

    fn tell_conflicts(&mut self, conflicts: BTreeSet<Problem>) {
        for conflict in conflicts.difference(&self.conflicts) {
            tracing::error!(
                component = "route-files",
                error = %conflict,
                "route-stands-in-two-files"
            );
        }
        self.conflicts = conflicts;
    }

    /// Whether everything that the files say is known; `None`: nothing of it was ever read.
    fn is_whole(&self) -> Option<bool> {
        let lost = |file: &Path| !self.table.has(file);
        let any_lost = self.bad.keys().any(|file| lost(file));
        if self.table.is_empty() && (self.trouble.is_some() || any_lost) && self.whole.is_none() {
            return None;
        }
        Some(self.trouble.is_none() && !any_lost)
    }

    /// Tells the registry whether it knows all that the files say.
    async fn tell_whole(&mut self, source: &Source) -> Result<(), Ended> {
        let whole = self.is_whole();
        if whole == self.whole {
            return Ok(());
        }
        if self.whole.is_none() || whole == Some(true) {
            source.send(Event::Returned).await?;
        }
        if whole == Some(false) {
            let last_heard = Instant::now();
            source.send(Event::Lost { last_heard }).await?;
        }
        self.whole = whole;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
