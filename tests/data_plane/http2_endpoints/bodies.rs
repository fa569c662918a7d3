//! Bodies both ways, and what stops them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use pointsman_tests::{Authority, eventually};
use tokio::sync::mpsc;

use super::frames::{DATA, END_HEADERS, Frames, HEADERS, RST_STREAM, STATUS_200};
use super::server::{Server, answer, config, response};
use super::{NAME, trusting};
use crate::support::{BOUND, head};

const CANCEL: &[u8] = &8_u32.to_be_bytes();
const NO_ERROR: &[u8] = &0_u32.to_be_bytes();

/// An answer without a body has none for the client either, and one with a length keeps it.
#[tokio::test]
async fn answers_without_a_body_have_none() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let server = Server::start(
        config(&identity, &["h2"]),
        Builder::new(),
        |exchange| async {
            let (whole, mut reply) = exchange.read().await;
            let head = match whole.head.uri.path() {
                "/204" => response(204, &[]),
                "/304" => response(304, &[("etag", "\"a\"")]),
                "/length" => response(200, &[("content-length", "5")]),
                _ => response(200, &[]),
            };
            let ends = whole.head.uri.path() != "/length" || whole.head.method == "HEAD";
            let mut stream = reply.send_response(head, ends).expect("a client");
            if !ends {
                stream
                    .send_data(Bytes::from_static(b"abcde"), true)
                    .expect("a client");
            }
        },
    )
    .await;
    let plane = trusting(&authority).http2(server.address()).start();
    let mut client = plane.connect().await;
    for (line, status, length) in [
        ("GET /", 200, Some("0")),
        ("GET /204", 204, None),
        ("GET /304", 304, None),
        ("HEAD /length", 200, Some("5")),
        ("HEAD /", 200, None),
    ] {
        client.write(head(line, &[]).as_bytes()).await;
        let answer = client.read_head().await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.header("content-length"), length, "{line}");
        assert_eq!(answer.header("transfer-encoding"), None, "{line}");
    }
    client.write(head("GET /length", &[]).as_bytes()).await;
    let answer = client.read_answer().await;
    assert_eq!(
        (answer.header("content-length"), &*answer.body),
        (Some("5"), &b"abcde"[..])
    );
}

/// Large bodies pass in both directions, byte for byte.
#[tokio::test]
async fn large_bodies_pass_in_both_directions() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let server = Server::start(
        config(&identity, &["h2"]),
        Builder::new(),
        |exchange| async {
            let (whole, mut reply) = exchange.read().await;
            let mut stream = reply
                .send_response(response(200, &[]), false)
                .expect("a client");
            let mut body = Bytes::from(whole.body);
            while !body.is_empty() {
                stream.reserve_capacity(body.len());
                let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
                let room = room.expect("a stream").expect("a client");
                let piece = body.split_to(room.min(body.len()));
                stream.send_data(piece, body.is_empty()).expect("a client");
            }
        },
    )
    .await;
    let plane = trusting(&authority).http2(server.address()).start();
    let body: Vec<u8> = (0..4_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let mut client = plane.connect().await;
    let length = format!("Content-Length: {}", body.len());
    client.write(head("POST /", &[&length]).as_bytes()).await;
    client.write(&body).await;
    let answer = client.read_answer().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body == body, "{} bytes", answer.body.len());
}

/// Answers with as much as is taken, and counts it.
async fn send_without_end(reply: &mut SendResponse<Bytes>, count: &AtomicUsize) {
    let mut stream = reply
        .send_response(response(200, &[]), false)
        .expect("a client");
    loop {
        stream.reserve_capacity(16 * 1024);
        let room = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
        let Some(Ok(room)) = room else { return };
        if stream.send_data(vec![7; room].into(), false).is_err() {
            return;
        }
        count.fetch_add(room, Ordering::SeqCst);
    }
}

