//! Questions to a data plane about the table that it serves, and its answers.

use std::time::Duration;

use pointsman_registry::Sum;
use pointsman_route_key::RouteKey;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::replicas::Replicas;

/// How long an answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Questions to one data plane that may be open at once.
pub(crate) const OPEN: usize = 4;

/// Questions to one data plane at once, after a rest.
const BURST: u32 = 10;

/// How long a data plane rests for each further question.
const REST: Duration = Duration::from_millis(200);

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which route and endpoints this URL gets.
    Explain(String),
    /// What is held of one route.
    Route(RouteKey),
    /// What the whole view adds up to.
    Digest,
}

/// What a data plane says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A part of the table that it serves.
    Holding(Holding),
    /// What its whole view adds up to.
    Digest {
        /// The last revision that was applied.
        revision: u64,
        /// The number of things, and the sum of their digests.
        sum: Sum,
    },
    /// Why there is no answer.
    Refused(String),
}

/// A part of the table that a data plane serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The attributes of routes.
    pub routes: Vec<HeldRoute>,
    /// Endpoints.
    pub endpoints: Vec<HeldEndpoint>,
    /// There is more than one answer may carry.
    pub truncated: bool,
    /// How the data plane came to it, step by step.
    pub steps: Vec<String>,
    /// What all of it adds up to, told or not; `None` where the data plane does not say so.
    pub sum: Option<Sum>,
}

/// The attributes of a route as a data plane holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRoute {
    /// The route, as Gorouter's `/routes` spells it.
    pub route: String,
    /// The isolation segment.
    pub segment: String,
    /// The latest change of the attributes.
    pub revision: u64,
    /// The revision at which the route was born.
    pub birth: u64,
    /// The digest of the attributes.
    pub generation: u64,
    /// The route service; empty for none.
    pub route_service_url: String,
    /// The algorithm; empty for the default.
    pub algorithm: &'static str,
}

/// An endpoint as a data plane holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEndpoint {
    /// The route, as Gorouter's `/routes` spells it.
    pub route: String,
    /// The address.
    pub address: String,
    /// The isolation segment.
    pub segment: String,
    /// The digest of what is compared.
    pub generation: u64,
    /// The protocol as registered.
    pub protocol: String,
    /// The name that its certificate has to have; `None` for clear text.
    pub server_cert_domain_san: Option<String>,
    /// The app.
    pub app_id: String,
    /// The instance.
    pub instance_id: String,
    /// The number of the instance.
    pub instance_index: String,
    /// The availability zone.
    pub availability_zone: String,
    /// It is chosen last.
    pub silent: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unanswered {
    /// Nobody of this id follows.
    #[error("no data plane of the id {0:?} follows this control plane")]
    Unknown(String),
    /// It is asked too much.
    #[error(
        "the data plane is asked too much: {OPEN} questions may be open at once, and five in a second"
    )]
    TooMuch,
    /// It left before it answered.
    #[error("the data plane has left before it answered")]
    Left,
    /// It did not answer in time.
    #[error("the data plane did not answer within {} seconds", PATIENCE.as_secs())]
    Late,
}

/// A question on its way to a session.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) question: Question,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Where the questions to one session go in.
#[derive(Debug)]
pub(super) struct Asking {
    asks: mpsc::Sender<Ask>,
    /// When it has rested from everything that it was asked.
    rested: Instant,
}

impl Asking {
    pub(super) fn new() -> (Self, mpsc::Receiver<Ask>) {
        let (asks, taken) = mpsc::channel(OPEN);
        let rested = Instant::now();
        (Self { asks, rested }, taken)
    }

    /// Hands a question over, if there is room for it.
    pub(super) fn ask(
        &mut self,
        question: Question,
    ) -> Result<oneshot::Receiver<Answer>, Unanswered> {
        let now = Instant::now();
        let rested = self.rested.max(now) + REST;
        if rested > now + REST * BURST {
            return Err(Unanswered::TooMuch);
        }
        let (answer, answered) = oneshot::channel();
        self.asks
            .try_send(Ask { question, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Unanswered::TooMuch,
                mpsc::error::TrySendError::Closed(_) => Unanswered::Left,
            })?;
        self.rested = rested;
        Ok(answered)
    }
}

/// Asks a data plane, and waits for its answer for a while.
pub(super) async fn ask(
    replicas: &Replicas,
    id: &str,
    question: Question,
) -> Result<Answer, Unanswered> {
    let answered = replicas.ask(id, question)?;
    match timeout(PATIENCE, answered).await {
        Ok(answer) => answer.map_err(|_| Unanswered::Left),
        Err(_) => Err(Unanswered::Late),
    }
}
