//! The tasks of a process: work in flight, which a drain waits for, and services, which serve it to the end. The end of
//! a vital one is an event.

use std::any::Any;
use std::fmt;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Stages;

/// Where the long-lived tasks of a process are spawned. Only `app` holds it.
#[derive(Clone, Debug)]
pub struct Tasks {
    work: TaskTracker,
    services: TaskTracker,
    ends: mpsc::UnboundedSender<Ended>,
    stages: Stages,
    drain: CancellationToken,
}

/// A vital task that has ended although nothing asked it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The name it was spawned with.
    pub task: String,
    /// How it ended.
    pub how: How,
}

/// How a vital task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It returned as if its work were done, which it never is while the process runs.
    Returned,
    /// It gave up with this error.
    Failed(String),
    /// It panicked with this message, or was dropped without a word.
    Panicked(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = &self.task;
        match &self.how {
            How::Returned => write!(f, "{task} ended while the process was running"),
            How::Failed(error) => write!(f, "{task} failed: {error}"),
            How::Panicked(message) => write!(f, "{task} panicked: {message}"),
        }
    }
}

impl std::error::Error for Ended {}

impl Tasks {
    pub(super) fn new(stages: Stages) -> (Self, mpsc::UnboundedReceiver<Ended>) {
        let (ends, receiver) = mpsc::unbounded_channel();
        (
            Self {
                work: TaskTracker::new(),
                services: TaskTracker::new(),
                ends,
                stages,
                drain: CancellationToken::new(),
            },
            receiver,
        )
    }

    /// The stages that the tasks watch.
    #[must_use]
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Asks the process to drain in full, as SIGTERM does: another one has taken over.
    pub fn ask_to_drain(&self) {
        self.drain.cancel();
    }

    pub(super) fn drain_asked(&self) -> &CancellationToken {
        &self.drain
    }

    pub(super) fn work(&self) -> &TaskTracker {
        &self.work
    }

    pub(super) fn services(&self) -> &TaskTracker {
        &self.services
    }

    /// Spawns a service that the process cannot do without, such as the registry or the admin API. It runs until
    /// [`Stages::ending`]; its end before [`Stages::closing`] ends the process with an error.
    ///
    /// A drain does not wait for it: it serves the drain. Once the last stage has begun it gets a moment to end.
    pub fn spawn_vital<E>(
        &self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: fmt::Display + Send + 'static,
    {
        let vital = self.vital(name);
        let task: JoinHandle<Result<(), E>> = tokio::spawn(task);
        tokio::spawn(async move {
            match task.await {
                Ok(Ok(())) => vital.ended(How::Returned),
                Ok(Err(error)) => vital.ended(How::Failed(error.to_string())),
                Err(join) if join.is_panic() => {
                    vital.ended(How::Panicked(panic_message(join.into_panic().as_ref())));
                }
                // Cancelled: only a runtime that is going away does that.
                Err(_) => vital.ended(How::Returned),
            }
        });
    }

    /// Spawns work in flight, such as one connection: it may end when it likes, and a drain waits for it.
    pub fn spawn_work(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.work.spawn(work)
    }

    /// A token that counts as work in flight while it is held, for work that runs on another runtime or thread.
    pub fn work_token(&self) -> TaskTrackerToken {
        self.work.token()
    }

    /// A watch over something vital that is not a task of this runtime, such as a worker thread: the thread owns the
    /// value and says how it ended. Dropping it without a word counts as a panic.
    #[must_use]
    pub fn vital(&self, name: impl Into<String>) -> Vital {
        Vital {
            name: name.into(),
            told: false,
            ends: self.ends.clone(),
            stages: self.stages.clone(),
            token: self.services.token(),
        }
    }
}

/// A watch over one vital part; see [`Tasks::vital`].
#[derive(Debug)]
pub struct Vital {
    name: String,
    told: bool,
    ends: mpsc::UnboundedSender<Ended>,
    stages: Stages,
    #[expect(
        dead_code,
        reason = "held, so that the end of the process waits for the part"
    )]
    token: TaskTrackerToken,
}

impl Vital {
    /// Says how the part ended. Returning in the closing stage is what was asked for, and no event.
    pub fn ended(mut self, how: How) {
        self.tell(how);
    }

    fn tell(&mut self, how: How) {
        self.told = true;
        let asked_for = self.stages.closing().is_cancelled() && how == How::Returned;
        if !asked_for {
            // Nobody listens any more once the process has ended for another reason.
            let _ = self.ends.send(Ended {
                task: std::mem::take(&mut self.name),
                how,
            });
        }
    }
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.told {
            self.tell(How::Panicked("it was dropped without a word".to_owned()));
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}