/// A client that takes nothing has its endpoint stopped after a window, and the others on the connection go on.
#[tokio::test]
async fn a_stalled_client_stops_its_stream_and_no_other() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let server = Server::start(
        config(&identity, &["h2"]),
        Builder::new(),
        move |exchange| {
            let count = Arc::clone(&count);
            async move {
                let (whole, mut reply) = exchange.read().await;
                if whole.head.uri.path() != "/large" {
                    return answer(&mut reply, 200, "small");
                }
                send_without_end(&mut reply, &count).await;
            }
        },
    )
    .await;
    let plane = trusting(&authority).http2(server.address()).start();
    let mut stalled = Vec::new();
    for _ in 0..8 {
        let mut client = plane.connect().await;
        client.write(head("GET /large", &[]).as_bytes()).await;
        client.read_head().await;
        stalled.push(client);
    }
    let mut before = 0;
    eventually("the endpoint to stop", BOUND, async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = sent.load(Ordering::SeqCst);
        let stands = now > 0 && now == before;
        before = now;
        if stands {
            Ok(())
        } else {
            Err(format!("{now} bytes"))
        }
    })
    .await;
    for _ in 0..20 {
        assert_eq!(plane.get("/small").await.body, b"small");
    }
    assert_eq!(server.protocols().len(), 1, "all on one connection");
    stalled.clear();
    plane
        .until("they are gone", |totals| {
            totals.clients_gone + totals.broken_off >= 8
        })
        .await;
    assert_eq!(plane.get("/small").await.body, b"small");
    assert_eq!(server.protocols().len(), 1);
}

/// A client that goes away resets its stream, and leaves the connection to others.
#[tokio::test]
async fn a_client_that_goes_resets_its_stream() {
    let authority = Authority::new("authority");
    let frames = Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut endpoint = None;
    // Before the head of the answer, within its body, and within that of the request.
    for part in 0..3 {
        let mut client = plane.connect().await;
        let request = if part == 2 {
            head("POST /", &["Content-Length: 9"]) + "abc"
        } else {
            head("GET /", &[])
        };
        client.write(request.as_bytes()).await;
        let connection = match &mut endpoint {
            Some(connection) => connection,
            None => endpoint.insert(frames.accept(&[]).await),
        };
        let stream = connection.request().await;
        if part == 1 {
            connection
                .send(HEADERS, END_HEADERS, stream, STATUS_200)
                .await;
            connection.send(DATA, 0, stream, b"abc").await;
            client.read_until(b"abc").await;
        }
        drop(client);
        let reset = connection.next_of(RST_STREAM).await;
        assert_eq!(
            (reset.stream, &*reset.payload),
            (stream, CANCEL),
            "part {part}"
        );
    }
    let mut connection = endpoint.expect("a connection");
    let whole = async {
        let stream = connection.request().await;
        connection.answer(stream, "whole").await;
        connection
    };
    let (answer, _connection) = tokio::join!(plane.get("/"), whole);
    assert_eq!(answer.body, b"whole");
    assert_eq!(plane.totals().dials, 1);
    plane.line(" 499 ").await;
}

/// An endpoint that dies within its answer: what came is the client's, who sees that it is short.
#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_to() {
    let authority = Authority::new("authority");
    let frames = Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    for dies in [true, false] {
        let mut client = plane.connect().await;
        client.write(head("GET /", &[]).as_bytes()).await;
        let mut endpoint = frames.accept(&[]).await;
        let stream = endpoint.request().await;
        endpoint
            .send(HEADERS, END_HEADERS, stream, STATUS_200)
            .await;
        endpoint.send(DATA, 0, stream, b"abc").await;
        client.read_until(b"abc").await;
        if dies {
            drop(endpoint);
        } else {
            endpoint.reset(stream, 2).await;
        }
        let rest = client.read_to_end().await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    }
    plane
        .until("both are told", |totals| totals.broken_off == 2)
        .await;
}

/// So does an answer with more or less data than its length says.
#[tokio::test]
async fn an_answer_of_another_length_is_broken_off() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let server = Server::start(
        config(&identity, &["h2"]),
        Builder::new(),
        |exchange| async {
            let (whole, mut reply) = exchange.read().await;
            let head = response(200, &[("content-length", "5")]);
            let mut stream = reply.send_response(head, false).expect("a client");
            let data: &[u8] = if whole.head.uri.path() == "/more" {
                b"abcdef"
            } else {
                b"abcd"
            };
            let _sent = stream.send_data(Bytes::copy_from_slice(data), true);
        },
    )
    .await;
    let plane = trusting(&authority).http2(server.address()).start();
    for (number, path) in ["/more", "/less"].into_iter().enumerate() {
        let mut client = plane.connect().await;
        client
            .write(head(&format!("GET {path}"), &[]).as_bytes())
            .await;
        let all = client.read_to_end().await;
        assert!(
            !all.ends_with(b"abcde") && !all.ends_with(b"abcdef"),
            "{path}"
        );
        plane
            .until("it is told", |totals| {
                totals.broken_off + totals.bad_gateways == number as u64 + 1
            })
            .await;
    }
}

