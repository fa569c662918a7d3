//! How others reach the registry task.

use std::sync::Arc;

use bytes::Bytes;
use pointsman_registry::{
    Absence, Declaration, Fingerprint, Registration, Registry, SourceId, Standing, Time,
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::active_apps::ActiveApps;
use super::history::History;
use super::orders::{Order, Refused, Release};
use super::overrides::{NewOverride, Override};
use super::questions::{self, Answer, Question, Unanswered};
use super::replicas::{Counts, Gone, Replica, Replicas};
use super::staging::Staging;

/// The registry task has ended, so the process is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the registry has ended")]
pub struct Ended;

/// What a source has to say. The events of one source are applied in the order in which they were sent.
pub enum Event {
    /// Endpoints are there.
    Register(Registration),
    /// Endpoints are gone.
    Unregister(Registration),
    /// A route is there, with or without endpoints. For sources that declare.
    Declare(Declaration),
    /// A route is no longer declared. It goes with the last endpoint that the source has in it.
    Withdraw(Declaration),
    /// Endpoints are no longer there by what the source says as a whole.
    Lapse(Registration, Absence),
    /// Messages of a source that repeats itself.
    Received(Batch),
    /// The source is away, or has dropped messages.
    Lost {
        /// When the last byte was heard.
        last_heard: Instant,
    },
    /// The source is back, or goes on after dropped messages.
    Returned,
    /// So many routes of a source that declares are about to be another than they were, or gone. What follows up to
    /// [`Event::Changed`] is one change.
    Changing {
        /// The routes, without new ones.
        routes: usize,
    },
    /// All that changed has been said.
    Changed,
}

/// Messages that came one behind the other, to be applied in this order.
pub struct Batch {
    /// The messages.
    pub messages: Vec<Message>,
    /// Works out what a payload says that turns out not to be known.
    pub otherwise: Otherwise,
}

/// What a payload with this fingerprint says; `None` if that is nothing.
pub type Otherwise = Arc<dyn Fn(&Bytes, Fingerprint) -> Option<Registration> + Send + Sync>;

/// One message of a [`Batch`].
pub enum Message {
    /// Endpoints are there.
    Register(Registration),
    /// Endpoints are gone.
    Unregister(Registration),
    /// A payload that was probably applied before: it is read only where the registry does not know it.
    Repeated(Fingerprint, Bytes),
}

/// A source's end of the registry task.
#[derive(Clone, Debug)]
pub struct Source {
    pub(super) id: SourceId,
    pub(super) events: mpsc::Sender<(SourceId, Event)>,
}

impl Source {
    /// Hands an event over, and waits while the registry is busy with earlier ones.
    ///
    /// # Errors
    ///
    /// [`Ended`] where nobody takes it any more.
    pub async fn send(&self, event: Event) -> Result<(), Ended> {
        self.events.send((self.id, event)).await.map_err(|_| Ended)
    }
}

pub(super) type Read = Box<dyn FnOnce(&Registry, Time) + Send>;

/// Everybody else's end of the registry task.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) reads: mpsc::Sender<Read>,
    pub(super) failing: mpsc::Sender<Failing>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) release: watch::Receiver<Option<Release>>,
    pub(super) head: watch::Receiver<u64>,
    pub(super) standing: watch::Receiver<Standing>,
    pub(super) overrides: watch::Receiver<Vec<Override>>,
    pub(super) staging: watch::Receiver<Staging>,
    pub(super) replicas: Arc<Replicas>,
    pub(super) active_apps: Arc<ActiveApps>,
    pub(super) history: Arc<History>,
}

/// An endpoint that fails at a data plane.
#[derive(Clone, Debug)]
pub struct Failing {
    /// The route.
    pub route: pointsman_route_key::RouteKey,
    /// The address.
    pub address: Box<str>,
}

