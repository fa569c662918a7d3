//! One session with one control plane.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use pointsman_proto::v1::{self, follow_response};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, IntoStreamingRequest as _, Status, Streaming};

use super::attend::{Attended, Stopped};
use super::choice::Worth;
use super::client::Subscription;
use super::codec::Messages;
use super::follower::{Breach, Received};
use super::lending;
use super::seek::{Looked, Opened, look};

/// How often either side shows a sign of life, where nothing else is configured.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// How many signs of life a control plane may miss before it is taken for dead.
pub(super) const MISSED: u32 = 3;

/// How many messages wait for a control plane that does not read.
const UNREAD: usize = 64;

/// The room among them that answers leave for everything else.
const KEPT_FREE: usize = 16;

/// The largest message that is accepted (L-36).
const LARGEST: usize = 4 * 1024 * 1024;

/// How many parts of a table that is lent may wait among them: they are large, and what is said after them waits behind them.
const LENT: usize = 2;

/// The method of the contract that is called.
const FOLLOW: &str = "/pointsman.distribution.v1.DistributionService/Follow";

/// In the metadata of the status that ends a session: why.
const REASON: &str = "pointsman-reason";

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The process is ending.
    #[error("this process is ending")]
    Stopped,
    /// The control plane closed it.
    #[error("the control plane ended the session")]
    Closed,
    /// It has lasted as long as the control plane lets it.
    #[error("the session has reached its greatest age")]
    Aged,
    /// The control plane is about to end.
    #[error("the control plane is leaving")]
    Leaving,
    /// Another control plane is a better choice.
    #[error("the word of another control plane is worth more")]
    Better(usize),
    /// Nothing came for too long.
    #[error("the control plane has been silent for {0:?}")]
    Silent(Duration),
    /// It does not take what is said to it.
    #[error("the control plane does not read what it is told")]
    Deaf,
    /// It could not be connected to.
    #[error("it cannot be reached: {0}")]
    Unreachable(std::io::Error),
    /// The stream failed.
    #[error("the stream failed: {0}")]
    Stream(Box<Status>),
    /// What came cannot be followed.
    #[error(transparent)]
    Breach(#[from] Breach),
}

impl From<Status> for Ended {
    fn from(status: Status) -> Self {
        let reason = status.metadata().get(REASON);
        match (status.code(), reason.map(|reason| reason.as_bytes())) {
            (Code::Unavailable, Some(b"age")) => Self::Aged,
            (Code::Unavailable, Some(b"leaving")) => Self::Leaving,
            _ => Self::Stream(Box::new(status)),
        }
    }
}

impl From<Stopped> for Ended {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// The two directions of a stream.
pub(super) struct Wire {
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

impl Wire {
    /// Opens a stream with a hello.
    pub(super) async fn open(channel: Channel, hello: v1::FollowRequest) -> Result<Self, Ended> {
        let (out, said) = mpsc::channel(UNREAD);
        // The channel is empty, so this cannot fail.
        out.try_send(hello).map_err(|_| Ended::Deaf)?;
        let mut client = Grpc::new(channel).max_decoding_message_size(LARGEST);
        client
            .ready()
            .await
            .map_err(|error| Status::unknown(format!("the service is not ready: {error}")))?;
        let said = ReceiverStream::new(said).into_streaming_request();
        let inbound = client
            .streaming(said, PathAndQuery::from_static(FOLLOW), Messages)
            .await?
            .into_inner();
        Ok(Self { out, inbound })
    }

    /// The next message.
    pub(super) async fn hear(&mut self) -> Result<v1::FollowResponse, Ended> {
        hear(&mut self.inbound).await
    }

    fn say(&self, message: v1::FollowRequest) -> Result<(), Ended> {
        self.out.try_send(message).map_err(|_| Ended::Deaf)
    }

