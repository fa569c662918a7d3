//! A control plane without its sources' protocols, and data planes without their proxies.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::v1::distribution_service_client::DistributionServiceClient;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_proto::v1::{self, thing};
use pointsman_registry::{
    Algorithm, Description, Fields, ModificationTag, Registration, Settings as RegistrySettings,
    Sum, Uri, WhileAway,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use crate::distribution::{Distribution, Effective, SegmentBounds, Settings};
use crate::registry_task::{Event, Handle, RegistryTask, Replica, RollOutSettings, Source};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

pub(super) struct Scene {
    pub(super) handle: Handle,
    pub(super) source: Source,
    pub(super) address: SocketAddr,
    pub(super) metrics: prometheus_client::registry::Registry,
    pub(super) end: Option<oneshot::Sender<()>>,
    pub(super) served: JoinHandle<()>,
}

pub(super) fn settings() -> Settings {
    Settings {
        name: "cp".to_owned(),
        heartbeat: Duration::from_secs(5),
        gather: Duration::from_millis(5),
        max_age: None,
        snapshots: 16,
        snapshot_cache: 1024 * 1024,
        borrow_tables: 0,
        segments: SegmentBounds::Open,
        effective: Effective {
            mark_time: Duration::from_secs(30),
            empty_pool_status: 404,
            empty_pool_timeout: Duration::ZERO,
            default_algorithm: Algorithm::RoundRobin,
            registration_interval: Duration::from_secs(20),
        },
    }
}

/// The parts behind the service.
pub(super) fn parts(
    settings: Settings,
) -> (
    Distribution,
    Handle,
    Source,
    prometheus_client::registry::Registry,
) {
    let mut metrics = prometheus_client::registry::Registry::default();
    let mut task = RegistryTask::new(RegistrySettings::default(), 7, &mut metrics);
    let source = task.source("nats", WhileAway::Wait);
    let handle = task.handle();
    let distribution = Distribution::new(settings, handle.clone(), &mut metrics);
    tokio::spawn(task.run(std::future::pending()));
    (distribution, handle, source, metrics)
}

impl Scene {
    pub(super) async fn new(settings: Settings) -> Self {
        Self::of(parts(settings)).await
    }

    /// One that rolls out what a source declares.
    pub(super) async fn rolling_out(settings: RollOutSettings) -> (Self, Source) {
        let mut metrics = prometheus_client::registry::Registry::default();
        let mut task = RegistryTask::new(RegistrySettings::default(), 7, &mut metrics);
        task.roll_out(settings);
        let source = task.source("nats", WhileAway::Wait);
        let files = task.declaring_source("route files");
        let handle = task.handle();
        let distribution = Distribution::new(self::settings(), handle.clone(), &mut metrics);
        tokio::spawn(task.run(std::future::pending()));
        let scene = Self::of((distribution, handle, source, metrics)).await;
        (scene, files)
    }

    async fn of(
        (distribution, handle, source, metrics): (
            Distribution,
            Handle,
            Source,
            prometheus_client::registry::Registry,
        ),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let served = distribution.serve(TcpListenerStream::new(listener), async {
            let _ = ended.await;
        });
        let served = tokio::spawn(served);
        Self {
            handle,
            source,
            address,
            metrics,
            end: Some(end),
            served,
        }
    }

    pub(super) async fn register(&self, message: Registration) {
        self.source.send(Event::Register(message)).await.unwrap();
    }

    pub(super) async fn unregister(&self, message: Registration) {
        self.source.send(Event::Unregister(message)).await.unwrap();
    }

    pub(super) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// A data plane whose hello was taken.
    pub(super) async fn follow(&self, hello: v1::Hello) -> DataPlane {
        self.try_follow(hello).await.unwrap()
    }

    pub(super) async fn try_follow(&self, hello: v1::Hello) -> Result<DataPlane, Status> {
        DataPlane::over(self.channel().await, hello).await
    }

    /// Waits until what is shown of the only data plane is so.
    pub(super) async fn until_replica(&self, is_so: impl Fn(&Replica) -> bool) -> Replica {
        let wait = async {
            loop {
                if let [replica] = &self.handle.replicas()[..]
                    && is_so(replica)
                {
                    return replica.clone();
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, wait).await.expect("the replica is shown so")
    }

    /// Waits until nobody follows.
    pub(super) async fn until_gone(&self) {
        let wait = async {
            while !self.handle.replicas().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, wait).await.expect("everybody leaves");
    }

    pub(super) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        text
    }
}

pub(super) fn message(address: &str, uri: &str) -> Registration {
    saying(
        address,
        uri,
        Fields {
            protocol: "http1",
            ..Fields::default()
        },
    )
}

pub(super) fn saying(address: &str, uri: &str, fields: Fields<'_>) -> Registration {
    Registration {
        uris: vec![Uri::parse(uri).unwrap()],
        address: address.into(),
        segment: "".into(),
        description: Arc::new(Description::new(fields).unwrap()),
        stale_threshold_seconds: 0,
        tag: ModificationTag::default(),
        fingerprint: None,
    }
}

pub(super) fn hello(id: &str) -> v1::Hello {
    v1::Hello {
        id: id.to_owned(),
        name: format!("dp-{id}"),
        protocol_level: 1,
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }),
        ..v1::Hello::default()
    }
}

