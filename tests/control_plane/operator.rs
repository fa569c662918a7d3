//! What an operator sees of data planes, asks them, and orders.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_tests::client::Response;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, eventually};
use serde_json::{Value, json};

use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane, logged, until_logged};

async fn post(plane: &Plane, path: &str, content_type: Option<&str>, order: &Value) -> Response {
    let mut client = Client::connect(plane.process.address("admin")).await;
    let mut request = Request::post(path).header(HOST, "localhost");
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    let body = Full::new(Bytes::from(order.to_string()));
    let request = request.body(body).expect("a request");
    client.send(request).await.expect("an answer")
}

async fn order(plane: &Plane, path: &str, order: &Value) -> (StatusCode, Value) {
    let answer = post(plane, path, Some("application/json"), order).await;
    let body = serde_json::from_slice(&answer.body);
    (
        answer.status,
        body.unwrap_or_else(|_| panic!("{}", answer.text())),
    )
}

async fn replicas(plane: &Plane) -> Value {
    serde_json::from_slice(&plane.get("/v1/replicas").await.body).expect("JSON")
}

/// Waits until what is shown of the fleet is so.
async fn until_shown(plane: &Plane, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(what, BOUND, async || {
        let shown = replicas(plane).await;
        if is_so(&shown) {
            Ok(shown)
        } else {
            Err(shown.to_string())
        }
    })
    .await
}

/// Registrations that count for 2 s, of which three routes may go at once.
async fn forgetful() -> Plane {
    Plane::start_changed(|configuration| {
        configuration.replace(
            "  start_delay: 0s\n",
            "  start_delay: 0s
  interval: 1s
  stale_threshold: 2s
  guard: {percent: 10, at_least: 3, window: 1h}
",
        )
    })
    .await
}

/// what all fall silent at once is kept, and shown in the admin API, the metrics and the log
/// an operator releases it for this epoch up to a revision, which data planes are told and the log keeps
#[tokio::test]
async fn a_silence_is_shown_and_released() {
    let plane = forgetful().await;
    for number in 0..10 {
        let uri = format!("app-{number}.example.com");
        let message = Emitted::plain(&uri, ([127, 0, 0, 1], 80).into(), number);
        plane.publisher.register(&message).await;
    }
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, hello("dp")).await;
    let shown = until_shown(&plane, "seven held", |it| it["guard"]["held_expiries"] == 7).await;
    assert_eq!(plane.routes().await.len(), 7);
    plane
        .until_metric("pointsman_registry_held_expiries", 7.0)
        .await;
    let revision = shown["wanted_revision"].as_u64().expect("a revision");
    let first = follower.step_to(revision).await;
    follower.ack(&first).await;

    let epoch = shown["epoch"].as_str().expect("an epoch");
    let right = json!({"epoch": epoch, "up_to_revision": revision});
    let stranger = json!({"epoch": "0000000000000001", "up_to_revision": revision});
    let future = json!({"epoch": epoch, "up_to_revision": revision + 1});
    let number = json!({"epoch": "7", "up_to_revision": revision});
    for (wrong, status, detail) in [
        (
            &stranger,
            409,
            "the order is for the epoch 0000000000000001",
        ),
        (&future, 409, "the latest one is"),
        (&number, 400, "16 hexadecimal digits"),
        (&json!({"epoch": epoch}), 422, "up_to_revision"),
    ] {
        let (refused, problem) = order(&plane, "/v1/release", wrong).await;
        assert_eq!(refused.as_u16(), status, "{problem}");
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{told}");
    }
    // A form or a script of a foreign page can send no JSON.
    for content_type in [None, Some("text/plain")] {
        let refused = post(&plane, "/v1/release", content_type, &right).await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    assert_eq!(plane.get("/v1/release").await.status, 405);

    let (status, released) = order(&plane, "/v1/release", &right).await;
    assert_eq!(status, StatusCode::OK, "{released}");
    assert_eq!(released["released_expiries"], 7);
    plane.until_routes(&[]).await;
    loop {
        if let Message::Release(release) = follower.next().await.expect("the session lasts") {
            let wanted = (follower.welcome.epoch, revision);
            assert_eq!((release.epoch, release.up_to_revision), wanted);
            break;
        }
    }
    plane.until_logged("expiry-guard-holds-nothing").await;
    assert_eq!(plane.logged("expiry-guard-holds").len(), 1);
    until_logged(&plane.process, "operator-release", 3).await;
    let audit = logged(&plane.process, "operator-release");
    let last = audit.last().expect("an audit");
    assert_eq!(last["data"]["before"]["held_expiries"], 7, "{last}");
    assert_eq!(audit.len(), 3, "refused ones too: {audit:?}");
}

/// an empty control plane takes nothing from a fleet that serves, until an operator confirms that this is right
/// and says why it does not
#[tokio::test]
async fn an_empty_table_is_confirmed() {
    let plane = forgetful().await;
    let serving = v1::Hello {
        epoch: 99,
        revision: 5,
        things: 40,
        ..hello("dp")
    };
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, serving).await;
    let all = follower.step().await;
    follower.ack(&all).await;
    let shown = until_shown(&plane, "the reason", |it| {
        it["standing"]["reason"] == "nothing is registered, and data planes still serve routes"
    })
    .await;
    assert_eq!(shown["standing"]["authoritative"], false);
    assert_eq!(shown["standing"]["authoritative_after_seconds"], 2.0);
    assert_eq!(shown["replicas"][0]["things_of_other_epochs"], 40);
    let right = json!({"epoch": shown["epoch"]});
    let stranger = json!({"epoch": "0000000000000001"});
    let (refused, _) = order(&plane, "/v1/authority/confirm", &stranger).await;
    assert_eq!(refused, StatusCode::CONFLICT);
    let (status, confirmed) = order(&plane, "/v1/authority/confirm", &right).await;
    assert_eq!(
        (status, &confirmed["authoritative"]),
        (StatusCode::OK, &json!(true))
    );
    loop {
        if let Message::Standing(standing) = follower.next().await.expect("the session lasts")
            && standing.authoritative
        {
            break;
        }
    }
    until_logged(&plane.process, "operator-confirms-emptiness", 2).await;
}

