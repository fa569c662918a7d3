//! A data plane that is played: it reads what is sent, and acks it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pointsman_proto::v1::distribution_service_client::DistributionServiceClient;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_proto::v1::{self, route_key, thing};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;

/// Messages that may wait to be sent.
const WAITING: usize = 16;
/// Before another snapshot is asked for after one that was refused.
const PAUSE: Duration = Duration::from_millis(100);

/// Between two signs of life.
const SIGN: Duration = Duration::from_secs(5);

/// One session that was welcomed.
pub(super) struct Replica {
    held: Held,
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

/// What a replica says that it holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    epoch: u64,
    revision: u64,
    filter_digest: u64,
    things: u64,
    digest: u64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Joins with a table that is held, or, with the default, with an empty one.
pub(super) async fn connect(address: SocketAddr, id: &str, held: Held) -> Result<Replica, Failure> {
    let hello = v1::Hello {
        id: id.to_owned(),
        name: id.to_owned(),
        protocol_level: 1,
        capabilities: vec![v1::Capability::TlsEndpoint.into()],
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }),
        epoch: held.epoch,
        revision: held.revision,
        filter_digest: held.filter_digest,
        things: held.things,
        ..v1::Hello::default()
    };
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let (out, said) = mpsc::channel(WAITING);
    out.send(request(Said::Hello(hello))).await?;
    let mut client = DistributionServiceClient::new(channel);
    let mut inbound = client.follow(ReceiverStream::new(said)).await?.into_inner();
    let first = inbound.message().await?.and_then(|first| first.message);
    let Some(Message::Welcome(welcome)) = first else {
        return Err("no welcome".into());
    };
    Ok(Replica {
        held: Held {
            epoch: welcome.epoch,
            filter_digest: welcome.filter_digest,
            ..held
        },
        out,
        inbound,
    })
}

/// Takes one snapshot after the other, and counts them.
pub(super) async fn take_snapshots(address: SocketAddr, taken: Arc<AtomicU64>) {
    loop {
        if snapshot(address, "beginner").await.is_ok() {
            taken.fetch_add(1, Ordering::Relaxed);
        } else {
            // It is told to come later, as others are who begin anew too often.
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Takes a snapshot and leaves; says what it holds.
pub(super) async fn snapshot(address: SocketAddr, id: &str) -> Result<Held, Failure> {
    let mut replica = connect(address, id, Held::default()).await?;
    replica.follow_until(&mut |_, _| (), true).await?;
    Ok(replica.held)
}

fn request(message: Said) -> v1::FollowRequest {
    v1::FollowRequest {
        message: Some(message),
    }
}

impl Replica {
    /// Follows until the session ends; `came` is told each endpoint's host when it was read.
    pub(super) async fn follow(mut self, mut came: impl FnMut(&str, Instant) + Send) {
        // How it ends is seen by what does not come any more.
        let _ended = self.follow_until(&mut came, false).await;
    }

    /// Reads and acks, with a sign of life in between; to the end of the session, or of the first closing step.
    async fn follow_until(
        &mut self,
        came: &mut impl FnMut(&str, Instant),
        first: bool,
    ) -> Result<(), Failure> {
        let mut signs = tokio::time::interval(SIGN);
        loop {
            let message = tokio::select! {
                message = self.inbound.message() => message?.ok_or("the session has ended")?,
                _ = signs.tick() => {
                    let Held { revision, things, digest, .. } = self.held;
                    let sign = v1::Heartbeat { revision, things, digest };
                    self.out.send(request(Said::Heartbeat(sign))).await?;
                    continue;
                }
            };
            match message.message {
                Some(Message::Batch(batch)) => note(batch, came),
                Some(Message::ClosingStep(closing)) if !closing.continues => {
                    self.ack(&closing).await?;
                    if first {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    async fn ack(&mut self, closing: &v1::ClosingStep) -> Result<(), Failure> {
        self.held.revision = closing.revision;
        self.held.things = closing.things;
        self.held.digest = closing.digest;
        let ack = v1::Ack {
            epoch: self.held.epoch,
            revision: closing.revision,
            rejected: Vec::new(),
            things: closing.things,
            digest: closing.digest,
        };
        self.out.send(request(Said::Ack(ack))).await?;
        Ok(())
    }
}

/// Tells the hosts of the endpoints of a batch.
fn note(batch: v1::Batch, came: &mut impl FnMut(&str, Instant)) {
    let now = Instant::now();
    for thing in batch.things {
        if let Some(thing::Kind::Endpoint(endpoint)) = thing.kind
            && let Some(route_key::Host::ExactHost(host)) =
                endpoint.route.and_then(|route| route.host)
        {
            came(&host, now);
        }
    }
}
