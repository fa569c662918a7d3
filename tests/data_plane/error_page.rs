//! Errors of the router's own, as plain text and as pages.

use pointsman_data_plane::ErrorPage;
use pointsman_tests::Endpoint;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::endpoint::Answer;

use crate::support::{Plane, Setup, head};

fn with_page(endpoint: &Endpoint, page: &str) -> Plane {
    let page = ErrorPage::parse(page).expect("a page");
    Setup::new()
        .endpoint("app.test", endpoint)
        .with(|settings| settings.error_page = Some(page))
        .start()
}

async fn nobody(plane: &Plane) -> RawAnswer {
    plane
        .ask("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
        .await
}

fn is_text(answer: &RawAnswer, content_type: &str, body: &str) {
    assert_eq!(answer.header("Content-Type"), Some(content_type));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    assert_eq!(String::from_utf8_lossy(&answer.body), body);
}

/// D-102: text has its type, and nobody is to guess it.
/// D-108: without a page an unknown route is told as plain text.
#[tokio::test]
async fn without_a_page_errors_are_text() {
    let endpoint = Endpoint::named("app").await;
    let plane = Plane::before(&endpoint);
    let text = "404 Not Found: Requested route ('nobody.test') does not exist.\n";
    is_text(&nobody(&plane).await, "text/plain; charset=utf-8", text);
}

/// D-106: a page is sent as HTML that nobody is to guess about, with the status.
/// D-107: the connection stays as it is.
/// D-110: for an unknown route.
/// D-111: it can tell `X-Cf-RouterError`.
#[tokio::test]
async fn a_page_tells_of_errors_before_an_endpoint() {
    let endpoint = Endpoint::named("app").await;
    let page = "<p>{{ .Status }} {{ .StatusText }}: {{ .Message }} {{ .Header.Get \"X-Cf-RouterError\" }} \
                {{ .Header.Get \"Cache-Control\" }}</p>";
    let plane = with_page(&endpoint, page);
    let mut client = plane.connect().await;
    for _ in 0..2 {
        client
            .write(b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
            .await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("X-Cf-RouterError"), Some("unknown_route"));
        assert_eq!(answer.header("Connection"), None);
        let shown = "<p>404 Not Found: Requested route (&#39;nobody.test&#39;) does not exist. unknown_route \
                     no-cache, no-store</p>";
        is_text(&answer, "text/html; charset=utf-8", shown);
    }
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.body, b"app");
    endpoint.script(|_| Answer::Close);
    let failed = plane.get("/").await;
    let text = "502 Bad Gateway: Registered endpoint failed to handle the request.\n";
    is_text(&failed, "text/plain; charset=utf-8", text);
}

/// D-105: where the page cannot be made, the text is sent, without a line end.
#[tokio::test]
async fn a_page_that_fails_is_text() {
    let endpoint = Endpoint::named("app").await;
    let plane = with_page(&endpoint, "<p>{{ .Nothing }}</p>");
    let text = "404 Not Found: Requested route ('nobody.test') does not exist.";
    is_text(&nobody(&plane).await, "text/plain; charset=utf-8", text);
}
