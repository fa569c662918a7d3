//! The apps that had requests, as data planes report, until they are told to who wants to know.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Apps that are remembered; further ones are noted when there is room again.
const APPS: usize = 100_000;

/// Bytes of an app's id; the platform's have 36.
const ID: usize = 256;

/// The apps that had requests since they were last taken.
#[derive(Debug, Default)]
pub(crate) struct ActiveApps {
    wanted: AtomicBool,
    apps: Mutex<HashMap<Box<str>, Instant>>,
}

impl ActiveApps {
    /// Somebody is going to take them. Before that nothing is noted.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Notes the time of an app's last request at a data plane.
    pub(crate) fn mark(&self, app: &str, last: Instant) {
        if !self.wanted.load(Ordering::Relaxed) || app.is_empty() || app.len() > ID {
            return;
        }
        let mut apps = self.apps();
        if let Some(known) = apps.get_mut(app) {
            *known = last.max(*known);
        } else if apps.len() < APPS {
            apps.insert(app.into(), last);
        }
    }

    /// The apps that were active since they were last taken, those first whose last request was latest.
    pub(crate) fn take(&self) -> Vec<Box<str>> {
        let apps = std::mem::take(&mut *self.apps());
        let mut apps: Vec<_> = apps.into_iter().collect();
        apps.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        apps.into_iter().map(|(app, _)| app).collect()
    }

    fn apps(&self) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        // No note leaves it half changed.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wanted() -> ActiveApps {
        let apps = ActiveApps::default();
        apps.want();
        apps
    }

    fn taken(apps: &ActiveApps) -> Vec<String> {
        apps.take().into_iter().map(String::from).collect()
    }

    /// C-426: an app that was marked is told as active
    /// C-427: one that was marked twice is told once, by the newer time
    /// C-428: what was told once is not told again
    /// C-429: the newest come first, and nothing is an empty list
    #[test]
    fn active_apps_are_told_once_and_the_newest_first() {
        let apps = wanted();
        assert!(taken(&apps).is_empty());
        let begun = Instant::now();
        for (app, second) in [("a", 1), ("b", 5), ("c", 3), ("a", 4), ("c", 2)] {
            apps.mark(app, begun + Duration::from_secs(second));
        }
        assert_eq!(taken(&apps), ["b", "a", "c"]);
        assert!(taken(&apps).is_empty());
        apps.mark("c", begun);
        assert_eq!(taken(&apps), ["c"]);
    }

    #[test]
    fn what_nobody_wants_or_nobody_could_have_sent_is_not_kept() {
        let apps = ActiveApps::default();
        apps.mark("a", Instant::now());
        apps.want();
        apps.mark("", Instant::now());
        apps.mark(&"x".repeat(ID + 1), Instant::now());
        assert!(taken(&apps).is_empty());
        for app in 0..APPS + 100 {
            apps.mark(&app.to_string(), Instant::now());
        }
        assert_eq!(taken(&apps).len(), APPS);
    }
}
