//! A data plane that is played: it reads what is sent, and acks it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// One session that was welcomed.
pub(super) struct Replica {
    epoch: u64,
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Joins with an empty table.
pub(super) async fn connect(address: SocketAddr, id: &str) -> Result<Replica, Failure> {
    let hello = v1::Hello {
        id: id.to_owned(),
        name: id.to_owned(),
        protocol_level: 1,
        capabilities: vec![v1::Capability::TlsEndpoint.into()],
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }),
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
        epoch: welcome.epoch,
        out,
        inbound,
    })
}

/// Takes one snapshot after the other, and counts them.
pub(super) async fn take_snapshots(address: SocketAddr, taken: Arc<AtomicU64>) {
    loop {
        let Ok(mut replica) = connect(address, "beginner").await else {
            // It is told to come later, as others are who begin anew too often.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        if replica.step(&mut |_, _| ()).await.is_ok() {
            taken.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn request(message: Said) -> v1::FollowRequest {
    v1::FollowRequest {
        message: Some(message),
    }
}

impl Replica {
    /// Follows until the session ends; `came` is told each endpoint's host when it was read.
    pub(super) async fn follow(mut self, mut came: impl FnMut(&str, Instant) + Send) {
        while self.step(&mut came).await.is_ok() {}
    }

    /// Reads up to the end of a closing step, and acks it.
    async fn step(&mut self, came: &mut impl FnMut(&str, Instant)) -> Result<(), Failure> {
        loop {
            let message = self
                .inbound
                .message()
                .await?
                .ok_or("the session has ended")?;
            match message.message {
                Some(Message::Batch(batch)) => {
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
                Some(Message::ClosingStep(closing)) if !closing.continues => {
                    let ack = v1::Ack {
                        epoch: self.epoch,
                        revision: closing.revision,
                        rejected: Vec::new(),
                        things: closing.things,
                        digest: closing.digest,
                    };
                    self.out.send(request(Said::Ack(ack))).await?;
                    return Ok(());
                }
                _ => {}
            }
        }
    }
}
