use std::io;
use std::time::Duration;

use pointsman_process::configuration::HostPort;
use pointsman_process::readiness::Readiness;
use pointsman_proto::v1;
use pointsman_proto::v1::distribution_service_server::{
    DistributionService, DistributionServiceServer,
};
use pointsman_proto::v1::{follow_request, follow_response, route_key, thing};
use pointsman_routing::{
    Address, Attributes, EndpointThing, Protocol, RouteThing, Thing as RoutingThing,
};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status as Refusal, Streaming};

mod choosing;
mod instead;
mod lending;
mod restoring;

use super::*;
use crate::Totals;
use crate::failing::{self, FailureReporter};
use crate::subscription::{HEARTBEAT, Identity, Link, Restore};
use crate::table::{TableHandle, publication};

type Said = Result<v1::FollowResponse, Refusal>;

/// A control plane that hands each session to the test.
struct Scripted {
    sessions: mpsc::Sender<Session>,
}

/// One session, from the control plane's end.
struct Session {
    heard: Streaming<v1::FollowRequest>,
    say: mpsc::Sender<Said>,
}

#[tonic::async_trait]
impl DistributionService for Scripted {
    type FollowStream = ReceiverStream<Said>;

    async fn follow(
        &self,
        request: Request<Streaming<v1::FollowRequest>>,
    ) -> Result<Response<Self::FollowStream>, Refusal> {
        let (say, stream) = mpsc::channel(16);
        let session = Session {
            heard: request.into_inner(),
            say,
        };
        self.sessions
            .send(session)
            .await
            .map_err(|_| Refusal::unavailable("the test is over"))?;
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

impl Session {
    async fn hear(&mut self) -> follow_request::Message {
        let message = timeout(Duration::from_secs(60), self.heard.message()).await;
        message.unwrap().unwrap().unwrap().message.unwrap()
    }

    async fn hello(&mut self) -> v1::Hello {
        match self.hear().await {
            follow_request::Message::Hello(hello) => hello,
            other => panic!("no hello: {other:?}"),
        }
    }

    async fn ack(&mut self) -> v1::Ack {
        loop {
            if let follow_request::Message::Ack(ack) = self.hear().await {
                return ack;
            }
        }
    }

    async fn say(&self, message: follow_response::Message) {
        let message = v1::FollowResponse {
            message: Some(message),
        };
        self.say.send(Ok(message)).await.unwrap();
    }

    /// Ends the session as a control plane does that has a reason.
    async fn end(&self, reason: &'static str) {
        let mut status = Refusal::unavailable(reason);
        status
            .metadata_mut()
            .insert("pointsman-reason", reason.parse().unwrap());
        self.say.send(Err(status)).await.unwrap();
    }

    /// Welcomes with this epoch and standing.
    async fn welcome(&self, epoch: u64, open: bool, authoritative: bool) {
        let welcome = v1::Welcome {
            epoch,
            standing: Some(v1::Standing {
                open,
                authoritative,
                ..v1::Standing::default()
            }),
            ..welcome()
        };
        self.say(follow_response::Message::Welcome(welcome)).await;
    }

    /// Welcomes, sends one route, and closes with what was acked before, or with what there is.
    async fn fill(&mut self, host: &str, revision: u64) -> v1::Ack {
        self.say(follow_response::Message::Welcome(welcome())).await;
        self.send(host, revision).await
    }

    /// Sends one route, and closes.
    async fn send(&mut self, host: &str, revision: u64) -> v1::Ack {
        let key = v1::RouteKey {
            host: Some(route_key::Host::ExactHost(host.to_owned())),
            path: Some(route_key::Path::PathPrefix(String::new())),
        };
        let route = v1::Route {
            key: Some(key),
            revision,
            generation: 1,
            groups: vec![v1::Group {
                weight: 1,
                ..v1::Group::default()
            }],
            ..v1::Route::default()
        };
        let things = vec![v1::Thing {
            kind: Some(thing::Kind::Route(route)),
        }];
        self.say(follow_response::Message::Batch(v1::Batch { things }))
            .await;
        let key = pointsman_route_key::RouteKey::from_uri(host).unwrap();
        self.say(follow_response::Message::ClosingStep(v1::ClosingStep {
            revision,
            complete: true,
            things: 1,
            digest: pointsman_route_key::digest::of_route("", &key, 1),
            ..v1::ClosingStep::default()
        }))
        .await;
        self.ack().await
    }
}

fn welcome() -> v1::Welcome {
    v1::Welcome {
        epoch: 5,
        standing: Some(v1::Standing {
            open: true,
            ..v1::Standing::default()
        }),
        settings: Some(v1::Settings {
            mark_time: Some(prost_types::Duration {
                seconds: 30,
                nanos: 0,
            }),
            empty_pool: Some(v1::EmptyPool {
                status: 404,
                timeout: None,
            }),
            default_algorithm: v1::Algorithm::RoundRobin.into(),
            registration_interval: Some(prost_types::Duration {
                seconds: 20,
                nanos: 0,
            }),
        }),
        ..v1::Welcome::default()
    }
}

/// A data plane that follows scripted control planes over pipes.
struct Following {
    sessions: mpsc::Receiver<Session>,
    table: TableHandle,
    readiness: Readiness,
    status: watch::Receiver<Status>,
    failures: FailureReporter,
    draining: CancellationToken,
    switches: Arc<Switches>,
    _end: tokio_util::sync::DropGuard,
}

/// A link to a new scripted control plane.
fn scripted(sessions: mpsc::Sender<Session>) -> Link {
    let (accept, accepted) = mpsc::channel::<DuplexStream>(4);
    let incoming = tokio_stream::StreamExt::map(ReceiverStream::new(accepted), Ok::<_, io::Error>);
    let service = DistributionServiceServer::new(Scripted { sessions });
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));
    Link::pipe(move || {
        let accept = accept.clone();
        async move {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            accept.send(theirs).await.map_err(refused)?;
            Ok(ours)
        }
    })
}

