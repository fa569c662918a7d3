use std::net::SocketAddr;
use std::time::Duration;

use pointsman_process::metrics::Build;
use pointsman_route_key::RouteKey;
use pointsman_routing::{
    Address, Attributes, EndpointThing, Protocol, RegisteredBalancing, RouteThing, Thing, Writer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::overrides::Bounds;
use crate::servable::Servable;
use crate::settings::Limits;
use crate::table::publication;

/// A table with one full endpoint, one bare one, and an empty route.
fn table() -> Arc<pointsman_routing::Table> {
    let mut writer = Writer::new(1);
    writer.begin(1);
    for uri in ["foo", "foo/A&B", "empty.com"] {
        writer.upsert(Thing::Route(RouteThing {
            key: RouteKey::from_uri(uri).unwrap(),
            segment: String::new(),
            revision: 1,
            birth: 1,
            generation: 1,
            host_as_registered: "foo".to_owned(),
            path_as_registered: "/".to_owned(),
            attributes: Attributes::default(),
        }));
    }
    let bare = EndpointThing {
        key: RouteKey::from_uri("foo").unwrap(),
        address: Address::parse("192.168.1.1:1234").unwrap(),
        segment: String::new(),
        group: String::new(),
        generation: 1,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: None,
        app_id: "app".to_owned(),
        instance_id: String::new(),
        instance_index: String::new(),
        tags: None,
        availability_zone: String::new(),
        route_service_url: "https://my-routeService.com".to_owned(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 0,
        stale_threshold_seconds: -1,
        silent: false,
    };
    writer.upsert(Thing::Endpoint(Box::new(bare.clone())));
    writer.upsert(Thing::Endpoint(Box::new(EndpointThing {
        key: RouteKey::from_uri("foo/A&B").unwrap(),
        address: Address::parse("5.6.7.8:5678").unwrap(),
        segment: "east".to_owned(),
        tls: Some("pvt_test_san".to_owned()),
        instance_id: "pvt_test_instance_id".to_owned(),
        tags: Some(vec![
            ("b".to_owned(), "2".to_owned()),
            ("a".to_owned(), "<1>".to_owned()),
        ]),
        availability_zone: "az-meow".to_owned(),
        route_service_url: String::new(),
        balancing: Some(RegisteredBalancing {
            algorithm: "lb-meow".to_owned(),
            ..RegisteredBalancing::default()
        }),
        stale_threshold_seconds: 120,
        ..bare
    })));
    writer.publish()
}

/// None stands, and there is no table yet.
fn overrides() -> Overrides {
    let (bounds, _mailboxes) = Bounds::open(&Limits::default(), 1);
    Overrides::new(Arc::default(), bounds, Servable::new(|| false), None)
}

struct Api {
    address: SocketAddr,
    readiness: Readiness,
    _end: tokio_util::sync::DropGuard,
}

impl Api {
    async fn start(credentials: Option<Credentials>) -> Self {
        Self::start_with(credentials, None).await
    }

    async fn start_with(credentials: Option<Credentials>, log: Option<LentLevel>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            listen,
            credentials,
            tokens: Vec::new(),
            clients: Vec::new(),
            tls: None,
            protect_metrics: false,
        };
        let bound = pointsman_admin::bind(settings, None).await.unwrap();
        let (publisher, handle) = publication();
        publisher.publish(table());
        let readiness = Readiness::new();
        let inside = Inside {
            readiness: readiness.clone(),
            liveness: Liveness::new(),
            log,
            metrics: Arc::new(pointsman_process::metrics::registry(Build {
                program: "test",
                version: "0",
            })),
            table: handle,
            status: watch::Sender::new(Status::default()).subscribe(),
            kept: None,
            ejected: Default::default(),
            varz: None,
            overrides: overrides(),
        };
        let (address, end) = (bound.address(), CancellationToken::new());
        tokio::spawn(bound.serve(pages(inside), end.clone().cancelled_owned()));
        Self {
            address,
            readiness,
            _end: end.drop_guard(),
        }
    }

    async fn get(&self, path: &str, head: &str) -> (u16, String, String) {
        self.ask("GET", path, head, "").await
    }

    async fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let address = self.address;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{head}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), read)
            .await
            .unwrap()
            .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_lowercase(), body.to_owned())
    }
}

