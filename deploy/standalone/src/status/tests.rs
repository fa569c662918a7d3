//! The status listeners over real sockets.

use std::net::Ipv4Addr;

use pointsman_process::shutdown::Supervisor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Listeners on free ports, and where they are.
async fn started(user: &str, pass: &str) -> (Supervisor, Readiness, SocketAddr, SocketAddr) {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listeners = Listeners {
        traffic: None,
        traffic_tls: None,
        health: Some(free),
        health_tls: None,
        routes: free,
    };
    let status = StatusConfig {
        user: user.to_owned(),
        pass: Secret::from(pass),
        ..StatusConfig::default()
    };
    let bound = bind(&listeners, &status)
        .await
        .expect("free ports can be bound");
    let health = bound
        .health
        .as_ref()
        .expect("it was asked for")
        .local_addr()
        .unwrap();
    let routes = bound.routes.local_addr().unwrap();
    let (supervisor, readiness) = (Supervisor::new(), Readiness::new());
    let (_, table) = pointsman_data_plane::table::publication();
    bound.start(supervisor.tasks(), &readiness, table);
    (supervisor, readiness, health, routes)
}

/// The whole answer to one request.
async fn ask(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn health_follows_readiness_and_liveness_does_not() {
    let (_supervisor, readiness, health, _) = started("", "").await;
    let condition = readiness.condition("start", "starting");
    let alive = "/is-process-alive-do-not-use-for-loadbalancing";
    let starting = ask(health, "/health", "").await;
    assert!(starting.starts_with("HTTP/1.1 503 "), "{starting}");
    assert!(starting.ends_with("\r\n\r\n"), "{starting}");
    assert!(ask(health, alive, "").await.ends_with("\r\n\r\nok\n"));
    condition.met();
    let healthy = ask(health, "/health", "").await;
    assert!(
        healthy.starts_with("HTTP/1.1 200 ") && healthy.ends_with("\r\n\r\nok\n"),
        "{healthy}"
    );
    assert!(
        healthy.contains("cache-control: private, max-age=0\r\n"),
        "{healthy}"
    );
    assert!(healthy.contains("expires: 0\r\n"), "{healthy}");
    readiness.leave("draining");
    assert!(
        ask(health, "/health", "")
            .await
            .starts_with("HTTP/1.1 503 ")
    );
    for path in ["/healthz", "/varz", "/routes", "/"] {
        assert!(
            ask(health, path, "").await.starts_with("HTTP/1.1 404 "),
            "{path}"
        );
    }
}

#[tokio::test]
async fn routes_are_for_the_configured_user() {
    let (_supervisor, _, _, routes) = started("user", "good").await;
    let asked = async |path: &str, header: &str| ask(routes, path, header).await;
    let nobody = asked("/routes", "").await;
    assert!(nobody.starts_with("HTTP/1.1 401 ") && nobody.contains("www-authenticate: Basic\r\n"));
    assert!(nobody.ends_with("\r\n\r\n401 Unauthorized\n"), "{nobody}");
    // user:good, user:bad, user:good:more
    let good = "Authorization: Basic dXNlcjpnb29k\r\n";
    for bad in [
        "Basic dXNlcjpiYWQ=",
        "Basic dXNlcjpnb29kOm1vcmU=",
        "basic dXNlcjpnb29k",
        "Basic !",
    ] {
        let header = format!("Authorization: {bad}\r\n");
        assert!(
            asked("/routes", &header).await.starts_with("HTTP/1.1 401 "),
            "{bad}"
        );
    }
    let listing = asked("/routes", good).await;
    assert!(
        listing.starts_with("HTTP/1.1 200 ") && listing.ends_with("\r\n\r\n{}\n"),
        "{listing}"
    );
    assert!(asked("/other", "").await.starts_with("HTTP/1.1 401 "));
    assert!(asked("/other", good).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn an_empty_user_must_be_given_as_empty() {
    let (_supervisor, _, _, routes) = started("", "").await;
    assert!(
        ask(routes, "/routes", "")
            .await
            .starts_with("HTTP/1.1 401 ")
    );
    let empty = "Authorization: Basic Og==\r\n";
    assert!(
        ask(routes, "/routes", empty)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
}

/// CF-039: two listeners on one port end the start, in Go's words.
#[tokio::test]
async fn a_port_in_use_is_told_as_go_tells_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let listeners = Listeners {
        traffic: None,
        traffic_tls: None,
        health: Some(address),
        health_tls: None,
        routes: address,
    };
    let Err(error) = bind(&listeners, &StatusConfig::default()).await else {
        panic!("the port is in use");
    };
    let expected = format!("listen tcp {address}: bind: address already in use");
    assert_eq!(error.to_string(), expected);
}
