//! What an endpoint has not looked at is sent again, whatever it is; what it may have looked at is not.

use pointsman_tests::Authority;

use super::frames::{END_HEADERS, END_STREAM, Frames, HEADERS, STATUS_200};
use super::server::config;
use super::{NAME, trusting};
use crate::support::{BOUND, Plane, head};

/// The codes of RFC 9113, section 7.
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

pub(super) async fn frames(authority: &Authority) -> Frames {
    Frames::listen(config(&authority.server(&[NAME]), &["h2"])).await
}

pub(super) async fn post(plane: &Plane) -> (u16, Vec<u8>) {
    let request = head("POST /", &["Content-Length: 3"]) + "abc";
    let answer = tokio::time::timeout(BOUND, plane.ask(request)).await;
    let answer = answer.expect("an answer");
    (answer.status, answer.body)
}

/// F-069: a request beyond the last stream of a GOAWAY is sent again, on a connection that was used before and on a
/// fresh one, a POST with its body as well as any other.
#[tokio::test]
async fn a_request_beyond_a_goaway_is_sent_again() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let clients = async {
        assert_eq!(post(&plane).await, (200, b"first".to_vec()));
        assert_eq!(post(&plane).await, (200, b"second".to_vec()));
        assert_eq!(post(&plane).await, (200, b"third".to_vec()));
    };
    let endpoint = async {
        let mut used = frames.accept(&[]).await;
        let stream = used.request().await;
        used.answer(stream, "first").await;
        // The connection ends for whatever comes after the first request.
        let beyond = used.request().await;
        assert!(beyond > stream);
        used.go_away(stream).await;
        let mut next = frames.accept(&[]).await;
        let stream = next.request().await;
        assert_eq!(body(&mut next).await, b"abc");
        next.answer(stream, "second").await;
        // A fresh one that ends before its first request was looked at.
        drop(next);
        let mut fresh = frames.accept(&[]).await;
        fresh.request().await;
        fresh.go_away(0).await;
        drop(fresh);
        let mut last = frames.accept(&[]).await;
        let stream = last.request().await;
        assert_eq!(body(&mut last).await, b"abc");
        last.answer(stream, "third").await;
        last
    };
    let ((), _last) = tokio::join!(clients, endpoint);
    assert_eq!(plane.totals().bad_gateways, 0);
}

/// The data up to the end of the stream.
pub(super) async fn body(connection: &mut super::frames::Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let frame = connection.next_of(super::frames::DATA).await;
        bytes.extend(frame.payload);
        if frame.flags & END_STREAM != 0 {
            return bytes;
        }
    }
}

/// F-069: so is a request whose stream was refused, as often as there are attempts.
#[tokio::test]
async fn a_refused_request_is_sent_again_within_the_attempts() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let clients = async {
        assert_eq!(post(&plane).await, (200, b"taken".to_vec()));
        let (status, _) = post(&plane).await;
        assert_eq!(status, 502, "three attempts");
    };
    let endpoint = async {
        let mut connection = frames.accept(&[]).await;
        for _ in 0..2 {
            let stream = connection.request().await;
            connection.reset(stream, REFUSED_STREAM).await;
        }
        let stream = connection.request().await;
        connection.answer(stream, "taken").await;
        for _ in 0..3 {
            let stream = connection.request().await;
            connection.reset(stream, REFUSED_STREAM).await;
        }
        connection
    };
    let ((), _connection) = tokio::join!(clients, endpoint);
    let totals = plane.totals();
    assert_eq!((totals.attempts, totals.retries, totals.dials), (6, 4, 1));
    let told = plane.metric("pointsman_failures_total{reason=\"unprocessed\"}");
    assert_eq!(told, Some(5.0));
}

/// A refused request goes to another endpoint where there is one.
#[tokio::test]
async fn a_refused_request_goes_elsewhere() {
    let authority = Authority::new("authority");
    let (busy, free) = (frames(&authority).await, frames(&authority).await);
    let plane = trusting(&authority)
        .http2(busy.address())
        .http2(free.address())
        .start();
    let clients = async {
        for _ in 0..2 {
            assert_eq!(post(&plane).await, (200, b"free".to_vec()));
        }
    };
    let refuse = async {
        let mut connection = busy.accept(&[]).await;
        loop {
            let stream = connection.request().await;
            connection.reset(stream, REFUSED_STREAM).await;
        }
    };
    let serve = async {
        let mut connection = free.accept(&[]).await;
        loop {
            let stream = connection.request().await;
            connection.answer(stream, "free").await;
        }
    };
    tokio::select! {
        () = clients => {}
        () = refuse => {}
        () = serve => {}
    }
}

