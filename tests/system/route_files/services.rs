//! What a service gets to see, and what a client gets where there is none.

use std::net::SocketAddr;

use hyper::StatusCode;
use pointsman_tests::balancer::Balancer;
use pointsman_tests::endpoint::Answer;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::process::Launch;
use pointsman_tests::{Client, Endpoint, RawConnection, eventually};

const HOST: &str = "any.example.com";

/// A catalogue of one service with these endpoints.
fn catalogue(addresses: &[SocketAddr]) -> String {
    let listed: Vec<_> = addresses
        .iter()
        .map(|address| format!("'{address}'"))
        .collect();
    format!("services: {{ svc: {{ v1: [{}] }} }}\n", listed.join(", "))
}

/// The target that the endpoint was asked for, through each data plane.
async fn forwarded(balancer: &Balancer, endpoint: &Endpoint, path: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for router in balancer.routers() {
        let mut client = RawConnection::connect(router).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        targets.push(endpoint.last_request().head.target);
    }
    targets.dedup();
    targets
}

/// F-001: name and version go, the rest is forwarded
/// F-002: where there is no rest, a slash is
/// F-003: the slash at the end stays
/// F-009: `%2F` arrives as `%2F`
/// F-010: `%20` arrives as `%20`
/// F-011: the query arrives as it was sent
/// F-018: neither `//` nor dot segments are redirected or touched
#[tokio::test(flavor = "multi_thread")]
async fn a_service_sees_the_path_behind_its_name_and_version() {
    let endpoint = Endpoint::named("svc").await;
    let balancer = Balancer::start(&catalogue(&[endpoint.address()])).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    for (path, target) in [
        ("/svc/v1/x", "/x"),
        ("/svc/v1", "/"),
        ("/svc/v1/", "/"),
        ("/svc/v1/x/y/", "/x/y/"),
        ("/SVC/V1/Mixed", "/Mixed"),
        ("/svc/v1/a%2Fb", "/a%2Fb"),
        ("/svc/v1/a%2fb%20c", "/a%2fb%20c"),
        ("/svc/v1/x?a=%2F&b=/svc/v1", "/x?a=%2F&b=/svc/v1"),
        ("/svc/v1//x", "//x"),
        ("/svc/v1/./../x", "/./../x"),
        ("http://any.example.com/svc/v1/x", "/x"),
    ] {
        assert_eq!(
            forwarded(&balancer, &endpoint, path).await,
            [target],
            "{path}"
        );
    }
}

/// F-012: the endpoint gets the client's Host
/// F-013: `X-Forwarded-For` gets the client added
/// F-014: hop-by-hop fields, and those that `Connection` names, are removed
#[tokio::test(flavor = "multi_thread")]
async fn a_service_sees_the_fields_of_the_client() {
    let endpoint = Endpoint::named("svc").await;
    let balancer = Balancer::start(&catalogue(&[endpoint.address()])).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    for router in balancer.routers() {
        let mut client = RawConnection::connect(router).await;
        let request = "GET /svc/v1/ HTTP/1.1\r\nHost: Some.Where:81\r\nX-Forwarded-For: 10.1.1.1\r\n\
            Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Stays: 2\r\n\r\n";
        client.write(request.as_bytes()).await;
        assert_eq!(client.read_answer().await.status, 200);
        let head = endpoint.last_request().head;
        assert_eq!(head.header("host"), Some("Some.Where:81"));
        assert_eq!(head.header("x-forwarded-for"), Some("10.1.1.1, 127.0.0.1"));
        assert_eq!(
            (head.header("x-hop"), head.header("keep-alive")),
            (None, None)
        );
        assert_eq!(head.header("x-stays"), Some("2"));
    }
}

