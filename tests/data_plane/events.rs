//! What the agent for metrics is told of requests.

use std::collections::HashMap;
use std::net::SocketAddr;

use pointsman_data_plane::Events;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Reply};
use prost::Message;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::support::{BOUND, Plane, Setup, head};

/// `events.Envelope` of Dropsonde, as far as it is read here.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(string, required, tag = "1")]
    origin: String,
    #[prost(int32, required, tag = "2")]
    event_type: i32,
    #[prost(int64, optional, tag = "6")]
    timestamp: Option<i64>,
    #[prost(map = "string, string", tag = "17")]
    tags: HashMap<String, String>,
    #[prost(message, optional, tag = "7")]
    http: Option<HttpStartStop>,
}

/// `events.HttpStartStop`.
#[derive(Clone, PartialEq, Message)]
struct HttpStartStop {
    #[prost(int64, required, tag = "1")]
    start: i64,
    #[prost(int64, required, tag = "2")]
    stop: i64,
    #[prost(message, required, tag = "3")]
    request_id: Uuid,
    #[prost(int32, required, tag = "4")]
    peer_type: i32,
    #[prost(int32, required, tag = "5")]
    method: i32,
    #[prost(string, required, tag = "6")]
    uri: String,
    #[prost(string, required, tag = "7")]
    remote_address: String,
    #[prost(string, required, tag = "8")]
    user_agent: String,
    #[prost(int32, required, tag = "9")]
    status: i32,
    #[prost(int64, required, tag = "10")]
    content_length: i64,
    #[prost(message, optional, tag = "12")]
    application_id: Option<Uuid>,
    #[prost(int32, optional, tag = "13")]
    instance_index: Option<i32>,
    #[prost(string, optional, tag = "14")]
    instance_id: Option<String>,
    #[prost(string, repeated, tag = "15")]
    forwarded: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Uuid {
    #[prost(uint64, required, tag = "1")]
    low: u64,
    #[prost(uint64, required, tag = "2")]
    high: u64,
}

impl Uuid {
    fn text(&self) -> String {
        let bytes = [self.low.to_le_bytes(), self.high.to_le_bytes()].concat();
        uuid::Uuid::from_slice(&bytes)
            .expect("16 bytes")
            .to_string()
    }
}

/// An agent, and a data plane that tells it of requests.
async fn told(setup: Setup) -> (UdpSocket, Plane) {
    let agent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = agent.local_addr().expect("an address");
    (agent, telling(setup, address))
}

fn telling(setup: Setup, agent: SocketAddr) -> Plane {
    let origin = "gorouter".to_owned();
    setup
        .with(|settings| settings.events = Some(Events { agent, origin }))
        .start()
}

async fn next(agent: &UdpSocket) -> (Envelope, HttpStartStop) {
    let mut datagram = vec![0; 65_536];
    let received = timeout(BOUND, agent.recv(&mut datagram)).await;
    let length = received.expect("an event in time").expect("a datagram");
    let envelope = Envelope::decode(&datagram[..length]).expect("an envelope");
    let event = envelope.http.clone().expect("a start and a stop");
    (envelope, event)
}

/// D-157: each request is one event of a server, with the tags of its endpoint.
/// D-156: what a client says of instances is not used in it.
/// OB-104: it has the status and the size.
/// OB-105: tags are as registered.
/// OB-106: identities that a client has sent are not told.
#[tokio::test]
async fn a_request_is_an_event() {
    let endpoint = Endpoint::with(|_| Answer::Reply(Reply::text("hello"))).await;
    let setup = Setup::new().thing("app.test", endpoint.address(), |thing| {
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        thing.tags = Some(vec![tag("source_id", "app-1"), tag("Some", "Tag")]);
    });
    let (agent, plane) = told(setup).await;
    let fields = [
        "User-Agent: an agent",
        "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
        "X-CF-ApplicationID: forged",
        "X-CF-InstanceIndex: 7",
        "X-CF-InstanceID: forged",
        "Content-Length: 0",
    ];
    let answer = plane.ask(head("POST /a/b?secret=c", &fields)).await;
    let (envelope, event) = next(&agent).await;
    assert_eq!(
        (envelope.origin.as_str(), envelope.event_type),
        ("gorouter", 4)
    );
    let expected = [("source_id", "app-1"), ("Some", "Tag")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(envelope.tags, HashMap::from(expected));
    assert_eq!((event.peer_type, event.method), (2, 2));
    assert_eq!(event.uri, "http://app.test/a/b");
    assert!(event.remote_address.starts_with("127.0.0.1:"));
    assert_eq!(event.user_agent, "an agent");
    assert_eq!((event.status, event.content_length), (200, 5));
    assert_eq!(event.forwarded, ["1.2.3.4", "5.6.7.8"]);
    assert!(event.start <= event.stop && event.start > 1_600_000_000_000_000_000);
    assert_eq!(envelope.timestamp, Some(event.stop));
    let id = answer.header("X-Vcap-Request-Id").expect("an id");
    assert_eq!(event.request_id.text(), id);
    assert_eq!((event.application_id, event.instance_index), (None, None));
    assert_eq!(event.instance_id, None);
}

/// D-157: without an endpoint there are no tags, and where a trace is known, its ids are.
/// OB-107: those of a trace stand in the tags.
#[tokio::test]
async fn refusals_and_traces_are_told_as_well() {
    let endpoint = Endpoint::named("app").await;
    let (agent, plane) = told(Setup::new().endpoint("app.test", &endpoint)).await;
    let nobody = "GET /x HTTP/1.1\r\nHost: nobody.test\r\n\r\n";
    assert_eq!(plane.ask(nobody).await.status, 404);
    let (envelope, event) = next(&agent).await;
    assert_eq!((event.status, event.method), (404, 1));
    assert_eq!(event.uri, "http://nobody.test/x");
    assert_eq!(envelope.tags, HashMap::new());
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let parent = format!("traceparent: 00-{trace}-{span}-01");
    let b3 = [
        format!("X-B3-TraceId: {trace}"),
        format!("X-B3-SpanId: {span}"),
    ];
    for fields in [&[parent.as_str()][..], &[b3[0].as_str(), b3[1].as_str()]] {
        plane.ask(head("GET /", fields)).await;
        let (envelope, _) = next(&agent).await;
        for (name, value) in [("trace_id", trace), ("span_id", span)] {
            assert_eq!(envelope.tags.get(name).map(String::as_str), Some(value));
        }
    }
}

/// OB-108: an agent that is not there costs events, which are counted, and no request.
/// D-161: the same.
#[tokio::test]
async fn an_agent_that_is_not_there_costs_no_request() {
    let endpoint = Endpoint::named("app").await;
    let (agent, plane) = told(Setup::new().endpoint("app.test", &endpoint)).await;
    drop(agent);
    // The first datagrams bring the answer that nobody listens.
    for _ in 0..20 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    plane
        .until("events are lost", |totals| totals.events_dropped > 0)
        .await;
    assert_eq!(plane.get("/").await.status, 200);
}
