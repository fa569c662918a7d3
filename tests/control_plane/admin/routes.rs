//! Routes with filters, and what is not sent again.

use hyper::header::{HOST, IF_NONE_MATCH};
use hyper::{Request, StatusCode};
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, eventually};
use serde_json::Value;

use crate::contract::Contract;
use crate::plane::{BOUND, Plane};

/// Four routes: two of one app, one of them in an isolation segment; one of another app; one with a wildcard.
async fn furnished(configuration: impl FnOnce(String) -> String) -> Plane {
    let plane = Plane::start_changed(configuration).await;
    let routes = [
        ("a.example.com", "app-1", None),
        ("a.example.com/path", "app-1", Some("iso")),
        ("b.example.com", "app-2", None),
        ("*.example.com", "app-1", None),
    ];
    for (number, (uri, app, segment)) in (0..).zip(routes) {
        let message = Emitted {
            app: Some(app.to_owned()),
            isolation_segment: segment.map(str::to_owned),
            ..Emitted::plain(uri, ([127, 0, 0, 1], 80).into(), number)
        };
        plane.publisher.register(&message).await;
    }
    plane
        .until_routes(&[
            "*.example.com",
            "a.example.com",
            "a.example.com/path",
            "b.example.com",
        ])
        .await;
    plane
}

/// The routes of a page, by name, and what leads to the next one.
async fn page(plane: &Plane, contract: &Contract, query: &str) -> (Vec<String>, Option<String>) {
    let answer = plane.get(&format!("/v1/routes?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let page = contract.check(("get", "/v1/routes"), &answer);
    let routes = page["routes"].as_array().expect("routes").iter();
    let names = routes.map(|it| it["route"].as_str().expect("a name").to_owned());
    (names.collect(), page["next"].as_str().map(str::to_owned))
}

/// Routes are filtered by host, app, segment, source and age, in any combination.
///
/// K-152: in pages, whose cursor a filter does not disturb
#[tokio::test]
async fn routes_are_filtered() {
    let plane = furnished(|configuration| configuration).await;
    let contract = Contract::of(&plane).await;
    for (query, expected) in [
        (
            "host=a.example.com",
            &["a.example.com", "a.example.com/path"][..],
        ),
        ("host=A.Example.com&segment=iso", &["a.example.com/path"]),
        ("host=*.example.com", &["*.example.com"]),
        ("host=*", &[]),
        (
            "app=app-1",
            &["*.example.com", "a.example.com", "a.example.com/path"],
        ),
        ("app=app-1&segment=-", &["*.example.com", "a.example.com"]),
        ("app=app-1&segment=", &["*.example.com", "a.example.com"]),
        ("app=app-2&segment=iso", &[]),
        ("source=nats&app=app-2", &["b.example.com"]),
        ("source=route+files", &[]),
        ("stale=true", &[]),
        ("stale=false&app=app-2", &["b.example.com"]),
        ("uri=a.example.com&app=app-1", &["a.example.com"]),
        ("uri=a.example.com&app=app-2", &[]),
    ] {
        let (routes, next) = page(&plane, &contract, query).await;
        assert_eq!(routes, expected, "{query}");
        assert_eq!(next, None, "{query}");
    }
    let (first, next) = page(&plane, &contract, "app=app-1&limit=2").await;
    assert_eq!(first, ["*.example.com", "a.example.com"]);
    let next = next.expect("another page");
    let query = format!("app=app-1&limit=2&after={next}");
    let (second, next) = page(&plane, &contract, &query).await;
    assert_eq!(
        (second, next),
        (vec!["a.example.com/path".to_owned()], None)
    );
    let (only, next) = page(&plane, &contract, "app=app-2&limit=1").await;
    assert_eq!(
        (only.len(), next),
        (1, None),
        "what follows does not fit the filter"
    );
    for (query, told) in [
        (
            "stale=maybe",
            "known are uri, after, limit, host, app, segment, source and stale",
        ),
        ("hosts=x", "known are uri, after, limit, host"),
        ("host=", "expected a host without a path"),
        ("host=a/b", "expected a host without a path"),
    ] {
        let answer = plane.get(&format!("/v1/routes?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let problem = contract.check(("get", "/v1/routes"), &answer);
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(told), "{detail}");
    }
}

#[tokio::test]
async fn what_was_not_heard_is_stale() {
    let plane = furnished(|configuration| {
        // One route may go, and the others are held; TLS or not makes no difference then.
        let stale = "  start_delay: 0s
  interval: 1s
  stale_threshold: 2s
  guard: {percent: 0, at_least: 1, window: 1h}
";
        configuration.replace("  start_delay: 0s\n", stale)
    })
    .await;
    let contract = Contract::of(&plane).await;
    eventually("three held", BOUND, async || {
        let (routes, _) = page(&plane, &contract, "stale=true").await;
        if routes.len() == 3 {
            Ok(())
        } else {
            Err(format!("{routes:?}"))
        }
    })
    .await;
    assert!(page(&plane, &contract, "stale=false").await.0.is_empty());
}

async fn tagged(plane: &Plane, path: &str, tag: &str) -> StatusCode {
    let mut client = Client::connect(plane.process.address("admin")).await;
    let request = Request::get(path)
        .header(HOST, "localhost")
        .header(IF_NONE_MATCH, tag);
    let request = request.body(Default::default()).expect("a request");
    let answer = client.send(request).await.expect("an answer");
    let empty = answer.body.is_empty();
    assert_eq!(empty, answer.status == StatusCode::NOT_MODIFIED);
    answer.status
}

/// K-152: the entity tag is the revision, and what has not changed is not sent again
#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let plane = furnished(|configuration| configuration).await;
    let answer = plane.get("/v1/routes").await;
    let tag = answer.header("etag").expect("a tag").to_owned();
    let page: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let epoch = page["epoch"].as_str().expect("an epoch");
    assert_eq!(tag, format!("W/\"{epoch}-{}\"", page["revision"]));
    for known in [&tag, "*", &format!("\"x\", {}", &tag[2..])] {
        let status = tagged(&plane, "/v1/routes", known).await;
        assert_eq!(status, StatusCode::NOT_MODIFIED, "{known}");
    }
    assert_eq!(tagged(&plane, "/v1/routes", "W/\"x-1\"").await, 200);
    // Age changes nothing.
    assert_eq!(tagged(&plane, "/v1/routes?stale=false", &tag).await, 200);
    let one = Emitted::plain("c.example.com", ([127, 0, 0, 1], 80).into(), 9);
    plane.until_registered(&one).await;
    assert_eq!(tagged(&plane, "/v1/routes", &tag).await, 200);
}
