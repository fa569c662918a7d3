//! What goes on whether a control plane is followed or not: tables are published, orphans end, and
//! a persisted table is read.

use std::pin::pin;

use tokio::time::{Instant, sleep_until};

use super::client::Subscription;

/// The process is ending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped;

/// What attending came to.
pub(super) enum Attended<T> {
    /// The work is done.
    Done(T),
    /// Something else was done meanwhile; the work was given up.
    Meanwhile,
}

impl Subscription {
    /// Waits for `work`, or for the first other thing that has to be done, and does that.
    pub(super) async fn attend<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<Attended<T>, Stopped> {
        let stop = self.stop.clone();
        let due = self.next_due();
        let (failures, restoring, instead) = self.sources();
        let meanwhile = tokio::select! {
            () = stop.cancelled() => return Err(Stopped),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Meanwhile::Due,
            done = work => return Ok(Attended::Done(done)),
            failure = failures.next() => Meanwhile::Failed(failure),
            piece = restoring.next() => Meanwhile::Read(piece),
            news = instead.next() => Meanwhile::Instead(news),
        };
        match meanwhile {
            Meanwhile::Due => self.do_due(),
            Meanwhile::Failed(failure) => self.note_failure(&failure),
            Meanwhile::Read(piece) => self.restore(piece),
            Meanwhile::Instead(news) => self.hear_instead(news),
        }
        Ok(Attended::Meanwhile)
    }

    /// Waits for `work`, and does meanwhile what has to be done.
    pub(super) async fn until<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        let mut work = pin!(work);
        loop {
            if let Attended::Done(done) = self.attend(&mut work).await? {
                return Ok(done);
            }
        }
    }
}

/// What had to be done meanwhile.
enum Meanwhile {
    Due,
    Failed(crate::failing::Failed),
    Read(super::restoring::Piece),
    Instead(super::instead::News),
}
