//! What an operator switches at a data plane itself, without a control plane.

mod http2;
mod refusals;

use std::path::Path;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use pointsman_tests::client::Response;
use pointsman_tests::endpoint::{Answer, Head, Reply};
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Broker, Client, Endpoint, Fleet, Process, Requests, eventually};
use serde_json::{Value, json};

use crate::{assert_none_lost, shown};

const OLD: &str = "old.example.com";
const NEW: &str = "new.example.com";

async fn send(data_plane: &Process, method: Method, path: &str, order: Option<&Value>) -> Response {
    let mut client = Client::connect(data_plane.address("admin")).await;
    let mut request = Request::builder().method(method).uri(path);
    request = request.header(HOST, "localhost");
    if order.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = order.map(ToString::to_string).unwrap_or_default();
    let request = request.body(Full::new(Bytes::from(body)));
    let answer = client.send(request.expect("a request")).await;
    answer.expect("an answer")
}

/// Puts an override, and says what was answered.
async fn place(data_plane: &Process, order: &Value) -> (StatusCode, Value) {
    let answer = send(data_plane, Method::POST, "/v1/overrides", Some(order)).await;
    let body = serde_json::from_slice(&answer.body);
    (
        answer.status,
        body.unwrap_or_else(|_| panic!("{}", answer.text())),
    )
}

/// Puts an override that is taken, and says how to end it.
async fn placed(data_plane: &Process, order: &Value) -> String {
    let (status, answer) = place(data_plane, order).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let id = answer["override"]["id"].as_str().expect("an id");
    format!("/v1/overrides/{id}")
}

