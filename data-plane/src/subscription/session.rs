//! One session with one control plane.

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::distribution_service_client::DistributionServiceClient;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::client::Subscription;
use super::follower::{Breach, Received};

/// How often either side shows a sign of life, where nothing else is configured.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// How many signs of life a control plane may miss before it is taken for dead.
const MISSED: u32 = 3;

/// How long two publications lie apart at least.
pub(super) const BETWEEN_TABLES: Duration = Duration::from_millis(10);

/// How many messages wait for a control plane that does not read.
const UNREAD: usize = 64;

/// The largest message that is accepted (L-36).
const LARGEST: usize = 4 * 1024 * 1024;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The process is ending.
    #[error("this process is ending")]
    Stopped,
    /// The control plane closed it.
    #[error("the control plane ended the session")]
    Closed,
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
    Stream(#[from] Box<tonic::Status>),
    /// What came cannot be followed.
    #[error(transparent)]
    Breach(#[from] Breach),
}

impl From<tonic::Status> for Ended {
    fn from(status: tonic::Status) -> Self {
        Self::Stream(Box::new(status))
    }
}

/// The two directions of a stream.
struct Wire {
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

impl Wire {
    fn say(&self, message: v1::FollowRequest) -> Result<(), Ended> {
        self.out.try_send(message).map_err(|_| Ended::Deaf)
    }
}

impl Subscription {
    /// Follows over this channel until that ends.
    pub(super) async fn follow(&mut self, channel: Channel) -> Ended {
        match self.follow_to_end(channel).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn follow_to_end(&mut self, channel: Channel) -> Result<std::convert::Infallible, Ended> {
        let mut wire = self.open(channel).await?;
        let mut heard = Instant::now();
        let (heartbeat, silence) = (self.heartbeat(), self.silence());
        let mut beat = interval_at(heard + heartbeat, heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.next_table();
            tokio::select! {
                biased;
                () = self.stop().cancelled() => return Err(Ended::Stopped),
                () = sleep_until(due.unwrap_or(heard)), if due.is_some() => {
                    self.publish();
                    self.acknowledge(&wire)?;
                }
                message = timeout_at(heard + silence, wire.inbound.message()) => {
                    let message = message.map_err(|_| Ended::Silent(silence))??.ok_or(Ended::Closed)?;
                    heard = Instant::now();
                    self.take(message, &wire)?;
                }
                _ = beat.tick() => {
                    self.expire();
                    wire.say(self.follower().heartbeat())?;
                    let report = self.report();
                    wire.say(report)?;
                    self.free_tables();
                }
            }
        }
    }

    async fn open(&mut self, channel: Channel) -> Result<Wire, Ended> {
        let (out, said) = mpsc::channel(UNREAD);
        let hello = self.follower_mut().hello();
        // The channel is empty, so this cannot fail.
        out.try_send(hello).map_err(|_| Ended::Deaf)?;
        let mut client = DistributionServiceClient::new(channel).max_decoding_message_size(LARGEST);
        let silence = self.silence();
        let answer = tokio::time::timeout(silence, client.follow(ReceiverStream::new(said)));
        let inbound = tokio::select! {
            () = self.stop().cancelled() => return Err(Ended::Stopped),
            answer = answer => answer.map_err(|_| Ended::Silent(silence))??.into_inner(),
        };
        Ok(Wire { out, inbound })
    }

    /// How long a control plane may be silent.
    fn silence(&self) -> Duration {
        self.heartbeat().saturating_mul(MISSED)
    }

    fn take(&mut self, message: v1::FollowResponse, wire: &Wire) -> Result<(), Ended> {
        let now = self.table_time();
        let received = self.follower_mut().receive(message, now);
        // Also a table that differs from the control plane's is acknowledged as it is.
        self.publish_if_due();
        self.acknowledge(wire)?;
        match received? {
            Received::Agreed => self.confirmed(),
            Received::Welcomed => self.welcomed(),
            Received::Answer(answer) => wire.say(*answer)?,
            Received::Applied => self.show(),
        }
        Ok(())
    }

    fn acknowledge(&mut self, wire: &Wire) -> Result<(), Ended> {
        self.follower_mut()
            .ack()
            .map_or(Ok(()), |ack| wire.say(ack))
    }
}