fn follow(links: impl FnOnce(mpsc::Sender<Session>) -> Vec<Link>) -> Following {
    follow_from(None, links)
}

/// The same with a persisted table.
fn follow_from(
    restore: Option<Restore>,
    links: impl FnOnce(mpsc::Sender<Session>) -> Vec<Link>,
) -> Following {
    let (begun, sessions) = mpsc::channel(4);
    let named = links(begun).into_iter().enumerate();
    let control_planes = named
        .map(|(at, link)| ControlPlane {
            name: format!("cp-{at}"),
            link,
        })
        .collect();
    let (publisher, table) = publication();
    let (reporter, failures) = failing::channel();
    let (readiness, draining) = (Readiness::new(), CancellationToken::new());
    let status = watch::Sender::new(Status::default());
    let shown = status.subscribe();
    let switches = Arc::<Switches>::default();
    let subscription = Subscription::new(Parts {
        follower: Follower::new(identity(), 1),
        publisher,
        control_planes,
        heartbeat: HEARTBEAT,
        origin: Instant::now(),
        restore,
        lifetimes: Lifetimes::default(),
        ready: readiness.condition("table", "no control plane has filled it yet"),
        failures,
        load: Arc::new(|| Load {
            totals: Totals {
                requests: 3,
                requests_in_flight: 2,
                connections_open: 1,
                attempts: 4,
                rejected_requests: 5,
                ..Totals::default()
            },
            active_apps: vec![("app".into(), 7)],
        }),
        draining: draining.clone(),
        status,
        switches: Arc::clone(&switches),
    });
    let end = CancellationToken::new();
    tokio::spawn(subscription.run(end.clone()));
    Following {
        sessions,
        table,
        readiness,
        status: shown,
        failures: reporter,
        draining,
        switches,
        _end: end.drop_guard(),
    }
}

fn identity() -> Identity {
    Identity {
        id: "id".to_owned(),
        name: "dp".to_owned(),
        zone: String::new(),
        filter: v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        },
        any_host: false,
    }
}

fn follow_one() -> Following {
    follow(|begun| vec![scripted(begun)])
}

