use http::{HeaderMap, HeaderName, Request};
use pointsman_http1::{BadBody, BodyLimits, Refused};

use super::*;
use crate::http2::fields::trailers;

fn parts(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn understood(parts: &Parts, ended: bool) -> Result<(Understood, RequestHead), Refused> {
    let mut head = RequestHead::new();
    let understood = request(parts, ended, &RequestLimits::DEFAULT, &mut head)?;
    Ok((understood, head))
}

fn refused(parts: &Parts) -> Option<Refused> {
    understood(parts, true).err()
}

const URI: &str = "https://app.test/path?query";

/// crumbs become one field.
/// D-537: what is expected of the router is not for the endpoint.
#[test]
fn a_request_is_understood() {
    let fields = [
        ("cookie", "a=1"),
        ("x-one", "1"),
        ("cookie", "b=2"),
        ("expect", "100-Continue"),
        ("host", "APP.test"),
    ];
    let (understood, head) = understood(&parts("GET", URI, &fields), false).expect("a request");
    assert!(understood.expects && !head.expects_continue());
    assert_eq!(
        (head.method_bytes(), head.version()),
        (&b"GET"[..], Version::Http2)
    );
    assert_eq!(
        (head.target(), head.authority()),
        (&b"/path?query"[..], &b"app.test"[..])
    );
    let all: Vec<_> = head.fields().iter().map(|field| field.value).collect();
    assert_eq!(all, [&b"1"[..], b"a=1; b=2"]);
    assert!(head.wire_len() > 60, "{}", head.wire_len());
}

/// the length of a body is what its fields say, and where they say nothing, that it ends.
#[test]
fn a_body_has_a_length_or_an_end() {
    let length = [("content-length", "5")];
    for (method, fields, ended, expected) in [
        ("GET", &[][..], true, Ok(BodyLength::None)),
        ("POST", &[], true, Ok(BodyLength::Exact(0))),
        ("GET", &[], false, Ok(BodyLength::Chunked)),
        ("POST", &length, false, Ok(BodyLength::Exact(5))),
        ("POST", &length, true, Err(Refused::ContentLength)),
        (
            "POST",
            &[("content-length", "+5")],
            false,
            Err(Refused::ContentLength),
        ),
        (
            "POST",
            &[("content-length", "9223372036854775808")],
            false,
            Err(Refused::ContentTooLarge),
        ),
    ] {
        let found = understood(&parts(method, URI, fields), ended);
        let found = found.map(|(_, head)| head.body());
        assert_eq!(found, expected, "{method} {fields:?} {ended}");
    }
}

/// a target is a path, a scheme one of two, a host a host.
/// fields are looked at again.
/// so are their sizes, crumb by crumb.
#[test]
fn what_would_be_no_request_of_http_1_is_refused() {
    for (request, expected) in [
        (parts("GET", "ftp://app.test/", &[]), Refused::Target),
        (
            parts("GET", "https://a@app.test/", &[]),
            Refused::MalformedHost,
        ),
        (parts("GET", "/", &[]), Refused::MissingHost),
        (
            parts("GET", "https://app.test/%zz", &[]),
            Refused::TargetByte,
        ),
        (parts("CONNECT", "app.test:443", &[]), Refused::Connect),
        (
            parts("GET", URI, &[("host", "other.test")]),
            Refused::RepeatedHost,
        ),
        (
            parts("GET", URI, &[("host", "app.test"), ("host", "app.test")]),
            Refused::RepeatedHost,
        ),
        (
            parts("GET", URI, &[("expect", "more")]),
            Refused::Expectation,
        ),
        (
            parts("GET", URI, &[("x-blank", " a")]),
            Refused::ControlByte,
        ),
        (parts("GET", URI, &[("x-tab", "a\t")]), Refused::ControlByte),
    ] {
        assert_eq!(refused(&request), Some(expected), "{request:?}");
    }
    let long = "v".repeat(32 * 1024 + 1);
    assert_eq!(
        refused(&parts("GET", URI, &[("x", &long)])),
        Some(Refused::FieldValueTooLong)
    );
    let crumbs = [("cookie", "a=1"); 129];
    assert_eq!(
        refused(&parts("GET", URI, &crumbs)),
        Some(Refused::TooManyFields)
    );
    let large = "v".repeat(20 * 1024);
    let crumbs = [("cookie", &*large); 4];
    assert_eq!(
        refused(&parts("GET", URI, &crumbs)),
        Some(Refused::HeadTooLong)
    );
    let path = format!("https://app.test/{}", "p".repeat(20 * 1024));
    assert_eq!(
        refused(&parts("GET", &path, &[])),
        Some(Refused::UriTooLong)
    );
}

/// of trailers only those pass that may, and only so many.
#[test]
fn trailers_are_few_and_harmless() {
    let mut sent = HeaderMap::new();
    for name in ["grpc-status", "host", "content-length", "x-cf-instanceid"] {
        sent.insert(name, HeaderValue::from_static("1"));
    }
    let mut fields = Fields::new();
    trailers(&sent, &BodyLimits::REQUEST, &mut fields).expect("trailers");
    let names: Vec<_> = fields
        .iter()
        .map(|field| field.name.as_bytes().to_vec())
        .collect();
    assert_eq!(names, [b"grpc-status"]);
    for at in 0..40 {
        let name = HeaderName::try_from(format!("x-{at}")).expect("a name");
        sent.insert(name, HeaderValue::from_static("1"));
    }
    let many = trailers(&sent, &BodyLimits::REQUEST, &mut Fields::new());
    assert_eq!(many, Err(BadBody::TrailersTooLong));
}

#[test]
fn an_answer_has_nothing_of_a_connection() {
    let mut head = ResponseHead::new();
    head.set_body(BodyLength::Exact(3));
    for (name, value) in [
        ("Connection", "close"),
        ("Keep-Alive", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Content-Length", "3"),
        ("X-Own", "1"),
    ] {
        head.fields_mut()
            .push(name, value.as_bytes())
            .expect("a field");
    }
    let with: &[(Name<'_>, &[u8])] = &[(Name::from("X-More"), b"2")];
    let how = |body| Outgoing {
        body,
        date: b"today",
        without: KnownSet::EMPTY,
        with,
        trailed: false,
    };
    let sent = |method, body| {
        let (response, body) = answer(method, &head, &how(body)).expect("an answer");
        let fields = response.headers();
        let shown = fields
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
        (shown.collect::<Vec<_>>(), body)
    };
    let whole = ["x-own: 1", "x-more: 2", "date: today", "content-length: 3"].map(str::to_owned);
    assert_eq!(
        sent(Method::Get, BodyLength::Exact(3)),
        (whole.to_vec(), BodyLength::Exact(3))
    );
    assert_eq!(
        sent(Method::Head, BodyLength::None),
        (whole.to_vec(), BodyLength::None)
    );
    let (shown, body) = sent(Method::Get, BodyLength::UntilClose);
    assert_eq!((shown.len(), body), (3, BodyLength::Chunked));
}