/// A session as a data plane has it.
pub(super) struct DataPlane {
    pub(super) welcome: v1::Welcome,
    out: mpsc::Sender<v1::FollowRequest>,
    inbound: Streaming<v1::FollowResponse>,
}

/// What came up to the last part of a closing step.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) routes: Vec<v1::Route>,
    pub(super) endpoints: Vec<v1::Endpoint>,
    pub(super) removals: Vec<v1::Removal>,
    pub(super) batches: usize,
    pub(super) closing: v1::ClosingStep,
}

impl Step {
    /// The sum of what came, which is all that is held where it is a snapshot.
    pub(super) fn sum(&self) -> Sum {
        use pointsman_route_key::digest;
        let key = |key: &Option<v1::RouteKey>| {
            crate::distribution::from_proto::key(key.clone().unwrap()).unwrap()
        };
        let routes = self
            .routes
            .iter()
            .map(|it| digest::of_route(&it.segment, &key(&it.key), it.generation));
        let endpoints = self.endpoints.iter().map(|it| {
            digest::of_endpoint(
                &it.segment,
                &key(&it.route),
                &it.address,
                it.generation,
                it.silent,
            )
        });
        let digests: Vec<u64> = routes.chain(endpoints).collect();
        let digest = digests
            .iter()
            .fold(0, |sum: u64, digest| sum.wrapping_add(*digest));
        Sum {
            things: digests.len() as u64,
            digest,
        }
    }

    pub(super) fn expected(&self) -> Sum {
        Sum {
            things: self.closing.things,
            digest: self.closing.digest,
        }
    }
}

impl DataPlane {
    pub(super) async fn over(channel: Channel, hello: v1::Hello) -> Result<Self, Status> {
        let (out, said) = mpsc::channel(64);
        let first = v1::FollowRequest {
            message: Some(Said::Hello(hello)),
        };
        out.send(first).await.unwrap();
        let mut client = DistributionServiceClient::new(channel);
        let answer = timeout(LONG, client.follow(ReceiverStream::new(said)))
            .await
            .unwrap()?;
        let mut inbound = answer.into_inner();
        let first = timeout(LONG, inbound.message()).await.unwrap()?.unwrap();
        let Some(Message::Welcome(welcome)) = first.message else {
            panic!("{first:?}")
        };
        Ok(Self {
            welcome,
            out,
            inbound,
        })
    }

    pub(super) async fn say(&self, message: Said) {
        self.out
            .send(v1::FollowRequest {
                message: Some(message),
            })
            .await
            .unwrap();
    }

    /// The next message; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, Status> {
        self.next_within(LONG).await
    }

    async fn next_within(&mut self, bound: Duration) -> Result<Option<Message>, Status> {
        let message = timeout(bound, self.inbound.message())
            .await
            .expect("something comes")?;
        Ok(message.map(|message| message.message.unwrap()))
    }

    /// Everything up to the last part of a closing step.
    pub(super) async fn step(&mut self) -> Step {
        let mut step = Step::default();
        loop {
            match self.next().await.unwrap().expect("the session lasts") {
                Message::Batch(batch) => {
                    step.batches += 1;
                    for thing in batch.things {
                        match thing.kind.unwrap() {
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
                Message::Heartbeat(_) | Message::Standing(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Steps until one is at this revision.
    pub(super) async fn step_to(&mut self, revision: u64) -> Step {
        let mut all = Step::default();
        while all.closing.revision < revision {
            let step = self.step().await;
            all.routes.extend(step.routes);
            all.endpoints.extend(step.endpoints);
            all.removals.extend(step.removals);
            all.batches += step.batches;
            all.closing = step.closing;
        }
        all
    }

    pub(super) async fn ack(&self, step: &Step) {
        self.ack_as(step, step.expected(), Vec::new()).await;
    }

    pub(super) async fn ack_as(&self, step: &Step, held: Sum, rejected: Vec<v1::RejectedThing>) {
        let ack = v1::Ack {
            epoch: self.welcome.epoch,
            revision: step.closing.revision,
            rejected,
            things: held.things,
            digest: held.digest,
        };
        self.say(Said::Ack(ack)).await;
    }

    /// What the next hello of this data plane says.
    pub(super) fn hello_again(&self, id: &str, step: &Step) -> v1::Hello {
        v1::Hello {
            epoch: self.welcome.epoch,
            revision: step.closing.revision,
            filter_digest: self.welcome.filter_digest,
            things: step.closing.things,
            ..hello(id)
        }
    }

    /// Why the session ends.
    pub(super) async fn end(&mut self) -> Status {
        self.end_within(LONG).await
    }

    pub(super) async fn end_within(&mut self, bound: Duration) -> Status {
        loop {
            match self.next_within(bound).await {
                Ok(Some(_)) => {}
                Ok(None) => return Status::ok("it just ended"),
                Err(status) => return status,
            }
        }
    }
}
