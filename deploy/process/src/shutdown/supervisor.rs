//! Waits for the first reason to end, and sees the end through.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time;

use super::{Bounds, Ended, Exit, Request, Signal, Signals, Stages, Tasks};

/// How long services may take to end once the last stage has begun.
const SERVICES_GRACE: Duration = Duration::from_secs(2);

/// The one who decides when a process ends. `main` runs it; the parts know only [`Tasks`] and [`Stages`].
#[derive(Debug)]
pub struct Supervisor {
    tasks: Tasks,
    ends: mpsc::UnboundedReceiver<Ended>,
}

/// Something that happened on the way to the end, for whoever writes it to the log in their own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The first stage began: unready, serving on for `Bounds::wait`.
    Leaving(Bounds),
    /// The second stage began: accepting has stopped, work in flight has `Bounds::timeout`.
    Closing(Bounds),
    /// A signal came that changes nothing any more.
    Ignored(Signal),
    /// The time was over before all work had ended.
    TimedOut {
        /// Tasks that were still running and are cut now.
        left: usize,
    },
    /// A vital task ended.
    Failed(&'a Ended),
}

/// How the process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Asked to, and all work in flight was finished.
    Drained,
    /// Asked to, and the time was over before all work was finished.
    TimedOut,
    /// Asked to end at once.
    EndedAtOnce,
    /// A vital task ended.
    Failed(Ended),
}

impl Outcome {
    /// The exit status of this outcome. A drain that ran out of time is still what was asked for.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Drained | Self::TimedOut | Self::EndedAtOnce => Exit::Clean,
            Self::Failed(_) => Exit::Runtime,
        }
    }
}

impl Supervisor {
    /// A process that has begun nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let (tasks, ends) = Tasks::new(Stages::new());
        Self { tasks, ends }
    }

    /// Where tasks are spawned.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// The stages of the end.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        self.tasks.stages()
    }

    /// Runs until the process has ended: waits for a signal, a part that asks to drain, or the end of a vital task, then drains within `bounds`.
    ///
    /// A vital task that ends makes the process unready, lets work in flight finish within the drain timeout, and
    /// ends it with an error. After the first request later ones change nothing, except that to end at once.
    /// When it returns, the last stage has begun; tasks that ignore it are left to the runtime.
    pub async fn run(
        mut self,
        mut signals: Signals,
        bounds: Bounds,
        mut observe: impl FnMut(Event<'_>) + Send,
    ) -> Outcome {
        let (request, mut failed) = self.first_reason(&mut signals).await;
        if let Some(ended) = &failed {
            observe(Event::Failed(ended));
        }
        let mut watch = Watch {
            signals: &mut signals,
            observe: &mut observe,
        };
        let drained = self.drain(request, bounds, &mut watch).await;
        self.stages().end();
        self.tasks.services().close();
        // Services that take longer are cut with the runtime.
        let _ = time::timeout(SERVICES_GRACE, self.tasks.services().wait()).await;
        if failed.is_none() {
            failed = self.ends.try_recv().ok();
        }
        match (failed, drained) {
            (Some(ended), _) => Outcome::Failed(ended),
            (None, Some(true)) => Outcome::Drained,
            (None, Some(false)) => Outcome::TimedOut,
            (None, None) => Outcome::EndedAtOnce,
        }
    }

    async fn first_reason(&mut self, signals: &mut Signals) -> (Request, Option<Ended>) {
        tokio::select! {
            // A failure that coincides with a signal is the more important news.
            biased;
            Some(ended) = self.ends.recv() => (Request::DrainWithoutWait, Some(ended)),
            (_, request) = signals.next() => (request, None),
            () = self.tasks.drain_asked().cancelled() => (Request::Drain, None),
        }
    }

    /// Whether all work ended within the bounds; `None` when it was cut short by the request to end at once.
    async fn drain(&self, request: Request, bounds: Bounds, watch: &mut Watch<'_>) -> Option<bool> {
        if request == Request::EndNow {
            return None;
        }
        if request == Request::Drain {
            (watch.observe)(Event::Leaving(bounds));
            self.stages().leave();
            watch.during(time::sleep(bounds.wait)).await?;
        }
        (watch.observe)(Event::Closing(bounds));
        self.stages().close();
        let work = self.tasks.work();
        work.close();
        let drained = watch
            .during(time::timeout(bounds.timeout, work.wait()))
            .await?
            .is_ok();
        if !drained {
            (watch.observe)(Event::TimedOut { left: work.len() });
        }
        Some(drained)
    }
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

/// The signals that arrive during a drain, and who hears of them.
struct Watch<'a> {
    signals: &'a mut Signals,
    observe: &'a mut (dyn FnMut(Event<'_>) + Send),
}

impl Watch<'_> {
    /// What the stage gave, or `None` when a signal asked to end at once.
    async fn during<T>(&mut self, stage: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(stage);
        loop {
            tokio::select! {
                done = &mut stage => return Some(done),
                (signal, request) = self.signals.next() => match request {
                    Request::EndNow => return None,
                    Request::Drain | Request::DrainWithoutWait => {
                        (self.observe)(Event::Ignored(signal));
                    }
                },
            }
        }
    }
}
