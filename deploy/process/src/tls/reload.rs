//! Watching the files of identities and trusts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::Refused;

/// How often files are looked at even though nobody said that they changed: file systems exist that do not tell.
const POLL: Duration = Duration::from_secs(60);

/// How long further changes are waited for after one, so that a pair of files is read when both are there.
const GATHER: Duration = Duration::from_millis(200);

/// Something that is read from files and can be read again.
pub trait Reload: Send + Sync {
    /// Its name in messages.
    fn name(&self) -> String;

    /// The files that it is read from.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads the files again. Whether that changed anything.
    ///
    /// # Errors
    ///
    /// What is wrong with the new files; the last good state stays.
    fn reload(&self) -> Result<bool, Refused>;
}

/// What a look at the files gave, for the log and for a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// The named one has changed.
    Changed(String),
    /// A new file is no good, and the last good one stays in use. Told once for each different refusal.
    Kept(Refused),
    /// A file that was refused is good again, or is the last good one again.
    Mended(String),
    /// The operating system tells no changes of files, so that only the poll is left.
    PollOnly(String),
}

/// Watches the files of everything that was added to it.
#[derive(Default)]
pub struct Reloader {
    parts: Vec<Arc<dyn Reload>>,
}

impl Reloader {
    /// Watches nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches the files of this one as well. One without files is never looked at.
    pub fn add(&mut self, part: Arc<dyn Reload>) {
        if !part.files().is_empty() {
            self.parts.push(part);
        }
    }

    /// Whether there is nothing to watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Watches until it is stopped.
    pub async fn run(self, stop: CancellationToken, mut tell: impl FnMut(Reloaded) + Send) {
        let changed = Arc::new(Notify::new());
        // Dropping the watcher would end the watch.
        let _watcher = match watch(&self.parts, &changed) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tell(Reloaded::PollOnly(error.to_string()));
                None
            }
        };
        let mut refusals = BTreeMap::new();
        // The first look is for what changed between the first reading and the watch.
        changed.notify_one();
        while stop.run_until_cancelled(wait(&changed)).await.is_some() {
            for part in &self.parts {
                let read = tokio::task::spawn_blocking({
                    let part = Arc::clone(part);
                    move || part.reload()
                });
                // It ends early only with the runtime.
                let Ok(read) = read.await else { return };
                if let Some(told) = told(part.name(), read, &mut refusals) {
                    tell(told);
                }
            }
        }
    }
}

/// Waits for a change, and a moment more; or for the poll.
async fn wait(changed: &Notify) {
    if time::timeout(POLL, changed.notified()).await.is_ok() {
        time::sleep(GATHER).await;
    }
}

/// What is worth telling, given what was told before.
fn told(
    name: String,
    read: Result<bool, Refused>,
    refusals: &mut BTreeMap<String, Refused>,
) -> Option<Reloaded> {
    match read {
        Err(refused) => {
            let before = refusals.insert(name, refused.clone());
            (before.as_ref() != Some(&refused)).then_some(Reloaded::Kept(refused))
        }
        Ok(changed) => match (changed, refusals.remove(&name)) {
            (true, _) => Some(Reloaded::Changed(name)),
            (false, Some(_)) => Some(Reloaded::Mended(name)),
            (false, None) => None,
        },
    }
}

/// Watches the folders of the files: a file that is replaced, as Kubernetes does by a symbolic link, is another file.
fn watch(parts: &[Arc<dyn Reload>], changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let changed = Arc::clone(changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the files is an event as well, and would go round in circles.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            changed.notify_one();
        }
    })?;
    let files = parts.iter().flat_map(|part| part.files());
    let folders: BTreeSet<PathBuf> = files.map(|file| folder(&file)).collect();
    for folder in folders {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