/// F-004: a path without a version is nobody's
/// F-005: so are no path and `*`
/// F-006: so is the root
/// F-007: so is an empty version
/// F-008: so is an empty name
/// F-019: no path prints the table
/// F-020: so are an unknown name and an unknown version
/// F-021: that is a 404 which says so
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_service_is_a_404() {
    let endpoint = Endpoint::named("svc").await;
    let balancer = Balancer::start(&catalogue(&[endpoint.address()])).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    endpoint.forget();
    for router in balancer.routers() {
        for target in [
            "GET /svc",
            "GET /",
            "GET /svc/",
            "GET /svc//x",
            "GET //svc/v1/x",
            "GET /./svc/v1/x",
            "GET /health",
            "GET /svc/v1x",
            "GET /svc/v2/x",
            "GET /other/v1/x",
            "GET http://any.example.com",
            "OPTIONS *",
        ] {
            let mut client = RawConnection::connect(router).await;
            let request = format!("{target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
            client.write(request.as_bytes()).await;
            let answer = client.read_answer().await;
            let said = answer.header("X-Cf-RouterError").map(str::to_owned);
            if target == "OPTIONS *" {
                // It asks about the router itself (D-072).
                assert_ne!(answer.status, 500, "{}", answer.head);
                continue;
            }
            assert_eq!(
                (answer.status, said.as_deref()),
                (404, Some("unknown_route")),
                "{target}: {}",
                answer.head
            );
        }
    }
    assert_eq!(endpoint.request_count(), 0);
}

/// F-022: a version without endpoints is a 503 which says so
/// F-026: so is one whose last endpoint is gone, until the version is
#[tokio::test(flavor = "multi_thread")]
async fn a_known_service_without_endpoints_is_a_503() {
    let endpoint = Endpoint::named("svc").await;
    let balancer = Balancer::start("services: { svc: { v1: [] } }\n").await;
    balancer
        .answers(HOST, "/svc/v1/x", StatusCode::SERVICE_UNAVAILABLE)
        .await;
    for answer in balancer.ask(HOST, "/svc/v1/x").await {
        assert_eq!(answer.header("x-cf-routererror"), Some("no_endpoints"));
    }
    balancer.write("routes.yml", &catalogue(&[endpoint.address()]));
    balancer.answers(HOST, "/svc/v1/x", StatusCode::OK).await;
    balancer.write("routes.yml", "services: { svc: { v1: [] } }\n");
    balancer
        .answers(HOST, "/svc/v1/x", StatusCode::SERVICE_UNAVAILABLE)
        .await;
    balancer.write("routes.yml", "services: {}\n");
    balancer
        .answers(HOST, "/svc/v1/x", StatusCode::NOT_FOUND)
        .await;
}

/// F-017: names and versions may hold a colon
/// F-015: where they stand is configured
#[tokio::test(flavor = "multi_thread")]
async fn names_stand_where_the_catalogue_says() {
    let endpoint = Endpoint::named("svc").await;
    let address = endpoint.address();
    let balancer = Balancer::start(&format!(
        "catalogue: {{ host: '{{name}}.example.com', path: '/api/{{version}}' }}\n\
         services: {{ svc: {{ 'v:1': ['{address}'] }} }}\n"
    ))
    .await;
    balancer.write(
        "more.yml",
        &format!("services: {{ 'a:b': {{ v1: ['{address}'] }} }}\n"),
    );
    balancer
        .answers("svc.example.com", "/api/v:1/x", StatusCode::OK)
        .await;
    assert_eq!(endpoint.last_request().head.target, "/x");
    balancer.answers(HOST, "/a:b/v1/y", StatusCode::OK).await;
    assert_eq!(endpoint.last_request().head.target, "/y");
}

/// F-043: requests are spread, not connections
#[tokio::test(flavor = "multi_thread")]
async fn requests_on_one_connection_are_spread_over_the_endpoints() {
    let endpoints = [Endpoint::named("a").await, Endpoint::named("b").await];
    let addresses = endpoints.each_ref().map(Endpoint::address);
    let balancer = Balancer::start(&catalogue(&addresses)).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    endpoints.iter().for_each(Endpoint::forget);
    let mut client = Client::connect(balancer.routers()[0]).await;
    for _ in 0..200 {
        let answer = client.get(HOST, "/svc/v1/").await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(
        endpoints.each_ref().map(Endpoint::request_count),
        [100, 100]
    );
}

/// F-045: an endpoint that is no longer listed gets nothing more, also not over connections that are open
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_taken_off_the_list_gets_nothing_more() {
    let [leaving, staying] = [
        Endpoint::named("leaving").await,
        Endpoint::named("staying").await,
    ];
    let both = [leaving.address(), staying.address()];
    let balancer = Balancer::start(&catalogue(&both)).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    let mut clients = Vec::new();
    for router in balancer.routers() {
        clients.push(Client::connect(router).await);
    }
    balancer.write("routes.yml", &catalogue(&both[1..]));
    // Once the last data plane has taken the change, not one more request goes there.
    eventually("no request for the one that left", BOUND, async || {
        let before = leaving.request_count();
        for client in &mut clients {
            for _ in 0..20 {
                let answer = client.get(HOST, "/svc/v1/").await;
                let answer = answer.map_err(|failure| failure.to_string())?;
                assert_eq!(answer.status, StatusCode::OK);
            }
        }
        match leaving.request_count() - before {
            0 => Ok(()),
            more => Err(format!("{more} more")),
        }
    })
    .await;
}

/// F-046: a proxy in the environment is no business of the balancer
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_used() {
    let endpoint = Endpoint::named("svc").await;
    let environment = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"];
    let launch = Launch {
        environment: environment
            .map(|name| (name.to_owned(), "http://127.0.0.1:1".to_owned()))
            .to_vec(),
        ..Launch::default()
    };
    let routes = catalogue(&[endpoint.address()]);
    let balancer = Balancer::launch(&routes, &launch, "").await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_rewrites_what_endpoints_and_clients_see() {
    let endpoint = Endpoint::with(|_| {
        let reply = pointsman_tests::endpoint::Reply::text("here");
        Answer::Reply(
            reply
                .with_header("Server", "secret")
                .with_header("X-Keep", "1"),
        )
    })
    .await;
    let balancer = Balancer::start(&format!(
        "
routes:
- host: web.example.com
  path: /old
  rules:
    rewrite: {{ prefix: /new, host: 'inside:8080' }}
    request_headers:
      remove: [X-Secret]
      set: {{ X-Team: red }}
      add: {{ X-Seen: balancer }}
    response_headers: {{ remove: [Server], set: {{ X-Frame-Options: DENY }} }}
  endpoints: ['{}']
",
        endpoint.address()
    ))
    .await;
    balancer
        .answers("web.example.com", "/old", StatusCode::OK)
        .await;
    for router in balancer.routers() {
        let mut client = RawConnection::connect(router).await;
        let request = "GET /old/a?b HTTP/1.1\r\nHost: web.example.com\r\nX-Secret: 1\r\n\
            X-Team: blue\r\nX-Seen: client\r\nConnection: X-Team\r\n\r\n";
        client.write(request.as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(
            (answer.header("Server"), answer.header("X-Keep")),
            (None, Some("1"))
        );
        assert_eq!(answer.header("X-Frame-Options"), Some("DENY"));
        let head = endpoint.last_request().head;
        assert_eq!(
            (&*head.target, head.header("host")),
            ("/new/a?b", Some("inside:8080"))
        );
        assert_eq!(head.header("x-secret"), None);
        let teams: Vec<_> = head.values("x-team").collect();
        assert_eq!(teams, ["red"], "no client can have it removed");
        let seen: Vec<_> = head.values("x-seen").collect();
        assert_eq!(seen, ["client", "balancer"]);
    }
}