async fn end(data_plane: &Process, path: &str) {
    let answer = send(data_plane, Method::DELETE, path, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

/// Waits until what a data plane shows of itself is so.
async fn until_shown(data_plane: &Process, what: &str, is_so: impl Fn(&Value) -> bool) {
    eventually(what, BOUND, async || {
        let shown = shown(data_plane).await?;
        is_so(&shown).then_some(()).ok_or_else(|| shown.to_string())
    })
    .await;
}

/// What the control plane shows of its only data plane.
async fn replica(fleet: &Fleet) -> Result<Value, String> {
    let mut client = Client::connect(fleet.control_plane.address("admin")).await;
    let answer = client.get("127.0.0.1", "/v1/replicas").await;
    let answer = answer.map_err(|failure| failure.to_string())?;
    let shown: Value =
        serde_json::from_slice(&answer.body).map_err(|error| format!("{error}: {answer:?}"))?;
    let replica = &shown["replicas"][0];
    if replica.is_null() {
        return Err(shown.to_string());
    }
    Ok(replica.clone())
}

async fn metric(data_plane: &Process, name: &str) -> String {
    let mut client = Client::connect(data_plane.address("admin")).await;
    let answer = client.get("127.0.0.1", "/metrics").await.expect("metrics");
    let line = answer.text().lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().to_owned()
}

/// a frozen table stays as it is, while what changes is received and held, and is served when that ends
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_table_stays_as_it_is() {
    let fleet = Fleet::start(1).await;
    let data_plane = &fleet.data_planes[0];
    let endpoint = Endpoint::named("old").await;
    let old = Emitted::plain(OLD, endpoint.address(), 0);
    fleet.register(&old, OLD).await;
    let requests = Requests::keep_sending(&fleet.routers(), OLD, 2);

    let order = json!({"kind": "freeze-table", "reason": "routes vanish", "for": "10m"});
    let freeze = placed(data_plane, &order).await;
    until_shown(data_plane, "a frozen table", |it| {
        it["serving"]["state"] == "frozen" && it["overrides"][0]["reason"] == "routes vanish"
    })
    .await;
    let (status, refused) = place(data_plane, &order).await;
    assert_eq!(status, StatusCode::CONFLICT, "one decides: {refused}");
    assert!(
        metric(data_plane, "pointsman_overrides ")
            .await
            .ends_with(" 1.0")
    );

    // What goes and what comes is received, told to the control plane as held, and not served.
    fleet.publisher.unregister(&old).await;
    let newer = Endpoint::named("new").await;
    let new = Emitted::plain(NEW, newer.address(), 0);
    fleet.publisher.register(&new).await;
    eventually("the change to be held", BOUND, async || {
        let replica = replica(&fleet).await?;
        let received = replica["received_revision"].as_u64() == replica["wanted_revision"].as_u64();
        let held = replica["state"] == "frozen"
            && replica["overrides"] == json!(["freeze-table"])
            && received
            && replica["lag_revisions"].as_u64() > Some(0);
        held.then_some(()).ok_or_else(|| replica.to_string())
    })
    .await;
    fleet.answers(OLD, StatusCode::OK).await;
    fleet.answers(NEW, StatusCode::NOT_FOUND).await;
    assert_none_lost(&requests.stop().await);

    end(data_plane, &freeze).await;
    fleet.answers(NEW, StatusCode::OK).await;
    fleet.answers(OLD, StatusCode::NOT_FOUND).await;
    eventually("the data plane to be current", BOUND, async || {
        let replica = replica(&fleet).await?;
        let current = replica["state"] == "converged" && replica["overrides"] == json!([]);
        current.then_some(()).ok_or_else(|| replica.to_string())
    })
    .await;
    let log = data_plane.until_logged("operator-ends-override").await;
    assert_eq!(log.matches("operator-override").count(), 2, "{log}");
    assert!(
        log.contains("serves the frozen table"),
        "before and after: {log}"
    );
}

/// switches work without a control plane, for a time only
#[tokio::test(flavor = "multi_thread")]
async fn switches_need_no_control_plane_and_end_by_themselves() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("old").await;
    let old = Emitted::plain(OLD, endpoint.address(), 0);
    fleet.register(&old, OLD).await;
    fleet.kill_control_plane();
    let data_plane = &fleet.data_planes[0];
    let order = json!({"kind": "freeze-table", "reason": "it comes back empty", "for": "2s"});
    placed(data_plane, &order).await;
    until_shown(data_plane, "a frozen table", |it| {
        it["serving"]["state"] == "frozen"
    })
    .await;
    data_plane.until_logged("override-ended").await;
    until_shown(data_plane, "what is received", |it| {
        it["serving"]["state"] == "received" && it["overrides"] == json!([])
    })
    .await;
    fleet.answers(OLD, StatusCode::OK).await;
}

/// Waits until a generation of the table on disk names the one host and not the other.
async fn written(folder: &Path, name: &str, with: &str, without: &str) {
    eventually(name, BOUND, async || {
        let table = std::fs::read(folder.join(name)).map_err(|error| error.to_string())?;
        let names = |host: &str| {
            let mut texts = table.windows(host.len());
            texts.any(|text| text == host.as_bytes())
        };
        let is_so = names(with) && !names(without);
        is_so
            .then_some(())
            .ok_or_else(|| format!("{} bytes", table.len()))
    })
    .await;
}

/// an earlier generation of the persisted table is served by one command, and given up by another
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_table_is_served_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let more = format!(
        "state: {{folder: {}, write_interval: 1s}}\n",
        folder.path().display()
    );
    let more = More {
        data_plane: &more,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let data_plane = &fleet.data_planes[0];
    let (first, second) = (Endpoint::named("old").await, Endpoint::named("new").await);
    let old = Emitted::plain(OLD, first.address(), 0);
    let new = Emitted::plain(NEW, second.address(), 0);
    fleet.register(&old, OLD).await;
    written(folder.path(), "table", OLD, NEW).await;
    let earlier = |generation: u8| {
        json!({
            "kind": "last-known-good",
            "target": {"generation": generation},
            "reason": "the latest one is bad",
        })
    };
    let (status, refused) = place(data_plane, &earlier(3)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");

    // A change that turns out to be a bad one: the old route goes, and another one comes. The generation before it is
    // served, which knows the old one.
    fleet.publisher.register(&new).await;
    fleet.answers(NEW, StatusCode::OK).await;
    fleet.publisher.unregister(&old).await;
    fleet.answers(OLD, StatusCode::NOT_FOUND).await;
    written(folder.path(), "table", NEW, OLD).await;
    let number = 2;
    let previous = std::fs::read(folder.path().join("table.previous")).expect("a table");
    let forced = placed(data_plane, &earlier(number)).await;
    until_shown(data_plane, "an earlier table", |it| {
        it["serving"]["state"] == "last-known-good" && it["serving"]["generation"] == number
    })
    .await;
    fleet.answers(OLD, StatusCode::OK).await;

    // What is received meanwhile is held, the files stay as they are, and the endpoint fails as any other does.
    let third = "third.example.com";
    let later = Emitted::plain(third, second.address(), 1);
    fleet.publisher.register(&later).await;
    eventually("the third route to be received", BOUND, async || {
        let replica = replica(&fleet).await?;
        let received = replica["received_revision"].as_u64() == replica["wanted_revision"].as_u64();
        (received && replica["state"] == "frozen")
            .then_some(())
            .ok_or_else(|| replica.to_string())
    })
    .await;
    fleet.answers(third, StatusCode::NOT_FOUND).await;
    let kept = std::fs::read(folder.path().join("table.previous")).expect("a table");
    assert!(kept == previous, "it is what is served");

    end(data_plane, &forced).await;
    fleet.answers(third, StatusCode::OK).await;
    fleet.answers(OLD, StatusCode::NOT_FOUND).await;
    fleet.answers(NEW, StatusCode::OK).await;
}

/// a route service is disabled by one command: its requests are refused, and never go past it
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_route_service_gets_no_request_and_nobody_gets_past_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "a shared secret\n").expect("it can be written");
    let more = format!(
        "route_services: {{secret_file: {}, hairpinning: ['*.example.com']}}\n",
        secret.display()
    );
    let more = More {
        data_plane: &more,
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let data_plane = &fleet.data_planes[0];
    let service = Endpoint::with(|_: &Head| -> Answer { Reply::text("the service").into() }).await;
    let app = Endpoint::named("the app").await;
    let of_service = Emitted::plain("service.example.com", service.address(), 0);
    fleet.register(&of_service, "service.example.com").await;
    let bound = Emitted {
        route_service_url: Some("https://service.example.com/mw".to_owned()),
        ..Emitted::plain(OLD, app.address(), 1)
    };
    fleet.register(&bound, OLD).await;

    let order = json!({
        "kind": "disable-route-service",
        "target": {"service": "service.example.com"},
        "reason": "it hangs",
    });
    let disabled = placed(data_plane, &order).await;
    let before = service.request_count();
    let mut client = Client::connect(fleet.routers()[0]).await;
    let refused = client.get(OLD, "/").await.expect("an answer");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        refused.header("x-cf-routererror"),
        Some("route_service_disabled")
    );
    assert_eq!((service.request_count(), app.request_count()), (before, 0));
    // The service as an app of its own is none of this.
    fleet.answers("service.example.com", StatusCode::OK).await;

    end(data_plane, &disabled).await;
    let mut client = Client::connect(fleet.routers()[0]).await;
    let answer = client.get(OLD, "/").await.expect("an answer");
    assert_eq!(answer.text(), "the service");
    assert_eq!(app.request_count(), 0);
}