    /// Says something that may as well stay unsaid where the control plane reads slowly.
    fn mention(&self, message: v1::FollowRequest) -> Result<(), Ended> {
        if self.out.capacity() > KEPT_FREE {
            self.say(message)?;
        }
        Ok(())
    }
}

async fn hear(inbound: &mut Streaming<v1::FollowResponse>) -> Result<v1::FollowResponse, Ended> {
    inbound.message().await?.ok_or(Ended::Closed)
}

/// The next part of a table that is being lent, once there is room for it beside everything else.
async fn next_part(
    out: &mpsc::Sender<v1::FollowRequest>,
    lending: &mut Option<lending::Parts>,
) -> Option<v1::FollowRequest> {
    let Some(parts) = lending else {
        return pending().await;
    };
    // The room is not taken here. Nobody else takes it: this task is the only one that sends.
    drop(out.reserve_many(UNREAD - LENT + 1).await);
    parts.recv().await
}

/// Whether everything was given with this, and everything that was removed.
fn is_complete(message: &v1::FollowResponse) -> bool {
    match &message.message {
        Some(follow_response::Message::ClosingStep(step)) => step.complete && !step.continues,
        _ => false,
    }
}

/// A look at other control planes that is under way.
type Looking = Pin<Box<dyn Future<Output = Looked> + Send>>;

/// What a session waits for.
enum Event {
    Message(Box<v1::FollowResponse>),
    Beat,
    Look,
    Looked(Looked),
    /// A part of the table that is being lent; nothing where there is no other.
    Part(Option<v1::FollowRequest>),
}

/// A session as far as it is not the follower's.
struct Session {
    wire: Wire,
    heard: Instant,
    beat: Interval,
    looking: Option<Looking>,
    /// The table that is being lent.
    lending: Option<lending::Parts>,
}

impl Session {
    /// The next that happens. Nothing is lost where this is given up and called again.
    async fn next(&mut self, silence: Duration, look_at: Option<Instant>) -> Result<Event, Ended> {
        let looked = async {
            match &mut self.looking {
                Some(looking) => looking.await,
                None => pending().await,
            }
        };
        let part = next_part(&self.wire.out, &mut self.lending);
        tokio::select! {
            message = timeout_at(self.heard + silence, hear(&mut self.wire.inbound)) => {
                let message = message.map_err(|_| Ended::Silent(silence))??;
                self.heard = Instant::now();
                Ok(Event::Message(Box::new(message)))
            }
            _ = self.beat.tick() => Ok(Event::Beat),
            looked = looked => {
                self.looking = None;
                Ok(Event::Looked(looked))
            }
            part = part => Ok(Event::Part(part)),
            () = sleep_until(look_at.unwrap_or(self.heard)), if look_at.is_some() => {
                Ok(Event::Look)
            }
        }
    }
}

impl Subscription {
    /// Follows a session that was opened until it ends.
    pub(super) async fn follow(&mut self, opened: Opened) -> Ended {
        match self.follow_to_end(opened).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn follow_to_end(&mut self, opened: Opened) -> Result<Infallible, Ended> {
        self.restored_before(opened.worth).await?;
        let now = Instant::now();
        let mut beat = interval_at(now + self.heartbeat(), self.heartbeat());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = Session {
            wire: opened.wire,
            heard: now,
            beat,
            looking: None,
            lending: None,
        };
        self.follower_mut().begin();
        self.take(opened.welcome, &mut session)?;
        loop {
            let look_at = match session.looking {
                None => self.next_look(),
                Some(_) => None,
            };
            let silence = self.silence();
            let attended = self.attend(session.next(silence, look_at)).await?;
            self.acknowledge(&session.wire)?;
            if let Attended::Done(event) = attended {
                self.on(event?, &mut session)?;
            }
        }
    }

    fn on(&mut self, event: Event, session: &mut Session) -> Result<(), Ended> {
        match event {
            Event::Message(message) => self.take(*message, session)?,
            Event::Beat => {
                session.wire.say(self.follower().heartbeat())?;
                let report = self.report();
                session.wire.say(report)?;
                self.free_tables();
            }
            Event::Look => {
                let worth = self.worth();
                let others = self.others();
                let hello = self.hello();
                let heartbeat = self.heartbeat();
                session.looking = Some(Box::pin(look(others, hello, (worth, heartbeat))));
            }
            Event::Looked(looked) => self.looked(&looked)?,
            Event::Part(Some(part)) => session.wire.say(part)?,
            Event::Part(None) => session.lending = None,
        }
        Ok(())
    }

    fn looked(&mut self, looked: &Looked) -> Result<(), Ended> {
        for (at, worth) in &looked.heard {
            self.choice.heard(*at, *worth);
        }
        self.show_choice();
        // While the others were looked at, this one may have become as good.
        match looked.better {
            Some(at) if self.worth() < Worth::Authoritative => Err(Ended::Better(at)),
            Some(_) | None => Ok(()),
        }
    }

    fn take(&mut self, message: v1::FollowResponse, session: &mut Session) -> Result<(), Ended> {
        let now = self.table_time();
        let complete = is_complete(&message);
        let received = self.follower_mut().receive(message, now);
        if complete && received.is_ok() {
            self.borrowed();
        }
        // Also a table that differs from the control plane's is acknowledged as it is.
        self.publish_if_due();
        self.acknowledge(&session.wire)?;
        match received? {
            Received::Agreed => self.confirmed(),
            Received::Welcomed => self.welcomed(),
            Received::Asked(question) => session.wire.mention(self.answer(question))?,
            Received::Wanted => session.lending = Some(self.lend()),
            Received::Lent(part) => self.borrow(&part)?,
            Received::Applied => self.show(),
        }
        Ok(())
    }

    /// An acknowledgement says what is served, so there is none while something else is.
    fn acknowledge(&mut self, wire: &Wire) -> Result<(), Ended> {
        if !self.instead.is_nothing() {
            return Ok(());
        }
        self.follower_mut()
            .ack()
            .map_or(Ok(()), |ack| wire.say(ack))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What goes into the stream while nobody reads it.
    fn send_unread(
        out: &mpsc::Sender<v1::FollowRequest>,
        lending: &mut Option<lending::Parts>,
    ) -> usize {
        let mut context = Context::from_waker(Waker::noop());
        let mut sent = 0;
        while let Poll::Ready(Some(part)) = pin!(next_part(out, lending)).poll(&mut context) {
            out.try_send(part).unwrap();
            sent += 1;
        }
        sent
    }

    #[tokio::test]
    async fn a_loan_that_is_not_read_leaves_room_for_everything_else() {
        let (out, mut said) = mpsc::channel(UNREAD);
        let (to, parts) = mpsc::channel(UNREAD);
        for _ in 0..UNREAD {
            to.try_send(v1::FollowRequest::default()).unwrap();
        }
        let mut lending = Some(parts);
        assert_eq!(send_unread(&out, &mut lending), LENT);
        // What is said beside it waits as well, and counts.
        out.try_send(v1::FollowRequest::default()).unwrap();
        said.recv().await.unwrap();
        assert_eq!(send_unread(&out, &mut lending), 0);
        said.recv().await.unwrap();
        assert_eq!(send_unread(&out, &mut lending), 1);
    }
}
