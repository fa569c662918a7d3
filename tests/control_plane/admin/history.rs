//! What became of a route, and of all routes as it happens.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use pointsman_tests::eventually;
use pointsman_tests::publisher::Emitted;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::order;
use crate::contract::Contract;
use crate::plane::{BOUND, Plane};

fn one(uri: &str) -> Emitted {
    Emitted::plain(uri, ([127, 0, 0, 1], 80).into(), 0)
}

/// K-143: the changes of one route are told with their time, their revision and their reason, and what is different
#[tokio::test]
async fn a_route_has_a_history() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let uri = "app.example.com/path";
    plane.until_registered(&one(uri)).await;
    let moved = Emitted {
        availability_zone: Some("z2".to_owned()),
        ..one(uri)
    };
    plane.publisher.register(&moved).await;
    plane.publisher.register(&moved).await;
    plane.publisher.unregister(&moved).await;
    plane.until_registered(&one("other.example.com")).await;
    let answer = plane.get(&format!("/v1/routes/history?uri={uri}")).await;
    let history = contract.check(("get", "/v1/routes/history"), &answer);
    assert_eq!(
        (&history["complete_above"], &history["earlier"]),
        (&json!(0), &json!(false))
    );
    let changes = history["changes"].as_array().expect("changes");
    let told: Vec<_> = changes
        .iter()
        .map(|it| {
            let word = |name: &str| it[name].as_str().unwrap_or("-").to_owned();
            [word("what"), word("why"), word("address")]
        })
        .collect();
    let address = "127.0.0.1:80";
    let expected = [
        ["added", "registered", "-"],
        ["added", "registered", address],
        ["changed", "registered", address],
        ["removed", "unregistered", address],
        ["removed", "unregistered", "-"],
    ];
    assert_eq!(told, expected, "{history:#}");
    let different = &changes[2]["differences"];
    assert_eq!(different[0]["member"], "availability_zone", "{different}");
    assert_eq!(different[0]["after"], "z2");
    assert_eq!(different.as_array().map(Vec::len), Some(1), "{different}");
    assert!(changes.iter().all(|it| it["source"] == "nats"));
    let revisions: Vec<_> = changes.iter().map(|it| it["revision"].as_u64()).collect();
    assert!(
        revisions.is_sorted() && revisions[0] == Some(1),
        "{revisions:?}"
    );
    let last = plane
        .get(&format!("/v1/routes/history?uri={uri}&limit=1"))
        .await;
    let last = contract.check(("get", "/v1/routes/history"), &last);
    assert_eq!(
        (&last["changes"][0], &last["earlier"]),
        (&changes[4], &json!(true))
    );
    for query in ["", "?uri=/", "?uri=a&limit=0", "?uri=a&since=1"] {
        let answer = plane.get(&format!("/v1/routes/history{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        contract.check(("get", "/v1/routes/history"), &answer);
    }
}

/// Somebody who watches.
struct Watcher {
    body: Incoming,
    text: String,
}

impl Watcher {
    async fn start(plane: &Plane, query: &str) -> Self {
        let stream = TcpStream::connect(plane.process.address("admin")).await;
        let io = TokioIo::new(stream.expect("a connection"));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
            .await
            .expect("a handshake");
        tokio::spawn(connection);
        let request = Request::get(format!("/v1/watch{query}")).header(HOST, "localhost");
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        Self {
            body: answer.into_body(),
            text: String::new(),
        }
    }

    /// The next line; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let line = serde_json::from_str(line).expect("JSON");
                self.text = rest.to_owned();
                return Some(line);
            }
            let frame = timeout(BOUND, self.body.frame()).await.expect("a line");
            let data = frame?.expect("a frame").into_data().expect("data");
            self.text
                .push_str(std::str::from_utf8(&data).expect("text"));
        }
    }

    /// Lines up to the one of this type, in their types and routes.
    async fn until(&mut self, contract: &Contract, last: &str) -> Vec<Value> {
        let schema = json!({"$ref": "#/components/schemas/WatchLine"});
        let mut lines = Vec::new();
        let begun = Instant::now();
        while lines.last().is_none_or(|line: &Value| line["type"] != last) {
            // Signs of life come for ever.
            assert!(begun.elapsed() < BOUND, "no {last}: {lines:?}");
            let line = self.next().await.expect("a line");
            contract.check_value(&schema, &line, "a line");
            lines.push(line);
        }
        lines
    }
}

