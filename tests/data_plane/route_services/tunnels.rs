//! `WebSocket`s through route services.

use pointsman_data_plane::AllowList;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head};

use super::{bound, come_back, setup, signed, signed_lines, url};
use crate::support::{Plane, head};

const ASKING: [&str; 2] = ["Connection: Upgrade", "Upgrade: websocket"];

/// Asks for a `WebSocket`, and sends something through it.
async fn echoes(plane: &Plane, lines: &[String]) {
    let mut all: Vec<_> = ASKING.to_vec();
    all.extend(lines.iter().map(String::as_str));
    let mut client = plane.connect().await;
    client.write(head("GET /chat", &all).as_bytes()).await;
    let answer = client.read_until(b"\r\n\r\n").await;
    assert!(
        answer.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    client.write(b"hello").await;
    assert_eq!(client.read_exactly(5).await, b"hello");
}

/// D-640: a `WebSocket` passes to the service of its route, and back to the app.
#[tokio::test]
async fn a_websocket_passes_through_a_service() {
    let upgrade = |_: &Head| Answer::Upgrade;
    let (service, app) = (Endpoint::with(upgrade).await, Endpoint::with(upgrade).await);
    let plane = bound(setup(), &url(&service, "/"), &app).start();
    echoes(&plane, &[]).await;
    let seen = service.last_request().head;
    assert_eq!(seen.header("upgrade"), Some("websocket"));
    assert_eq!(
        seen.header("X-CF-Forwarded-Url"),
        Some("https://app.test/chat")
    );
    assert_eq!(app.request_count(), 0);
    echoes(&plane, &signed_lines(&seen)).await;
    assert_eq!(app.last_request().head.header("upgrade"), Some("websocket"));
}

/// D-640: through a service within the platform as well.
#[tokio::test]
async fn a_websocket_passes_through_a_service_within() {
    let service = Endpoint::with(|_: &Head| Answer::Upgrade).await;
    let app = Endpoint::named("app").await;
    let plane = bound(setup(), "http://127.0.0.2/", &app)
        .with(|settings| settings.route_services.hairpinning = Some(AllowList::All))
        .endpoint("127.0.0.2", &service)
        .start();
    echoes(&plane, &[]).await;
    assert_eq!(
        service.last_request().head.header("upgrade"),
        Some("websocket")
    );
}

/// D-640: where that is off it is a 503, in both directions; other requests pass.
/// D-524: with the word of a service that is not supported.
#[tokio::test]
async fn a_websocket_may_be_kept_from_services() {
    let lines = signed_lines(&signed(setup(), "/").await);
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup(), &url(&service, "/"), &app)
        .with(|settings| settings.route_services.websockets = false)
        .start();
    let mut returning = lines.clone();
    returning.extend(ASKING.map(str::to_owned));
    for lines in [ASKING.map(str::to_owned).to_vec(), returning] {
        let answer = come_back(&plane, "/", &lines).await;
        assert_eq!(answer.status, 503);
        assert_eq!(
            answer.header("X-Cf-RouterError"),
            Some("route_service_unsupported")
        );
        assert_eq!(
            String::from_utf8_lossy(&answer.body),
            "503 Service Unavailable: Websocket requests are not supported for routes bound to \
             Route Services.\n"
        );
    }
    assert_eq!((service.request_count(), app.request_count()), (0, 0));
    assert_eq!(plane.get("/").await.body, b"service");
}