/// Answers every question as a data plane would that holds one route.
async fn answer_questions(mut follower: Follower) {
    use pointsman_proto::v1::{answer, question};
    while let Ok(message) = follower.next().await {
        let Message::Question(question) = message else {
            continue;
        };
        let kind = match question.kind.expect("a question") {
            question::Kind::ExplainUrl(url) if url.starts_with("http://app.example.com") => {
                let key = v1::RouteKey {
                    host: Some(v1::route_key::Host::ExactHost("app.example.com".to_owned())),
                    path: Some(v1::route_key::Path::PathPrefix(String::new())),
                };
                let endpoint = v1::Endpoint {
                    route: Some(key),
                    address: "10.0.0.1:80".to_owned(),
                    ..v1::Endpoint::default()
                };
                let things = vec![v1::Thing {
                    kind: Some(v1::thing::Kind::Endpoint(endpoint)),
                }];
                answer::Kind::Holding(v1::Holding {
                    things,
                    steps: vec!["the host is that of a route".to_owned()],
                    ..v1::Holding::default()
                })
            }
            question::Kind::ExplainUrl(url) => answer::Kind::Refused(format!("{url} is odd")),
            // It thinks about routes for ever.
            question::Kind::Route(_) => continue,
            question::Kind::Digest(v1::DigestQuestion {}) => answer::Kind::Digest(v1::Heartbeat {
                revision: 3,
                things: 2,
                digest: 255,
            }),
        };
        let (id, kind) = (question.id, Some(kind));
        follower.say(Said::Answer(v1::Answer { id, kind })).await;
    }
}

#[tokio::test]
async fn a_data_plane_is_asked_through_the_admin_api() {
    let plane = Plane::start().await;
    let address = plane.process.address("distribution");
    let follower = Follower::connect(address, hello("dp")).await;
    let answering = tokio::spawn(answer_questions(follower));
    let get = async |path: &str| {
        let answer = plane.get(path).await;
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        (answer.status.as_u16(), body)
    };
    let url = "http%3A%2F%2Fapp.example.com%2Fx";
    let (status, explained) = get(&format!("/v1/replicas/dp/explain?url={url}")).await;
    assert_eq!(status, 200, "{explained}");
    assert_eq!(explained["endpoints"][0]["address"], "10.0.0.1:80");
    assert_eq!(explained["endpoints"][0]["route"], "app.example.com");
    assert_eq!(explained["steps"][0], "the host is that of a route");
    let (status, digest) = get("/v1/replicas/dp/digest").await;
    let wanted = json!({"revision": 3, "things": 2, "digest": "00000000000000ff"});
    assert_eq!((status, digest), (200, wanted));
    for (path, status, detail) in [
        (
            "/v1/replicas/dp/explain?url=odd",
            422,
            "the data plane says: odd is odd",
        ),
        (
            "/v1/replicas/nobody/digest",
            404,
            "no data plane of the id \"nobody\"",
        ),
        ("/v1/replicas/dp/explain", 400, "expected url=URL"),
        ("/v1/replicas/dp/route?uri=/", 400, "the URI names no host"),
        (
            "/v1/replicas/dp/route?uri=a.b",
            504,
            "did not answer within 5 seconds",
        ),
    ] {
        let (told, problem) = get(path).await;
        assert_eq!(told, status, "{path}: {problem}");
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{path}: {told}");
    }
    let asked = (0..20).map(|_| get("/v1/replicas/dp/digest"));
    let mut statuses = Vec::new();
    for asked in asked {
        statuses.push(asked.await.0);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    answering.abort();
    let _aborted = answering.await;
    until_shown(&plane, "nobody", |it| it["replicas"] == json!([])).await;
}

/// a session ends at its age with a word that nothing is wrong, and the next one goes on by a delta
#[tokio::test]
async fn a_session_ends_at_its_age() {
    let plane = Plane::start_changed(|configuration| {
        configuration.replace("distribution:\n", "distribution:\n  max_session_age: 1s\n")
    })
    .await;
    let uri = "app.example.com";
    let message = Emitted::plain(uri, ([127, 0, 0, 1], 80).into(), 0);
    plane.publisher.register(&message).await;
    plane.until_routes(&[uri]).await;
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, hello("dp")).await;
    let all = follower.step().await;
    follower.ack(&all).await;
    let ended = follower.end(Duration::from_secs(10)).await;
    assert_eq!(ended.code(), tonic::Code::Unavailable);
    let reason = ended.metadata().get("pointsman-reason");
    assert_eq!(reason.and_then(|it| it.to_str().ok()), Some("age"));
    let again = v1::Hello {
        epoch: follower.welcome.epoch,
        revision: all.closing.revision,
        filter_digest: follower.welcome.filter_digest,
        things: all.closing.things,
        ..hello("dp")
    };
    let follower = Follower::connect(address, again).await;
    assert_eq!(follower.welcome.transfer(), v1::Transfer::Delta);
}
