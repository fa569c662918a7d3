//! Endpoints that send what is no answer, more than one, or less: whatever it is, one client gets one well-formed
//! final answer or a broken connection, and the request behind it gets its own.

use std::time::Duration;

use pointsman_data_plane::Settings;
use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::{Endpoint, RawConnection};

use crate::support::{Plane, Setup, head};

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The client gets a 502 of the router's own.
    Bad,
    /// The same, for want of the rest: while the endpoint stays, the router waits for that.
    Torn,
    /// The client gets this status and body, and nothing of what stands behind them.
    Passed(u16, &'static str),
    /// The client gets the head of a 200, and then a broken connection.
    Cut,
}

use Fate::{Bad, Cut, Passed, Torn};

/// What stands behind a whole answer, and must never be one.
const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

#[rustfmt::skip]
const STATUS_LINES: &[(&[u8], Fate)] = &[
    (b"", Torn),
    (b"HTT", Torn),
    (b"HTTP/1.1 200 OK\r\nContent-Le", Torn),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", Torn),
    (b"HTTP/1.1 100 Continue\r\n\r\n", Torn),
    (b"\r\n\r\n", Bad),
    (b"garbage\r\n\r\n", Bad),
    (b"<html>an old page</html>\r\n\r\n", Bad),
    (b"HTTP\r\n\r\n", Bad),
    (b"HTTP/1.1\r\n\r\n", Bad),
    (b"HTTP/1.1 \r\n\r\n", Bad),
    (b"HTTP/1.1200 OK\r\n\r\n", Bad),
    (b"http/1.1 200 OK\r\n\r\n", Bad),
    (b"HTTP/2.0 200 OK\r\n\r\n", Bad),
    (b"HTTP/2 200\r\n\r\n", Bad),
    (b"HTTP/0.9 200 OK\r\n\r\n", Bad),
    (b"HTTP/11.1 200 OK\r\n\r\n", Bad),
    (b"HTTP/1.1  200 OK\r\n\r\n", Bad),
    (b"HTTP/1.1\t200 OK\r\n\r\n", Bad),
    (b" HTTP/1.1 200 OK\r\n\r\n", Bad),
    (b"\r\nHTTP/1.1 200 OK\r\n\r\n", Bad),
    (b"HTTP/1.1 099 X\r\n\r\n", Bad),
    (b"HTTP/1.1 000 X\r\n\r\n", Bad),
    (b"HTTP/1.1 1 X\r\n\r\n", Bad),
    (b"HTTP/1.1 20 X\r\n\r\n", Bad),
    (b"HTTP/1.1 2000 X\r\n\r\n", Bad),
    (b"HTTP/1.1 -200 X\r\n\r\n", Bad),
    (b"HTTP/1.1 +200 X\r\n\r\n", Bad),
    (b"HTTP/1.1 abc X\r\n\r\n", Bad),
    (b"HTTP/1.1 0x2 X\r\n\r\n", Bad),
    (b"HTTP/1.1 600 X\r\n\r\n", Bad),
    (b"HTTP/1.1 999 X\r\n\r\n", Bad),
    (b"HTTP/1.1 200OK\r\n\r\n", Bad),
    (b"HTTP/1.1 200 O\0K\r\n\r\n", Bad),
    (b"HTTP/1.1 200 O\rK\r\n\r\n", Bad),
    (b"HTTP/1.1 200 \x1b[31mOK\r\n\r\n", Bad),
    (b"HTTP/1.1 200 OK\n\n", Bad),
    (b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", Bad),
    (b"ICY 200 OK\r\n\r\n", Bad),
    (b"SSH-2.0-OpenSSH_9.6\r\n", Bad),
    (b"\x15\x03\x01\x00\x02\x02\x28", Bad),
    (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", Bad),
    (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", Bad),
    (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", Passed(200, "ok")),
    (b"HTTP/1.1 200 \xe9t\xe9\r\nContent-Length: 2\r\n\r\nok", Passed(200, "ok")),
    (b"HTTP/1.1 299 Custom: yes\r\nContent-Length: 2\r\n\r\nok", Passed(299, "ok")),
    (b"HTTP/1.1 599 X\r\nContent-Length: 2\r\n\r\nok", Passed(599, "ok")),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", Passed(200, "ok")),
    (b"HTTP/1.1 199 Odd\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Passed(200, "ok")),
];

#[rustfmt::skip]
const FIELDS: &[(&[u8], Fate)] = &[
    (b"no colon\r\n", Bad),
    (b": no name\r\n", Bad),
    (b"X : blank before the colon\r\n", Bad),
    (b"X Y: blank within\r\n", Bad),
    (b" X: blank before\r\n", Bad),
    (b"X: a\r\n folded\r\n", Bad),
    (b"X: a\0b\r\n", Bad),
    (b"X\0: a\r\n", Bad),
    (b"X: a\rb\r\n", Bad),
    (b"X: a\nY: b\r\n", Bad),
    (b"X: a\x01b\r\n", Bad),
    (b"X: a\x7fb\r\n", Bad),
    (b"X\xe9: a\r\n", Bad),
    (b"X(y): a\r\n", Bad),
    (b"X\t: a\r\n", Bad),
    (b"Content-Length: 1\r\nContent-Length: 2\r\n", Bad),
    (b"Content-Length: 1, 2\r\n", Bad),
    (b"Content-Length: +1\r\n", Bad),
    (b"Content-Length: -1\r\n", Bad),
    (b"Content-Length: 0x1\r\n", Bad),
    (b"Content-Length: 1 1\r\n", Bad),
    (b"Content-Length: 1.0\r\n", Bad),
    (b"Content-Length:\r\n", Bad),
    (b"Content-Length: 18446744073709551616\r\n", Bad),
    (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", Bad),
    (b"Transfer-Encoding: gzip\r\n", Bad),
    (b"Transfer-Encoding: identity\r\n", Bad),
    (b"Transfer-Encoding: chunked, chunked\r\n", Bad),
    (b"Transfer-Encoding: gzip, chunked\r\n", Bad),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Bad),
    (b"Transfer-Encoding: xchunked\r\n", Bad),
    (b"Transfer-Encoding: chunked;q=1\r\n", Bad),
    (b"Transfer-Encoding:\r\n", Bad),
    (b"Transfer-Encoding: \x0bchunked\r\n", Bad),
    (b"Content-Length: 2\r\nContent-Length: 2\r\n", Passed(200, "ok")),
    (b"Content-Length: 2\r\nConnection: Content-Length, close\r\n", Passed(200, "ok")),
    (b"Content-Length: 2\r\nKeep-Alive: timeout=1\r\nUpgrade: h2c\r\n", Passed(200, "ok")),
    (b"Content-Length: 2\r\nX: \xc3\xa9\r\n", Passed(200, "ok")),
];

#[rustfmt::skip]
const CHUNKS: &[(&[u8], Fate)] = &[
    (b"zz\r\nok\r\n0\r\n\r\n", Cut),
    (b"-1\r\nok\r\n0\r\n\r\n", Cut),
    (b"+2\r\nok\r\n0\r\n\r\n", Cut),
    (b"0x2\r\nok\r\n0\r\n\r\n", Cut),
    (b"fffffffffffffffff\r\n", Cut),
    (b"2\nok\r\n0\r\n\r\n", Cut),
    (b"2 \r\nok\r\n0\r\n\r\n", Cut),
    (b"2\r\nokXX0\r\n\r\n", Cut),
    (b"2\r\nok\r\n\r\n0\r\n\r\n", Cut),
    (b"2;\0\r\nok\r\n0\r\n\r\n", Cut),
    (b"2\r\nok\r\n0\r\nno colon\r\n\r\n", Cut),
    (b"2\r\nok\r\n0\r\nX: a\0b\r\n\r\n", Cut),
    (b"2\r\nok\r\n0\r\nX: a\nY: b\r\n\r\n", Cut),
    (b"2;a=b\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", Passed(200, "ok")),
    (b"02\r\nok\r\n000\r\n\r\n", Passed(200, "ok")),
];

/// Whole answers, with something behind them.
#[rustfmt::skip]
const SURPLUS: &[(&[u8], Fate)] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Passed(200, "ok")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Passed(200, "")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Passed(200, "ok")),
    (b"HTTP/1.1 204 No Content\r\n\r\n", Passed(204, "")),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n", Passed(204, "")),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 45\r\n\r\n", Passed(304, "")),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", Passed(404, "no")),
];

/// How often a head may come before the final one.
const INTERIM_MOST: usize = 8;

/// Every case: bytes, and what becomes of them.
fn cases() -> Vec<(Vec<u8>, Fate)> {
    let own = |cases: &[(&[u8], Fate)], before: &str, behind: &str| {
        let whole = |bytes: &[u8]| [before.as_bytes(), bytes, behind.as_bytes()].concat();
        let cases = cases.iter();
        cases
            .map(|(bytes, fate)| (whole(bytes), *fate))
            .collect::<Vec<_>>()
    };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut cases = [
        own(STATUS_LINES, "", ""),
        own(FIELDS, "HTTP/1.1 200 OK\r\n", "\r\nok"),
        own(CHUNKS, chunked, ""),
        own(SURPLUS, "", POISON),
    ]
    .concat();
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let many: String = (0..257).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (text, fate) in [
        (hint.repeat(INTERIM_MOST) + ok, Passed(200, "ok")),
        (hint.repeat(INTERIM_MOST + 1) + ok, Bad),
        (
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "v".repeat(300_000)),
            Bad,
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{}: v\r\n\r\n", "n".repeat(2000)),
            Bad,
        ),
        (format!("HTTP/1.1 200 OK\r\n{many}\r\n"), Bad),
        (
            format!("{chunked}2;{}\r\nok\r\n0\r\n\r\n", "e".repeat(300)),
            Cut,
        ),
        (
            format!("{chunked}2\r\nok\r\n0\r\nX: {}\r\n\r\n", "v".repeat(9000)),
            Cut,
        ),
        (format!("{chunked}2\r\nok\r\n"), Torn),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_owned(),
            Torn,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            Bad,
        ),
    ] {
        cases.push((text.into_bytes(), fate));
    }
    cases
}

