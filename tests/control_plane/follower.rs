//! A data plane that the test plays, on a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use pointsman_proto::v1::distribution_service_client::DistributionServiceClient;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_proto::v1::{self, thing};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Status, Streaming};

use crate::plane::BOUND;

/// The flow-control windows of the connection: what may be under way to a data plane that does not read.
const WINDOW: u32 = 65_535;

/// One session.
pub(crate) struct Follower {
    pub(crate) welcome: v1::Welcome,
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

/// What came up to the last part of a closing step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) routes: Vec<v1::Route>,
    pub(crate) endpoints: Vec<v1::Endpoint>,
    pub(crate) removals: Vec<v1::Removal>,
    pub(crate) closing: v1::ClosingStep,
}

/// The hello of a data plane that holds nothing.
pub(crate) fn hello(id: &str) -> v1::Hello {
    v1::Hello {
        id: id.to_owned(),
        name: id.to_owned(),
        protocol_level: 1,
        capabilities: vec![v1::Capability::TlsEndpoint.into()],
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }),
        ..v1::Hello::default()
    }
}

impl Follower {
    /// Connects, and is welcomed.
    pub(crate) async fn connect(address: SocketAddr, hello: v1::Hello) -> Self {
        Self::try_connect(address, hello).await.expect("a welcome")
    }

    pub(crate) async fn try_connect(
        address: SocketAddr,
        hello: v1::Hello,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        let channel = timeout(BOUND, endpoint.connect()).await??;
        let (out, said) = mpsc::channel(64);
        let first = v1::FollowRequest {
            message: Some(Said::Hello(hello)),
        };
        out.send(first).await?;
        let mut client = DistributionServiceClient::new(channel);
        let follow = client.follow(ReceiverStream::new(said));
        let mut inbound = timeout(BOUND, follow).await??.into_inner();
        let first = timeout(BOUND, inbound.message()).await??;
        let Some(Message::Welcome(welcome)) = first.and_then(|first| first.message) else {
            return Err("no welcome".into());
        };
        Ok(Self {
            welcome,
            out,
            inbound,
        })
    }

    /// Says something.
    pub(crate) async fn say(&self, message: Said) {
        let message = Some(message);
        let said = self.out.send(v1::FollowRequest { message }).await;
        said.expect("the session lasts");
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Message, Status> {
        let message = timeout(BOUND, self.inbound.message()).await;
        let message = message.expect("something comes")?;
        Ok(message
            .and_then(|message| message.message)
            .expect("the session lasts"))
    }

    /// Everything up to the last part of a closing step.
    pub(crate) async fn step(&mut self) -> Step {
        let mut step = Step::default();
        loop {
            match self.next().await.expect("the session lasts") {
                Message::Batch(batch) => {
                    for thing in batch.things {
                        match thing.kind.expect("a thing") {
                            thing::Kind::Route(route) => step.routes.push(route),
                            thing::Kind::Endpoint(endpoint) => step.endpoints.push(endpoint),
                        }
                    }
                }
                Message::ClosingStep(closing) => {
                    step.removals.extend(closing.removals.clone());
                    if !closing.continues {
                        step.closing = closing;
                        return step;
                    }
                }
                _ => {}
            }
        }
    }

    /// Steps until one is at this revision.
    pub(crate) async fn step_to(&mut self, revision: u64) -> Step {
        let mut all = Step::default();
        while all.closing.revision < revision {
            let step = self.step().await;
            all.routes.extend(step.routes);
            all.endpoints.extend(step.endpoints);
            all.removals.extend(step.removals);
            all.closing = step.closing;
        }
        all
    }

    /// Acks a step, with what it says should be held.
    pub(crate) async fn ack(&self, step: &Step) {
        let ack = v1::Ack {
            epoch: self.welcome.epoch,
            revision: step.closing.revision,
            rejected: Vec::new(),
            things: step.closing.things,
            digest: step.closing.digest,
        };
        self.say(Said::Ack(ack)).await;
    }

    /// The status with which the session ends, within a bound.
    pub(crate) async fn end(&mut self, bound: Duration) -> Status {
        let end = async {
            loop {
                if let Err(status) = self.inbound.message().await {
                    return status;
                }
            }
        };
        timeout(bound, end).await.expect("an end in time")
    }
}
