//! Bad input is told, changes nothing that was right, and ends no process.

use hyper::StatusCode;
use pointsman_tests::publisher::{Emitted, REGISTER, UNREGISTER};
use pointsman_tests::{Endpoint, Fleet, RawConnection};

const HOST: &str = "app.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_messages_change_no_route() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let hostile: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        br#"{"host":"127.0.0.1","port":99999,"uris":["app.example.com"]}"#,
        br#"{"host":"","port":0,"uris":[""]}"#,
        br#"{"uris":"app.example.com"}"#,
        br#"{"host":"169.254.169.254","port":80,"uris":["app.example.com"]}"#,
    ];
    for payload in hostile {
        fleet.publisher.publish(REGISTER, payload).await;
        fleet.publisher.publish(UNREGISTER, payload).await;
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    fleet.publisher.publish(REGISTER, deep.into_bytes()).await;
    fleet.publisher.publish(REGISTER, vec![b' '; 900_000]).await;

    // A later registration is answered: everything before it was handled.
    let later = Endpoint::named("later").await;
    fleet
        .register(
            &Emitted::plain("later.example.com", later.address(), 0),
            "later.example.com",
        )
        .await;
    fleet.answers(HOST, StatusCode::OK).await;
    assert!(fleet.control_plane.is_running() && fleet.data_planes[0].is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_refused_and_the_next_client_is_served() {
    let mut fleet = Fleet::start(1).await;
    let endpoint = Endpoint::named("here").await;
    fleet
        .register(&Emitted::plain(HOST, endpoint.address(), 0), HOST)
        .await;
    let before = endpoint.request_count();
    let hostile: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\nHost: app.example.com\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"CONNECT app.example.com:443 HTTP/1.1\r\nHost: app.example.com\r\n\r\n",
    ];
    for bytes in hostile {
        let mut raw = RawConnection::connect(fleet.routers()[0]).await;
        raw.write(bytes).await;
        let answer = raw.read_to_end().await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    fleet.answers(HOST, StatusCode::OK).await;
    let passed = endpoint.requests();
    let paths: Vec<_> = passed[before..]
        .iter()
        .map(|request| &request.head.bytes)
        .collect();
    assert_eq!(paths.len(), 1, "only the good request reaches the app");
    assert!(fleet.data_planes[0].is_running());
}
