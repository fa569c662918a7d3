//! Keeping the table on disk: at most once in an interval, where it changed, and at the
//! drain.
//!
//! A thread of its own walks a table that was published, which nothing changes any more, and has a
//! low priority: neither workers nor the control thread wait for the disk. What cannot be written
//! is told once, counted, and tried again; serving goes on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pointsman_process::shutdown::Stages;
use pointsman_routing::Time;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::saving;
use super::status::{Kept, Status};
use crate::overrides::{Serving, Switches};
use crate::persisted::{Folder, Header, Moment, Stamp, Written};
use crate::table::TableHandle;

/// A write that took long is followed by a pause this many times as long, so that no more than a
/// twentieth of a core goes into it, whatever the size of the table.
const PAUSE: u32 = 20;

/// How much lower than everything else the priority of the thread is.
pub(super) const NICE: i32 = 10;

/// What keeping needs to know.
pub struct Keep {
    /// The folder.
    pub folder: PathBuf,
    /// The digest of the filter that is configured.
    pub filter: u64,
    /// How long two writes lie apart at least.
    pub interval: Duration,
    /// What is served.
    pub table: TableHandle,
    /// How following goes.
    pub status: watch::Receiver<Status>,
    /// The origin of the time by which the table counts.
    pub origin: Instant,
    /// Where it is shown how keeping goes.
    pub kept: watch::Sender<Kept>,
    /// What an operator has switched for a while.
    pub switches: Arc<Switches>,
}

/// The task that keeps the table.
pub struct Keeping {
    keep: Keep,
    folder: Folder,
    written: Option<Last>,
    failing: bool,
    took: Duration,
}

/// What was written last.
#[derive(Clone, Copy)]
struct Last {
    version: Version,
    checksum: u64,
    confirmed: Option<Instant>,
}

/// What tells two states of the table apart.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    publications: u64,
    /// Things become orphans, and cease to be, without a publication.
    orphans: u64,
}

/// What the thread has to do.
enum Job {
    Table(Box<Header>),
    Stamp(Stamp),
}

impl Keeping {
    /// Keeping that has not begun.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            folder: Folder::new(keep.folder.clone()),
            keep,
            written: None,
            failing: false,
            took: Duration::ZERO,
        }
    }

    /// Keeps the table until the process ends.
    pub async fn run(mut self, stages: Stages) {
        if let Err(error) = self.folder.sweep() {
            let path = self.folder.path().display();
            warn!(component = "keeping", %path, %error, "unfinished-files-not-removed");
        }
        let mut status = self.keep.status.clone();
        tokio::select! {
            () = stages.ending().cancelled() => return,
            // Fails only where the subscription has ended, and then the process is ending.
            _ = status.wait_for(|status| status.servable && status.agreed) => {}
        }
        let mut drained = false;
        loop {
            self.look().await;
            let pause = self.keep.interval.max(self.took.saturating_mul(PAUSE));
            tokio::select! {
                () = stages.ending().cancelled() => break,
                () = stages.leaving().cancelled(), if !drained => drained = true,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.look().await;
    }

    /// Writes the table where it changed, or else that it was confirmed since.
    async fn look(&mut self) {
        if self.keep.switches.wanted() != Serving::Received {
            // What is served is not what was confirmed, and one of the generations may be what is served.
            return;
        }
        let status = self.keep.status.borrow().clone();
        // Without one, nothing that is held was ever confirmed.
        let Some(age) = status.table_age() else {
            return;
        };
        let confirmed = status.confirmed;
        let version = Version {
            publications: self.keep.table.publications(),
            orphans: status.orphans,
        };
        let moment = Moment::now().before(age);
        let last = self.written.filter(|last| last.version == version);
        let job = match last {
            Some(last) if last.confirmed >= confirmed => return,
            Some(last) => Job::Stamp(Stamp {
                table: last.checksum,
                confirmed: moment,
            }),
            None => Job::Table(Box::new(self.header(&status, moment))),
        };
        let began = Instant::now();
        match self.spawn(job).await {
            Ok(Some(written)) => {
                self.took = began.elapsed();
                self.wrote(written);
                self.written = Some(Last {
                    version,
                    checksum: written.checksum,
                    confirmed,
                });
            }
            Ok(None) => {
                if let Some(last) = &mut self.written {
                    last.confirmed = confirmed;
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn header(&self, status: &Status, confirmed: Moment) -> Header {
        Header {
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            filter: self.keep.filter,
            written: Moment::now(),
            confirmed,
            epoch: status.epoch,
            revision: status.revision,
            settings: self.keep.table.load().settings().into(),
        }
    }

    /// Has a thread do it. Says what was written, where that was a table.
    async fn spawn(&self, job: Job) -> io::Result<Option<Written>> {
        let (done, result) = oneshot::channel();
        let folder = self.folder.clone();
        let table = self.keep.table.clone();
        let now = Time::since_origin(self.keep.origin.elapsed());
        thread::Builder::new()
            .name("table-writer".to_owned())
            .spawn(move || {
                // Where that is refused, it is written with the usual priority.
                let _ = rustix::process::nice(NICE);
                let result = match job {
                    Job::Stamp(stamp) => folder.stamp(&stamp).map(|()| None),
                    Job::Table(header) => {
                        let table = table.load();
                        let written = folder.write(&header, |to| saving::write(&table, now, to));
                        written.map(Some)
                    }
                };
                // Nobody waits where the process is ending.
                let _ = done.send(result);
            })?;
        let gone = |_| Err(io::Error::other("the thread that writes it has died"));
        result.await.unwrap_or_else(gone)
    }

    fn wrote(&mut self, written: Written) {
        debug!(
            component = "keeping",
            things = written.things,
            bytes = written.bytes,
            took_ms = self.took.as_millis(),
            "table-written",
        );
        if std::mem::take(&mut self.failing) {
            info!(component = "keeping", "table-written-again");
        }
        self.keep.kept.send_modify(|kept| {
            kept.writes += 1;
            kept.written = Some(Instant::now());
            kept.things = written.things;
            kept.bytes = written.bytes;
            kept.trouble = None;
        });
    }

    /// Told once, until it is over.
    fn failed(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            let path = self.folder.path().display();
            error!(component = "keeping", %path, %error, "table-not-written");
        }
        self.keep.kept.send_modify(|kept| {
            kept.failures += 1;
            kept.trouble = Some(error.to_string());
        });
    }
}

#[cfg(test)]
mod tests;