impl Following {
    async fn session(&mut self) -> Session {
        timeout(Duration::from_secs(60), self.sessions.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// The addresses that are served, and which of them are orphans.
    fn endpoints(&self) -> Vec<(String, bool)> {
        let table = self.table.load();
        let endpoints = table.iter().flat_map(|route| route.endpoints());
        endpoints
            .map(|endpoint| (endpoint.address().to_string(), endpoint.is_orphan()))
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_fills_the_table_makes_ready_and_is_resumed() {
    let mut following = follow_one();
    let mut session = following.session().await;
    let hello = session.hello().await;
    assert_eq!((hello.epoch, hello.revision), (0, 0));
    assert!(!following.readiness.is_ready());
    let ack = session.fill("a.com", 9).await;
    assert_eq!((ack.epoch, ack.revision, ack.things), (5, 9, 1));
    assert_eq!(
        following.table.load().routes(),
        1,
        "what is acked is served"
    );
    timeout(Duration::from_secs(1), following.readiness.ready())
        .await
        .unwrap();

    drop(session);
    let mut session = following.session().await;
    let hello = session.hello().await;
    assert_eq!((hello.epoch, hello.revision, hello.things), (5, 9, 1));
    assert_eq!(
        following.table.load().routes(),
        1,
        "and it was served meanwhile"
    );
    assert!(following.readiness.is_ready());
}

/// F-035: a failure is reported with its route, its endpoint and the reason.
#[tokio::test(start_paused = true)]
async fn signs_of_life_go_up_with_reports() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let route = Arc::clone(following.table.load().iter().next().unwrap());
    let endpoint = endpoint_of(&route);
    for _ in 0..3 {
        following.failures.note(&route, &endpoint, "dial");
    }
    following.draining.cancel();
    let (mut beats, mut reports) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while reports.len() < 2 {
        match session.hear().await {
            follow_request::Message::Heartbeat(beat) => beats.push(beat),
            follow_request::Message::Report(report) => reports.push(report),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!((beats[0].revision, beats[0].things), (9, 1));
    assert_eq!(
        reports[0].load,
        Some(v1::Load {
            requests: 3,
            in_flight: 2,
            connections: 1
        })
    );
    let counts = v1::Counts {
        attempts: 4,
        rejected_requests: 5,
        ..v1::Counts::default()
    };
    assert_eq!(reports[0].counts, Some(counts));
    let app = v1::ActiveApp {
        app_id: "app".to_owned(),
        seconds_ago: 7,
    };
    assert_eq!(reports[0].active_apps, [app]);
    assert!(reports[0].draining);
    let age = |report: &v1::Report| report.table_age.as_ref().unwrap().seconds;
    assert_eq!((age(&reports[0]), age(&reports[1])), (5, 10));
    let failing = &reports[0].failing;
    assert_eq!(
        (failing.len(), failing[0].count, failing[0].reason.as_str()),
        (1, 3, "dial")
    );
    assert_eq!(failing[0].address, "10.0.0.1:80");
    assert!(reports[1].failing.is_empty(), "each failure is told once");
}

/// An endpoint as a worker would have it.
fn endpoint_of(route: &Arc<pointsman_routing::Route>) -> Arc<pointsman_routing::Endpoint> {
    let mut writer = pointsman_routing::Writer::new(1);
    writer.begin(1);
    let key = route.key().clone();
    writer.upsert(RoutingThing::Route(route_thing(&key)));
    let endpoint = endpoint_thing(&key, "10.0.0.1:80");
    writer.upsert(RoutingThing::Endpoint(Box::new(endpoint)));
    let table = writer.publish();
    Arc::clone(&table.get(&key).unwrap().endpoints()[0])
}

fn route_thing(key: &pointsman_route_key::RouteKey) -> RouteThing {
    RouteThing {
        key: key.clone(),
        segment: String::new(),
        revision: 1,
        birth: 1,
        generation: 1,
        host_as_registered: String::new(),
        path_as_registered: String::new(),
        attributes: Attributes::default(),
    }
}

fn endpoint_thing(key: &pointsman_route_key::RouteKey, address: &str) -> EndpointThing {
    EndpointThing {
        key: key.clone(),
        address: Address::parse(address).unwrap(),
        segment: String::new(),
        group: String::new(),
        generation: 1,
        protocol: Protocol::Http1,
        protocol_text: String::new(),
        tls: None,
        app_id: String::new(),
        instance_id: String::new(),
        instance_index: String::new(),
        tags: None,
        availability_zone: String::new(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 0,
        stale_threshold_seconds: 0,
        silent: false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_control_plane_is_left_after_three_signs_of_life() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let silent_since = Instant::now();
    let mut next = following.session().await;
    let waited = silent_since.elapsed().as_secs();
    assert!((15..46).contains(&waited), "{waited}");
    assert_eq!(next.hello().await.revision, 9);
    let trouble = following.status.borrow().trouble.clone().unwrap();
    assert!(trouble.contains("silent for 15s"), "{trouble}");
    assert!(following.status.borrow().connection.is_none());
    drop(session);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_differs_is_asked_for_anew_and_served_meanwhile() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let beat = v1::Heartbeat {
        revision: 9,
        things: 2,
        digest: 1,
    };
    session.say(follow_response::Message::Heartbeat(beat)).await;
    let mut next = following.session().await;
    let hello = next.hello().await;
    assert_eq!((hello.epoch, hello.revision), (5, 0));
    assert_eq!(following.table.load().routes(), 1);
    assert_eq!(following.status.borrow().divergences, 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_be_reached_makes_room_for_the_next() {
    let mut following = follow(|begun| {
        let gone = || async { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) };
        vec![Link::pipe(gone), scripted(begun)]
    });
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let status = following.status.borrow().clone();
    assert_eq!(status.connection.unwrap().address, "cp-1");
    assert!(following.table.load().routes() == 1 && status.sessions == 1);
}

#[tokio::test]
async fn clear_text_never_leaves_the_machine() {
    let at = HostPort {
        host: "192.0.2.1".to_owned(),
        port: 7600,
    };
    let control_plane = ControlPlane {
        name: String::new(),
        link: Link::Loopback(at),
    };
    let error = control_plane.connect(HEARTBEAT).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("control_planes.tls"), "{error}");
}

/// a message that is larger than any may be costs the session; the table is served on, and asked for again
#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_costs_no_table() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let endpoint = v1::Endpoint {
        route_service_url: "x".repeat(5 * 1024 * 1024),
        ..v1::Endpoint::default()
    };
    let things = vec![v1::Thing {
        kind: Some(thing::Kind::Endpoint(endpoint)),
    }];
    let batch = follow_response::Message::Batch(v1::Batch { things });
    session.say(batch).await;
    let mut session = following.session().await;
    let hello = session.hello().await;
    assert_eq!((hello.epoch, hello.revision, hello.things), (5, 9, 1));
    assert_eq!(following.table.load().routes(), 1);
    let trouble = following.status.borrow().trouble.clone();
    let trouble = trouble.expect("a reason");
    assert!(trouble.contains("too large"), "{trouble}");
    session.fill("b.com", 10).await;
}
