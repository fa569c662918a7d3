//! Takes one edition after the other.

use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::Reader;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Edition, Editions, Series};
use crate::distribution::LOOK;
use crate::distribution::metrics::Metrics;
use crate::distribution::room::Room;
use crate::registry_task::{Ended, Handle};

/// What takes the editions of one view.
#[derive(Clone)]
pub(in crate::distribution) struct Press {
    pub(in crate::distribution) handle: Handle,
    pub(in crate::distribution) metrics: Arc<Metrics>,
    /// What comes after a change is gathered for this long.
    pub(in crate::distribution) gather: Duration,
    /// For the pages of snapshots.
    pub(in crate::distribution) room: Arc<Room>,
    pub(in crate::distribution) ending: CancellationToken,
}

impl Press {
    /// Takes one edition after the other, as long as somebody follows the series.
    pub(super) async fn run(
        self,
        series: Arc<Series>,
        mut head: watch::Receiver<u64>,
        editions: Arc<Editions>,
    ) {
        let mut reader = Reader::resting(series.view.clone(), series.ring().reach());
        let mut gather_until = Instant::now();
        loop {
            tokio::select! {
                () = self.ending.cancelled() => return,
                () = series.reach.closed() => {
                    if editions.forget(&series) {
                        return;
                    }
                    continue;
                }
                changed = head.changed() => if changed.is_err() {
                    return;
                },
            }
            sleep_until(gather_until).await;
            let revision = *head.borrow_and_update();
            gather_until = Instant::now() + self.gather;
            if revision.saturating_sub(series.ring().reach()) > LOOK as u64 {
                // So much at once everybody reads for itself, at its own pace.
                reader.rest_at(revision);
                series.ring().skip_to(revision);
            } else {
                match self.take(&series, reader).await {
                    Ok(after) => reader = after,
                    Err(Ended) => return,
                }
            }
            let reach = series.ring().reach();
            series.reach.send_replace(reach);
        }
    }

    /// Takes everything since the last edition.
    async fn take(&self, series: &Series, mut reader: Reader) -> Result<Reader, Ended> {
        let look = self.handle.read(move |registry, _| {
            let delta = reader.delta(registry, LOOK);
            let withheld = reader.withheld(registry);
            (reader, delta, withheld)
        });
        let (reader, delta, withheld) = look.await?;
        if let Some((things, closing)) = delta {
            let edition = Edition::new(series.ring().reach(), &things, closing, withheld);
            series.ring().add(edition);
            self.metrics.edition();
        } else if let Some(revision) = reader.rests_at() {
            series.ring().skip_to(revision);
        }
        Ok(reader)
    }
}