/// K-143: changes are told as they happen
/// K-152: from a revision on, one JSON object a line, with a sign of life where nothing happens
#[tokio::test]
async fn changes_are_watched_from_a_revision_on() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    plane.until_registered(&one("a.example.com")).await;
    let mut watcher = Watcher::start(&plane, "?since=1&alive_seconds=1").await;
    let lines = watcher.until(&contract, "change").await;
    assert_eq!(
        (&lines[0]["type"], &lines[0]["resumed"]),
        (&json!("start"), &json!(true))
    );
    let change = &lines[1];
    assert_eq!(
        (&change["revision"], &change["address"]),
        (&json!(2), &json!("127.0.0.1:80"))
    );
    let alive = watcher.until(&contract, "alive").await;
    assert_eq!(alive.last().expect("a line")["revision"], 2);
    plane.publisher.unregister(&one("a.example.com")).await;
    let lines = watcher.until(&contract, "change").await;
    let change = lines.last().expect("a line");
    assert_eq!(
        (&change["what"], &change["why"]),
        (&json!("removed"), &json!("unregistered"))
    );
    // Without a revision: from now on.
    plane.until_routes(&[]).await;
    let mut later = Watcher::start(&plane, "?alive_seconds=1").await;
    let lines = later.until(&contract, "alive").await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    for query in ["?since=x", "?alive_seconds=0", "?until=1"] {
        let answer = plane.get(&format!("/v1/watch{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        contract.check(("get", "/v1/watch"), &answer);
    }
}

/// K-152: where the history does not reach back, everything follows between two markers, and then the changes
#[tokio::test]
async fn a_revision_of_another_life_gets_a_snapshot() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    for uri in ["a.example.com", "b.example.com"] {
        plane.until_registered(&one(uri)).await;
    }
    for (things, query) in [
        (4, "?since=1&epoch=0000000000000001"),
        (6, "?since=1000000"),
    ] {
        let mut watcher = Watcher::start(&plane, query).await;
        let lines = watcher.until(&contract, "snapshot-ends").await;
        let types: Vec<_> = lines.iter().filter_map(|it| it["type"].as_str()).collect();
        let mut expected = vec!["start", "snapshot-begins"];
        expected.extend(std::iter::repeat_n("present", things));
        expected.push("snapshot-ends");
        assert_eq!(types, expected);
        assert_eq!(lines[0]["resumed"], false);
        assert!(lines[0]["reason"].is_string());
        let end = lines.last().expect("a line")["revision"].as_u64();
        let uri = format!("new-{}.example.com", query.len());
        plane.publisher.register(&one(&uri)).await;
        let change = watcher.until(&contract, "change").await;
        assert_eq!(change[0]["revision"].as_u64(), end.map(|end| end + 1));
        assert_eq!(change[0]["route"], uri.as_str());
    }
}

/// What an operator takes out stays registered: it is told at once, with its reason, and a snapshot has it.
#[tokio::test]
async fn what_an_operator_takes_out_is_told_as_that() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let uri = "app.example.com";
    plane.until_registered(&one(uri)).await;
    let eject = json!({
        "kind": "eject", "target": {"address": "127.0.0.1:80"}, "reason": "it hangs", "force": true
    });
    let mut watcher = Watcher::start(&plane, "").await;
    let placed = order(&plane, "POST", "/v1/overrides", &eject).await;
    let placed = contract.check(("post", "/v1/overrides"), &placed);
    let told = |lines: &[Value]| {
        let change = lines.last().expect("a line");
        assert_eq!(change["address"], "127.0.0.1:80", "{change}");
        assert_eq!(change["what"], "changed", "{change}");
        let is_out = &change["endpoint"]["ejected"];
        (change["why"].clone(), is_out.clone())
    };
    let lines = watcher.until(&contract, "change").await;
    assert_eq!(told(&lines), (json!("ejected"), json!(true)));

    let mut from_elsewhere = Watcher::start(&plane, "?since=0&epoch=0000000000000001").await;
    let lines = from_elsewhere.until(&contract, "snapshot-ends").await;
    let mut present = lines.iter().filter(|it| it["type"] == "present");
    let is_out = |it: &Value| it["endpoint"]["ejected"] == true;
    assert!(present.any(is_out), "{lines:?}");

    let id = placed["override"]["id"].as_str().expect("an id");
    let path = format!("/v1/overrides/{id}");
    assert_eq!(order(&plane, "DELETE", &path, &json!({})).await.status, 200);
    for watcher in [&mut watcher, &mut from_elsewhere] {
        let lines = watcher.until(&contract, "change").await;
        assert_eq!(told(&lines), (json!("reinstated"), json!(false)));
    }
    let answer = plane.get(&format!("/v1/routes/history?uri={uri}")).await;
    let history = contract.check(("get", "/v1/routes/history"), &answer);
    let changes = history["changes"].as_array().expect("changes").iter();
    let why: Vec<_> = changes.filter_map(|it| it["why"].as_str()).collect();
    assert_eq!(why, ["registered", "registered", "ejected", "reinstated"]);
}

/// K-143: who watches and does not read is cut with a last line, and holds up nobody
#[tokio::test]
async fn a_watcher_that_does_not_read_is_cut() {
    let plane = Plane::start().await;
    let mut watcher = Watcher::start(&plane, "?since=0").await;
    assert_eq!(watcher.next().await.expect("a line")["type"], "start");
    // More than the history holds, and far more than a connection does.
    for round in 0..35 {
        for number in 0..2000 {
            let uri = format!("app-{round}-{number}.example.com");
            plane.publisher.register(&one(&uri)).await;
        }
        // The registry takes what comes, whatever the watcher does.
        let routes = f64::from(2000 * (round + 1));
        plane.until_metric("total_routes", routes).await;
    }
    let mut last = Value::Null;
    while let Some(line) = watcher.next().await {
        last = line;
    }
    assert_eq!(last["type"], "cut", "{last}");
    let reason = last["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("too slow"), "{reason}");
}

/// Each watcher costs the registry some reads, so there are not many.
#[tokio::test]
async fn only_so_many_watch_at_once() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let mut watchers = Vec::new();
    for _ in 0..16 {
        watchers.push(Watcher::start(&plane, "").await);
    }
    let refused = plane.get("/v1/watch").await;
    assert_eq!(refused.status, 429);
    contract.check(("get", "/v1/watch"), &refused);
    watchers.clear();
    eventually("a place", BOUND, async || {
        // A watch that was let in ends only with its client, so this asks for one that is refused otherwise.
        let answer = timeout(Duration::from_secs(1), plane.get("/v1/watch")).await;
        if answer.is_err() {
            Ok(())
        } else {
            Err("refused".to_owned())
        }
    })
    .await;
}