/// The final answer, or as much of it as comes.
async fn final_answer(client: &mut RawConnection, whole: bool) -> (u16, String, Vec<u8>) {
    loop {
        let answer = client.read_head().await;
        if answer.status < 200 {
            assert!([100, 102, 103].contains(&answer.status), "{}", answer.head);
            continue;
        }
        let body = if !whole {
            client.read_to_end().await
        } else if answer.header("Transfer-Encoding").is_some() {
            let mut body = client.read_until(b"\r\n0\r\n").await;
            while client.read_until(b"\r\n").await != b"\r\n" {}
            let data = body.split_off(body.iter().position(|&b| b == b'\n').expect("a size") + 1);
            data[..data.len() - 5].to_vec()
        } else {
            let length = answer.header("Content-Length").unwrap_or("0");
            client.read_exactly(length.parse().expect("a length")).await
        };
        return (answer.status, answer.head, body);
    }
}

/// whatever an endpoint sends becomes one well-formed answer to one client, or a close.
/// and its connection is not used again where more came than belongs to that.
/// a status that is not between 100 and 599 is a 502, and so are more interim heads than there may be.
/// what stands behind an answer without a body is nobody's.
/// control bytes and bare line ends in a status line, a name or a value are a 502.
#[tokio::test]
async fn whatever_an_endpoint_sends_is_one_answer_or_a_close() {
    let cases = cases();
    assert!(cases.len() >= 100, "{}", cases.len());
    for (bytes, fate) in &cases {
        for closes in [true, false] {
            let shown = String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned();
            let (plane, endpoint) = before(bytes, closes).await;
            let mut client = plane.connect().await;
            client.write(head("GET /evil", &[]).as_bytes()).await;
            let has_head = bytes.starts_with(b"HTTP/1.1 200") && shown.contains("\r\n\r\n");
            let cut = *fate == Cut || *fate == Torn && has_head;
            let (status, head, body) = final_answer(&mut client, !cut).await;
            match fate {
                Bad => assert_eq!(status, 502, "{shown:?}"),
                Torn if cut => assert_eq!(status, 200, "{shown:?}"),
                Torn => assert_eq!(status, if closes { 502 } else { 504 }, "{shown:?}"),
                Passed(expected, _) => assert_eq!(status, *expected, "{shown:?}: {head}"),
                Cut => assert_eq!(status, 200, "{shown:?}"),
            }
            match fate {
                Passed(_, expected) => assert_eq!(body, expected.as_bytes(), "{shown:?}"),
                Bad | Torn if !cut => {
                    let body = String::from_utf8(body).expect("a text of the router's own");
                    assert!(body.starts_with(&status.to_string()), "{shown:?}: {body}");
                    assert!(head.contains("X-Cf-RouterError: "), "{shown:?}: {head}");
                }
                _ => assert!(!body.ends_with(b"0\r\n\r\n"), "{shown:?}: {body:?}"),
            }
            check_line_ends(&head);
            if !cut {
                // The same client's next request has an answer of its own.
                client.write(head_of_next().as_bytes()).await;
                assert_eq!(client.read_answer().await.body, b"well", "{shown:?}");
            }
            assert_eq!(plane.get("/next").await.body, b"well", "{shown:?}");
            drop(endpoint);
        }
    }
}

fn head_of_next() -> String {
    head("GET /next", &[])
}

/// Every line of a head ends as it should, and has no control byte.
fn check_line_ends(head: &str) {
    for line in head.split("\r\n") {
        let control = |c: char| c.is_ascii_control() && c != '\t';
        assert!(!line.contains(control), "{line:?}");
    }
}

/// A data plane before an endpoint that answers `/evil` with these bytes, and anything else as it should.
async fn before(bytes: &[u8], closes: bool) -> (Plane, Endpoint) {
    let bytes = bytes.to_vec();
    let endpoint = Endpoint::with(move |head| match (&*head.target, closes) {
        ("/evil", true) => Answer::RawThenClose(bytes.clone()),
        ("/evil", false) => Answer::Raw(bytes.clone()),
        _ => Reply::text("well").into(),
    })
    .await;
    let change = |settings: &mut Settings| {
        settings.timeouts.answer = Duration::from_millis(100);
        settings.timeouts.stream_idle = Duration::from_millis(100);
    };
    let plane = Setup::new().endpoint("app.test", &endpoint).with(change);
    (plane.start(), endpoint)
}