/// An answer before the end of the request stops the upload, and the endpoint is told that the rest does not matter.
#[tokio::test]
async fn an_early_answer_stops_the_upload() {
    let authority = Authority::new("authority");
    let frames = Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut client = plane.connect().await;
    client
        .write((head("POST /", &["Content-Length: 1000000"]) + "abc").as_bytes())
        .await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    // 413, as a literal of the static name `:status`.
    endpoint
        .send(HEADERS, END_HEADERS, stream, &[0x08, 3, b'4', b'1', b'3'])
        .await;
    endpoint.send(DATA, 1, stream, b"too large").await;
    let answer = client.read_answer().await;
    assert_eq!((answer.status, &*answer.body), (413, &b"too large"[..]));
    let reset = endpoint.next_of(RST_STREAM).await;
    assert_eq!((reset.stream, &*reset.payload), (stream, NO_ERROR));
    let next = async {
        let stream = endpoint.request().await;
        endpoint.answer(stream, "next").await;
        endpoint
    };
    let (answer, _endpoint) = tokio::join!(plane.get("/"), next);
    assert_eq!(answer.body, b"next");
    assert_eq!(plane.totals().dials, 1);
}

/// Interim heads pass, and 100 opens the upload of a client that waits for it; too many are a 502 (L-26).
#[tokio::test]
async fn interim_heads_pass() {
    let authority = Authority::new("authority");
    let frames = Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let status = |status: &[u8; 3]| [&[0x08, 3][..], status].concat();
    let mut client = plane.connect().await;
    let fields = ["Content-Length: 3", "Expect: 100-continue"];
    client.write(head("POST /", &fields).as_bytes()).await;
    let mut endpoint = frames.accept(&[]).await;
    let stream = endpoint.request().await;
    endpoint
        .send(HEADERS, END_HEADERS, stream, &status(b"103"))
        .await;
    assert_eq!(client.read_head().await.status, 103);
    endpoint
        .send(HEADERS, END_HEADERS, stream, &status(b"100"))
        .await;
    assert_eq!(client.read_head().await.status, 100);
    client.write(b"abc").await;
    assert_eq!(endpoint.next_of(DATA).await.payload, b"abc");
    endpoint.answer(stream, "whole").await;
    assert_eq!(client.read_answer().await.body, b"whole");
    client.write(head("GET /", &[]).as_bytes()).await;
    let stream = endpoint.request().await;
    for _ in 0..9 {
        endpoint
            .send(HEADERS, END_HEADERS, stream, &status(b"102"))
            .await;
    }
    loop {
        let answer = client.read_head().await;
        if answer.status != 102 {
            assert_eq!(answer.status, 502);
            break;
        }
    }
}

/// Both directions flow at the same time: each piece of the request is answered before the next one is sent.
#[tokio::test]
async fn both_directions_flow_at_the_same_time() {
    let authority = Authority::new("authority");
    let identity = authority.server(&[NAME]);
    let (told, mut hears) = mpsc::unbounded_channel();
    let server = Server::start(
        config(&identity, &["h2"]),
        Builder::new(),
        move |exchange| {
            let told = told.clone();
            async move {
                let (mut body, mut reply) = (exchange.body, exchange.reply);
                let mut stream = reply
                    .send_response(response(200, &[]), false)
                    .expect("a client");
                while let Some(Ok(data)) = body.data().await {
                    let _released = body.flow_control().release_capacity(data.len());
                    told.send(data.clone()).expect("the test");
                    stream.send_data(data, false).expect("a client");
                }
                stream.send_data(Bytes::new(), true).expect("a client");
            }
        },
    )
    .await;
    let plane = trusting(&authority).http2(server.address()).start();
    let mut client = plane.connect().await;
    client
        .write(head("POST /", &["Transfer-Encoding: chunked"]).as_bytes())
        .await;
    assert_eq!(client.read_head().await.status, 200);
    for piece in ["abc", "def", "ghi"] {
        client.write(format!("3\r\n{piece}\r\n").as_bytes()).await;
        let heard = tokio::time::timeout(BOUND, hears.recv()).await;
        assert_eq!(heard.expect("in time").expect("a piece"), piece);
        client
            .read_until(format!("3\r\n{piece}\r\n").as_bytes())
            .await;
    }
    client.write(b"0\r\n\r\n").await;
    client.read_until(b"0\r\n\r\n").await;
}