#[tokio::test]
async fn routes_are_shown_as_gorouter_shows_them() {
    let api = Api::start(None).await;
    let (status, head, body) = api.get("/routes", "").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    let expected = concat!(
        r#"{"empty.com":[],"#,
        r#""foo":[{"address":"192.168.1.1:1234","availability_zone":"","protocol":"http1","tls":false,"ttl":-1,"#,
        r#""route_service_url":"https://my-routeService.com","tags":null,"load_balancing_algorithm":"round-robin"}],"#,
        r#""foo/a\u0026b":[{"address":"5.6.7.8:5678","availability_zone":"az-meow","protocol":"http1","tls":true,"ttl":120,"#,
        r#""tags":{"a":"\u003c1\u003e","b":"2"},"isolation_segment":"east","private_instance_id":"pvt_test_instance_id","#,
        r#""server_cert_domain_san":"pvt_test_san","load_balancing_algorithm":"lb-meow"}]}"#,
    );
    let body: String = body.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_routes_ask_for_the_user_and_health_does_not() {
    let credentials = Credentials {
        user: "user".to_owned(),
        password: "good".into(),
        role: Role::Write,
    };
    let api = Api::start(Some(credentials)).await;
    let (status, head, body) = api.get("/routes", "").await;
    assert_eq!((status, body.as_str()), (401, "401 Unauthorized\n"));
    assert!(head.contains("www-authenticate: basic"), "{head}");
    let (status, ..) = api
        .get("/routes", "Authorization: Basic dXNlcjpnb29k\r\n")
        .await;
    assert_eq!(status, 200);
    assert_eq!(api.get("/other", "").await.0, 401);
    assert_eq!(
        api.get("/other", "Authorization: Basic dXNlcjpnb29k\r\n")
            .await
            .0,
        404
    );
    assert_eq!(api.get("/health", "").await.0, 200);
    assert_eq!(api.get("/metrics", "").await.0, 200);
}

#[tokio::test]
async fn health_follows_readiness_and_draining_ends_it() {
    let api = Api::start(None).await;
    let table = api
        .readiness
        .condition("table", "no control plane has filled it yet");
    let (status, head, body) = api.get("/health", "").await;
    assert_eq!((status, body.as_str()), (503, ""));
    for header in ["cache-control: private, max-age=0", "expires: 0"] {
        assert!(head.contains(header), "{head}");
    }
    let (status, _, body) = api.get("/readyz", "").await;
    assert_eq!(
        (status, body.as_str()),
        (503, "table: no control plane has filled it yet\n")
    );
    table.met();
    let (status, head, body) = api.get("/health", "").await;
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    assert!(head.contains("cache-control: private, max-age=0"), "{head}");
    api.readiness.leave("draining");
    assert_eq!(api.get("/health", "").await.0, 503);
    assert_eq!(api.get("/livez", "").await.0, 200);
    let alive = "/is-process-alive-do-not-use-for-loadbalancing";
    assert_eq!(api.get(alive, "").await.0, 200);
}

/// K-145: the log of a data plane is turned up for a while, and down again by itself, on its own admin API
#[tokio::test]
async fn the_log_is_turned_up_for_a_while() {
    let form = pointsman_process::telemetry::Form::Human;
    let level = "info".parse().unwrap();
    let (subscriber, handle) = pointsman_process::telemetry::build(&form, &level, io::sink);
    let api = Api::start_with(None, Some(LentLevel::new(handle))).await;
    let put = async |body: &str, kind: &str| {
        let length = body.len();
        let more = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        let (status, _, body) = api.ask("PUT", "/v1/log", &more, body).await;
        let read = serde_json::from_str::<serde_json::Value>(&body);
        (status, read.unwrap_or_default())
    };
    let (status, lent) = put(r#"{"level":"debug","for_seconds":1}"#, "application/json").await;
    assert_eq!((status, lent["level"].as_str()), (200, Some("debug")));
    let returned = async {
        loop {
            let (_, _, body) = api.get("/v1/log", "").await;
            let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
            if shown["level"] == "info" {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let shown = tokio::time::timeout(Duration::from_secs(10), returned).await;
    assert_eq!(
        shown.unwrap()["returns_in_seconds"],
        serde_json::Value::Null
    );
    for (body, kind, wanted, told) in [
        (
            r#"{"level":"loud"}"#,
            "application/json",
            400,
            "unrecognized level",
        ),
        (
            r#"{"level":"debug","for_seconds":0}"#,
            "application/json",
            400,
            "expected 1 to 86400",
        ),
        (
            r#"{"level":"debug"}"#,
            "text/plain",
            415,
            "application/json",
        ),
    ] {
        let (status, problem) = put(body, kind).await;
        assert_eq!(status, wanted, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(told),
            "{problem}"
        );
    }
    drop(subscriber);
}
