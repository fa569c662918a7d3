//! Response heads as clients get them.

use super::{accepted, parse_with};
use pointsman_http1::{
    BodyLength, CONTINUE, InvalidField, Known, KnownSet, Method, ResponseHead, ResponseLimits,
    ResponseOut, Version, Written, reason_phrase, write_interim, write_response,
};

const ANSWER: ResponseOut<'_> = ResponseOut {
    client: Version::Http11,
    method: Method::Get,
    body: BodyLength::Exact(5),
    keep_alive: true,
    upgrade: None,
    date: None,
    without: KnownSet::EMPTY,
    with: &[],
    prepared: &[],
};

fn written(head: &ResponseHead, how: &ResponseOut<'_>) -> (String, Written) {
    let mut out = b"before".to_vec();
    let promise = write_response(&mut out, head, how).expect("the fields are valid");
    let text = String::from_utf8(out).expect("only ASCII was put in");
    (
        text.strip_prefix("before")
            .expect("what was there stays")
            .to_owned(),
        promise,
    )
}

/// an endpoint's reason phrase is never passed on.
/// D-345: a custom reason phrase is replaced.
#[test]
fn reason_phrases_are_the_standard_ones() {
    for (status, phrase) in [
        (200, "OK"),
        (404, "Not Found"),
        (502, "Bad Gateway"),
        (299, "status code 299"),
    ] {
        let head = accepted(format!("HTTP/1.1 {status} Custom Reason\r\n\r\n").as_bytes());
        let (text, _) = written(&head, &ANSWER);
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} {phrase}\r\n")),
            "{text}"
        );
    }
    assert_eq!(reason_phrase(418), Some("I'm a teapot"));
    assert_eq!(reason_phrase(299), None);
}

const GONE: BodyLength = BodyLength::UntilClose;
const CHUNKED: BodyLength = BodyLength::Chunked;
const FIVE: BodyLength = BodyLength::Exact(5);