/// A stream that ends in another way may have been acted on: a POST is not sent again, a GET is, to another
/// endpoint.
#[tokio::test]
async fn a_reset_request_is_sent_again_only_where_that_is_safe() {
    let authority = Authority::new("authority");
    let (broken, other) = (frames(&authority).await, frames(&authority).await);
    let plane = trusting(&authority)
        .http2(broken.address())
        .http2(other.address())
        .start();
    let clients = async {
        let mut statuses = [post(&plane).await.0, post(&plane).await.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 502]);
        for _ in 0..4 {
            assert_eq!(plane.get("/").await.body, b"other");
        }
    };
    let reset = async {
        let mut connection = broken.accept(&[]).await;
        loop {
            let stream = connection.request().await;
            connection.reset(stream, INTERNAL_ERROR).await;
        }
    };
    let serve = async {
        let mut connection = other.accept(&[]).await;
        loop {
            let stream = connection.request().await;
            connection.answer(stream, "other").await;
        }
    };
    tokio::select! {
        () = clients => {}
        () = reset => {}
        () = serve => {}
    }
}

/// A connection that ends without a word before it has answered: a POST is not sent again.
#[tokio::test]
async fn a_post_on_a_connection_that_breaks_is_not_sent_again() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let endpoint = async {
        let mut connection = frames.accept(&[]).await;
        connection.request().await;
        drop(connection);
        let mut connection = frames.accept(&[]).await;
        let stream = connection.request().await;
        connection.answer(stream, "again").await;
        connection
    };
    let clients = async {
        assert_eq!(post(&plane).await.0, 502);
        assert_eq!(plane.get("/").await.body, b"again");
    };
    tokio::join!(clients, endpoint);
}

/// A connection whose endpoint has said that it goes takes no further request, and finishes those that it has.
#[tokio::test]
async fn a_connection_that_goes_finishes_what_it_has() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    let mut slow = plane.connect().await;
    slow.write(head("GET /slow", &[]).as_bytes()).await;
    let mut going = frames.accept(&[]).await;
    let stream = going.request().await;
    going.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
    assert_eq!(slow.read_head().await.status, 200);
    going.go_away(stream).await;
    let endpoint = async {
        let mut next = frames.accept(&[]).await;
        let stream = next.request().await;
        next.answer(stream, "next").await;
        next
    };
    let (answer, _next) = tokio::join!(plane.get("/"), endpoint);
    assert_eq!(answer.body, b"next");
    going
        .send(super::frames::DATA, END_STREAM, stream, b"done")
        .await;
    slow.read_until(b"done\r\n0\r\n\r\n").await;
    while going.next().await.is_some() {}
}

/// An answer that is none is a 502, and costs the others on the connection nothing.
/// so is one of a status that there is not.
#[tokio::test]
async fn an_answer_that_is_none_is_a_502() {
    let authority = Authority::new("authority");
    let frames = frames(&authority).await;
    let plane = trusting(&authority).http2(frames.address()).start();
    // Literal fields without indexing, by the static name 8 (:status) where there is one.
    let literal = |name: &[u8], value: &[u8]| {
        let mut field = name.to_vec();
        field.push(u8::try_from(value.len()).expect("a short value"));
        field.extend(value);
        field
    };
    // What is no header block at all costs the connection, what is no answer its stream.
    let hurt = [
        literal(&[0x08], b"20"),
        [
            STATUS_200.to_vec(),
            literal(&[0x00, 3, b'X', b'-', b'y'], b"1"),
        ]
        .concat(),
    ];
    let bad = [
        literal(&[0x08], b"999"),
        literal(&[0x00, 3, b'x', b'-', b'y'], b"1"),
        [STATUS_200.to_vec(), literal(&connection_name(), b"close")].concat(),
        [
            STATUS_200.to_vec(),
            literal(&[0x0f, 0x0d], b"3"),
            literal(&[0x0f, 0x0d], b"4"),
        ]
        .concat(),
    ];
    let count = bad.len() + hurt.len();
    let endpoint = async {
        let mut connection = frames.accept(&[]).await;
        for block in bad {
            let stream = connection.request().await;
            let flags = END_HEADERS | END_STREAM;
            connection.send(HEADERS, flags, stream, &block).await;
        }
        for block in hurt {
            let stream = connection.request().await;
            let flags = END_HEADERS | END_STREAM;
            connection.send(HEADERS, flags, stream, &block).await;
            while connection.next().await.is_some() {}
            connection = frames.accept(&[]).await;
        }
        let stream = connection.request().await;
        connection.answer(stream, "good").await;
        connection
    };
    let clients = async {
        for number in 0..count {
            let answer = post(&plane).await;
            assert_eq!(answer.0, 502, "block {number}");
        }
        assert_eq!(post(&plane).await.0, 200);
    };
    tokio::join!(clients, endpoint);
    assert_eq!(plane.totals().dials, 3);
}

/// The name `connection`, as a literal.
fn connection_name() -> Vec<u8> {
    let name = b"connection";
    let mut literal = vec![0, 10];
    literal.extend(name);
    literal
}