/// the bound on requests in flight is raised by one command, and lowered by its end
#[tokio::test(flavor = "multi_thread")]
async fn a_bound_is_raised_for_a_while() {
    let more = More {
        // One worker: others may keep a place that they have had.
        data_plane: "workers: 1\nlimits: {requests_in_flight: 1}\n",
        ..More::default()
    };
    let fleet = Fleet::with(Broker::start().await, 1, more).await;
    let data_plane = &fleet.data_planes[0];
    let quick = Endpoint::named("quick").await;
    fleet
        .register(&Emitted::plain(NEW, quick.address(), 0), NEW)
        .await;
    let slow = Endpoint::with(|_: &Head| Answer::Silence).await;
    fleet
        .publisher
        .register(&Emitted::plain(OLD, slow.address(), 0))
        .await;
    let router = fleet.routers()[0];
    let waiting = tokio::spawn(async move {
        let mut client = Client::connect(router).await;
        // Until the route is there, and the request waits.
        while client.get(OLD, "/").await.is_ok() {}
    });
    eventually("the only place to be taken", BOUND, async || {
        let mut client = Client::connect(router).await;
        let answer = client.get(NEW, "/").await.map_err(|it| it.to_string())?;
        (answer.header("x-cf-routererror") == Some("overloaded"))
            .then_some(())
            .ok_or_else(|| format!("{answer:?}"))
    })
    .await;
    let raise = |to: u64| {
        json!({
            "kind": "raise-limit",
            "target": {"limit": "requests-in-flight", "to": to},
            "reason": "a slow app",
        })
    };
    let (status, refused) = place(data_plane, &raise(1)).await;
    assert_eq!(status, StatusCode::CONFLICT, "no raise: {refused}");
    let raised = placed(data_plane, &raise(3)).await;
    fleet.answers(NEW, StatusCode::OK).await;
    end(data_plane, &raised).await;
    fleet.answers(NEW, StatusCode::SERVICE_UNAVAILABLE).await;
    waiting.abort();
    drop(waiting.await);
    fleet.answers(NEW, StatusCode::OK).await;
}
