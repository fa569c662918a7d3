//! Requests at services among those that there is room for.

use pointsman_data_plane::AllowList;
use pointsman_tests::endpoint::Answer;
use pointsman_tests::{Endpoint, RawConnection, eventually};

use super::{bound, come_back, setup, signed, signed_lines, url};
use crate::support::{BOUND, Plane, Setup, head};

/// An address of this machine at which nobody listens, so that only the table leads to a service there.
const WITHIN: &str = "127.0.0.2";

/// `app.test` with a service that does not answer, outside of the platform or within, and `quick.test` beside it.
async fn stuck(is_within: bool, change: impl FnOnce(Setup) -> Setup) -> (Plane, [Endpoint; 3]) {
    let service = Endpoint::with(|_| Answer::Silence).await;
    let app = Endpoint::named("app").await;
    let quick = Endpoint::named("quick").await;
    let mut url = url(&service, "/");
    if is_within {
        url = url.replace("127.0.0.1", WITHIN);
    }
    let mut setup = bound(setup(), &url, &app).endpoint("quick.test", &quick);
    if is_within {
        setup = setup
            .endpoint(WITHIN, &service)
            .with(|settings| settings.route_services.hairpinning = Some(AllowList::All));
    }
    (change(setup).start(), [service, app, quick])
}

async fn ask(plane: &Plane) -> RawConnection {
    let mut client = plane.connect().await;
    client.write(head("GET /", &[]).as_bytes()).await;
    client
}

async fn quick(plane: &Plane) -> u16 {
    let request = "GET / HTTP/1.1\r\nHost: quick.test\r\n\r\n";
    plane.ask(request.to_owned()).await.status
}

/// a route whose service does not answer has no more than its share of the requests in flight, so that another one
/// answers all the same; what comes back from a service is not refused for those that are still there
#[tokio::test]
async fn a_service_that_does_not_answer_leaves_room() {
    let lines = signed_lines(&signed(setup(), "/").await);
    for is_within in [false, true] {
        let (plane, _endpoints) = stuck(is_within, |setup| {
            setup.with(|settings| {
                settings.limits.in_flight = 100;
                settings.limits.route_percent = 60;
            })
        })
        .await;
        let mut waiting = Vec::new();
        for _ in 0..200 {
            waiting.push(ask(&plane).await);
        }
        plane
            .until("each of them waits or is shed", |totals| {
                totals.overloaded + totals.requests_in_flight == 200
            })
            .await;
        let in_flight = plane.totals().requests_in_flight;
        assert!((60..70).contains(&in_flight), "{in_flight}");
        assert_eq!(quick(&plane).await, 200);
        let back = come_back(&plane, "/", &lines).await;
        assert_eq!((back.status, &*back.body), (200, &b"app"[..]));
        drop(waiting);
        plane
            .until("they have gone", |totals| totals.requests_in_flight == 0)
            .await;
        let _one = ask(&plane).await;
        plane
            .until("there is room", |totals| totals.requests_in_flight == 1)
            .await;
    }
}

/// without memory what comes back from a service is let in, beside others, and what only says that it does is not
#[tokio::test]
async fn without_memory_what_comes_back_is_let_in() {
    let genuine = signed_lines(&signed(setup(), "/").await);
    let foreign = setup().with(|settings| {
        settings.route_services.signer = super::signer("another secret", None);
    });
    let foreign = signed_lines(&signed(foreign, "/").await);
    let (plane, _endpoints) = stuck(false, |setup| {
        setup.with(|settings| settings.limits.memory = Some(1))
    })
    .await;
    let _waiting = ask(&plane).await;
    eventually("others are shed", BOUND, async || {
        match quick(&plane).await {
            503 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
    assert_eq!(come_back(&plane, "/", &genuine).await.body, b"app");
    let answer = come_back(&plane, "/", &foreign).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("overloaded"));
}

/// without memory a request that was let in reaches its service within the platform: it is no further one there
/// L-22: nor does it need a place of its own there
#[tokio::test]
async fn a_request_at_a_service_within_is_one_request() {
    for (memory, places) in [(Some(1), 100), (None, 1)] {
        let (plane, [service, ..]) = stuck(true, |setup| {
            setup.with(|settings| {
                settings.limits.memory = memory;
                settings.limits.in_flight = places;
                settings.limits.route_percent = 100;
            })
        })
        .await;
        let waiting = ask(&plane).await;
        eventually("it is there", BOUND, async || {
            match service.request_count() {
                1 => Ok(()),
                other => Err(other.to_string()),
            }
        })
        .await;
        assert_eq!(plane.totals().requests_in_flight, 1);
        eventually("others are shed", BOUND, async || {
            match quick(&plane).await {
                503 => Ok(()),
                other => Err(other.to_string()),
            }
        })
        .await;
        drop(waiting);
        plane
            .until("it has gone", |totals| totals.requests_in_flight == 0)
            .await;
        service.script(|_| pointsman_tests::endpoint::Reply::text("service").into());
        assert_eq!(plane.get("/").await.body, b"service");
    }
}