/// Writes an answer with this status to a client, and checks its framing lines and its promise.
#[track_caller]
fn framed(status: u16, how: &ResponseOut<'_>, lines: &str, body: BodyLength, keep_alive: bool) {
    let head = accepted(format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n").as_bytes());
    let (text, written) = written(&head, how);
    let phrase = reason_phrase(status).expect("these have one");
    let version = how.client.as_str();
    assert_eq!(text, format!("{version} {status} {phrase}\r\n{lines}\r\n"));
    assert_eq!(written, Written { body, keep_alive }, "{text}");
}

/// D-321: a 204 has no Transfer-Encoding.
/// D-347: a 304 loses its Content-Length.
/// D-322: a chunked body stays chunked.
#[test]
fn framing_fits_a_client_of_today() {
    let get = |body, keep_alive| ResponseOut {
        body,
        keep_alive,
        ..ANSWER
    };
    let close = "Content-Length: 5\r\nConnection: close\r\n";
    framed(200, &get(FIVE, true), "Content-Length: 5\r\n", FIVE, true);
    framed(200, &get(FIVE, false), close, FIVE, false);
    framed(
        200,
        &get(CHUNKED, true),
        "Transfer-Encoding: chunked\r\n",
        CHUNKED,
        true,
    );
    framed(
        200,
        &get(GONE, true),
        "Transfer-Encoding: chunked\r\n",
        CHUNKED,
        true,
    );
    let nothing = BodyLength::Exact(0);
    framed(
        200,
        &get(BodyLength::None, true),
        "Content-Length: 0\r\n",
        nothing,
        true,
    );
    framed(204, &get(CHUNKED, true), "", BodyLength::None, true);
    framed(304, &get(FIVE, true), "", BodyLength::None, true);
}

/// D-081: an HTTP/1.0 client gets an HTTP/1.0 status line and a close.
/// D-082: an HTTP/1.0 client that asked for keep-alive gets it confirmed.
/// D-353: a body of unknown length ends with the connection for HTTP/1.0.
#[test]
fn framing_fits_an_old_client() {
    let get = |body, keep_alive| ResponseOut {
        client: Version::Http10,
        body,
        keep_alive,
        ..ANSWER
    };
    let kept = "Content-Length: 5\r\nConnection: keep-alive\r\n";
    let close = "Content-Length: 5\r\nConnection: close\r\n";
    framed(200, &get(FIVE, true), kept, FIVE, true);
    framed(200, &get(FIVE, false), close, FIVE, false);
    framed(
        200,
        &get(CHUNKED, true),
        "Connection: close\r\n",
        GONE,
        false,
    );
    framed(200, &get(GONE, true), "Connection: close\r\n", GONE, false);
}

#[test]
fn an_answer_to_head_keeps_its_length_and_has_no_body() {
    let how = ResponseOut {
        method: Method::Head,
        body: BodyLength::None,
        ..ANSWER
    };
    let head = accepted(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let (text, promise) = written(&head, &how);
    assert_eq!(text, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(
        promise,
        Written {
            body: BodyLength::None,
            keep_alive: true
        }
    );
    let head = accepted(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(written(&head, &how).0, "HTTP/1.1 200 OK\r\n\r\n");
}

/// an answer is written from its parsed form too.
#[test]
fn fields_are_left_out_and_added() {
    let mut head = accepted(
        b"HTTP/1.1 200 Fine\r\nserver:  x \r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\
          Via: a\r\nContent-Length: 5\r\nX-End: e\r\n\r\n",
    );
    head.fields_mut().strip_hop_by_hop(|_| false);
    let how = ResponseOut {
        date: Some(b"now"),
        without: KnownSet::of(&[Known::Via]),
        with: &[(Known::XVcapRequestId.into(), b"id")],
        ..ANSWER
    };
    let expected = "HTTP/1.1 200 OK\r\nserver: x\r\nX-End: e\r\nX-Vcap-Request-Id: id\r\n\
                    Date: now\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(written(&head, &how).0, expected);
    assert_eq!(head.fields_mut().push(Known::Date, b"then"), Ok(()));
    let (text, _) = written(&head, &how);
    assert!(
        text.contains("\r\nDate: then\r\n") && !text.contains("now"),
        "{text}"
    );
}

/// a value that could break the head is not written, and nothing of the head is.
#[test]
fn what_cannot_be_written_is_refused_as_a_whole() {
    let head = ResponseHead::new();
    let mut out = b"before".to_vec();
    let bad: &[(&str, &[u8], InvalidField)] = &[
        ("X", b"a\r\nSet-Cookie: b", InvalidField::Value),
        ("X", b"a\nb", InvalidField::Value),
        ("X", b"\0", InvalidField::Value),
        ("X", b"12345678\x7f", InvalidField::Value),
        ("X", b" a", InvalidField::Value),
        ("X", b"a\t", InvalidField::Value),
        ("X Y", b"a", InvalidField::Name),
        ("X:", b"a", InvalidField::Name),
        ("", b"a", InvalidField::Name),
    ];
    for (name, value, reason) in bad {
        let with = [(Known::Via.into(), &b"ok"[..]), ((*name).into(), *value)];
        let how = ResponseOut {
            with: &with,
            ..ANSWER
        };
        assert_eq!(write_response(&mut out, &head, &how), Err(*reason));
        let how = ResponseOut {
            upgrade: Some(b"a\r\nb"),
            ..ANSWER
        };
        assert_eq!(
            write_response(&mut out, &head, &how),
            Err(InvalidField::Value)
        );
        assert_eq!(out, b"before");
    }
}

#[test]
fn upgrades_and_interim_heads_are_written() {
    let mut head =
        accepted(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: 1\r\n\r\n");
    let how = ResponseOut {
        upgrade: Some(b"websocket"),
        body: BodyLength::None,
        ..ANSWER
    };
    let (text, promise) = written(&head, &how);
    let expected = "HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r\n\r\n";
    assert_eq!(text, expected);
    assert_eq!(
        promise,
        Written {
            body: BodyLength::None,
            keep_alive: false
        }
    );
    head.reset(103);
    assert_eq!(head.fields_mut().push("Link", b"</a>"), Ok(()));
    assert_eq!(head.fields_mut().push(Known::Connection, b"close"), Ok(()));
    assert_eq!(head.fields_mut().push(Known::ContentLength, b"5"), Ok(()));
    let mut out = Vec::new();
    write_interim(&mut out, &head);
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    let (outcome, parsed) = parse_with(ResponseLimits::DEFAULT, CONTINUE);
    assert_eq!((outcome, parsed.status()), (Ok(Some(CONTINUE.len())), 100));
}