impl Handle {
    /// Looks at the registry between two of its turns. The look holds everybody else up, so it is bounded: at most
    /// some 512 things. Longer ones are made of several.
    ///
    /// # Errors
    ///
    /// [`Ended`] where the registry is not there any more.
    pub async fn read<Answer: Send + 'static>(
        &self,
        look: impl FnOnce(&Registry, Time) -> Answer + Send + 'static,
    ) -> Result<Answer, Ended> {
        let (answer, answered) = oneshot::channel();
        let read: Read = Box::new(move |registry, now| {
            // Whoever asked may have left meanwhile.
            let _ = answer.send(look(registry, now));
        });
        self.reads.send(read).await.map_err(|_| Ended)?;
        answered.await.map_err(|_| Ended)
    }

    /// The revision of the latest change, and a wake-up for each turn that changed it.
    #[must_use]
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// What the registry's word is worth, and a wake-up for each change of that.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The data planes that follow, in the order of their names.
    #[must_use]
    pub fn replicas(&self) -> Vec<Replica> {
        self.replicas.list()
    }

    /// What all data planes that follow have counted together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.replicas.counts()
    }

    /// Where sessions tell which apps are active.
    pub(crate) fn active_apps(&self) -> &Arc<ActiveApps> {
        &self.active_apps
    }

    /// The data planes that left lately and have not come back, the latest first.
    #[must_use]
    pub fn gone(&self) -> Vec<Gone> {
        self.replicas.gone()
    }

    /// The latest changes, each with its reason.
    #[must_use]
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Where sessions show themselves.
    pub(crate) fn roster(&self) -> &Arc<Replicas> {
        &self.replicas
    }

    /// Tells that an endpoint fails at a data plane.
    ///
    /// # Errors
    ///
    /// [`Ended`] where nobody takes it any more.
    pub async fn failing(&self, endpoint: Failing) -> Result<(), Ended> {
        self.failing.send(endpoint).await.map_err(|_| Ended)
    }

    /// Asks a data plane about the table that it serves.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub async fn ask(&self, id: &str, question: Question) -> Result<Answer, Unanswered> {
        questions::ask(&self.replicas, id, question).await
    }

    /// Lets go what was held back up to a revision of this epoch: expiries here, inferred removals in every data plane.
    /// How many expiries were held here.
    ///
    /// # Errors
    ///
    /// Where the order is not for this epoch, or for a revision that is still to come.
    pub async fn release(&self, epoch: u64, up_to_revision: u64) -> Result<u64, Refused> {
        let order = |answer| Order::Release {
            epoch,
            up_to_revision,
            answer,
        };
        self.order(order).await
    }

    /// Says that it is right that nothing is registered, though data planes serve routes.
    ///
    /// # Errors
    ///
    /// Where the order is not for this epoch, or something is registered.
    pub async fn confirm_emptiness(&self, epoch: u64) -> Result<(), Refused> {
        self.order(|answer| Order::ConfirmEmptiness { epoch, answer })
            .await
    }

    /// Puts something over the rules for a while.
    ///
    /// # Errors
    ///
    /// Where it would take more than is asked for, or there are too many already.
    pub async fn place(&self, new: NewOverride) -> Result<Override, Refused> {
        self.order(|answer| Order::Place { new, answer }).await
    }

    /// Ends an override before its time.
    ///
    /// # Errors
    ///
    /// Where there is none of this name.
    pub async fn end_override(&self, id: &str) -> Result<Override, Refused> {
        let id = id.into();
        self.order(|answer| Order::EndOverride { id, answer }).await
    }

    /// What stands over the rules, in the order in which it was put there.
    #[must_use]
    pub fn overrides(&self) -> Vec<Override> {
        self.overrides.borrow().clone()
    }

    /// The roll-out that is under way, if any.
    #[must_use]
    pub fn staging(&self) -> watch::Receiver<Staging> {
        self.staging.clone()
    }

    /// Lets a roll-out go on to every data plane at once.
    ///
    /// # Errors
    ///
    /// Where the order is not for this epoch, or another roll-out is under way, or none.
    pub async fn finish_roll_out(&self, epoch: u64, number: u64) -> Result<(), Refused> {
        self.order(|answer| Order::FinishRollOut {
            epoch,
            number,
            answer,
        })
        .await
    }

    async fn order<Done>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<Done, Refused>>) -> Order,
    ) -> Result<Done, Refused> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(order(answer)).await.map_err(|_| Ended)?;
        answered.await.map_err(|_| Ended)?
    }

    /// The latest release, and a wake-up for each.
    pub(crate) fn releases(&self) -> watch::Receiver<Option<Release>> {
        self.release.clone()
    }
}
