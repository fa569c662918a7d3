//! What an endpoint gets to see of a request.

use pointsman_data_plane::ForwardedProto;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head};

use crate::support::{APP, Plane, Setup, head};

/// Sends one request, and answers what the endpoint saw of it.
async fn seen(request: String) -> Head {
    seen_with(ForwardedProto::Keep, request).await
}

async fn seen_with(proto: ForwardedProto, request: String) -> Head {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.headers.forwarded_proto = proto)
        .start();
    assert_eq!(plane.ask(request).await.status, 200);
    endpoint.last_request().head
}

fn values<'a>(head: &'a Head, name: &str) -> Vec<&'a str> {
    let named = head
        .headers
        .iter()
        .filter(|field| field.0.eq_ignore_ascii_case(name));
    named.map(|field| field.1.as_str()).collect()
}

/// D-282: no `?` is added to a target.
/// D-283: a bare `?` is kept.
/// D-285: an absolute target is sent on as it is.
/// D-286: its encoding is kept.
/// D-287: its authority is routed by, and is sent as Host.
/// D-288: encoded and reserved characters are sent as received.
/// D-289: so is an encoded query.
/// D-296: so is a fragment.
/// D-297: unknown methods are forwarded.
/// an absolute target's authority stands for Host.
#[tokio::test]
async fn request_lines_are_forwarded_as_received() {
    for line in [
        "GET /test",
        "GET /?",
        "GET /a%20b/%2F;c=d/../~x?q=%26&r=a+b",
        "GET /a#frag",
        "FOO /",
        "TRACE /",
        "GET http://app.test/abs?x=1",
        "GET http://app.test/%41?x=%42",
    ] {
        let head = seen(head(line, &[])).await;
        assert_eq!(format!("{} {}", head.method, head.target), line);
    }
    let absolute = "GET http://app.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n".to_owned();
    assert_eq!(values(&seen(absolute).await, "host"), ["app.test"]);
}

/// D-220: host and path match in any case, and are forwarded in their own.
/// D-284: HTTP/1.0 requests reach the endpoint with their path, as HTTP/1.1.
#[tokio::test]
async fn hosts_and_versions() {
    let upper = "GET /CTX/x HTTP/1.1\r\nHost: APP.Test:1234\r\n\r\n".to_owned();
    let head = seen(upper).await;
    assert_eq!(
        (head.target.as_str(), values(&head, "host")),
        ("/CTX/x", vec!["APP.Test:1234"])
    );
    let old = seen("GET /a/b HTTP/1.0\r\nHost: app.test\r\n\r\n".to_owned()).await;
    assert!(old.bytes.starts_with(b"GET /a/b HTTP/1.1\r\n"));
}

/// D-299: without X-Forwarded-For it is the client's address.
/// D-300: otherwise the client's address is appended.
/// D-301: two lines become one.
/// all received lines are preserved in order, and there is one value of each.
#[tokio::test]
async fn forwarded_for_names_the_client() {
    let plain = seen(head("GET /", &[])).await;
    assert_eq!(values(&plain, "x-forwarded-for"), ["127.0.0.1"]);
    let two = [
        "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
        "X-Forwarded-For: 9.9.9.9",
    ];
    let two = seen(head("GET /", &two)).await;
    assert_eq!(
        values(&two, "x-forwarded-for"),
        ["1.2.3.4, 5.6.7.8, 9.9.9.9, 127.0.0.1"]
    );
}

/// D-276: without the field it is the connection's scheme.
/// D-277: a client's value is kept, unless told otherwise.
/// D-278: sanitized, it is the connection's scheme.
/// D-279: forced, it is https.
/// D-274: forced, whether present or not.
/// D-275: sanitized, whatever was sent.
#[tokio::test]
async fn forwarded_proto_has_three_modes() {
    use ForwardedProto::{ForceHttps, Keep, Sanitize};

    for (mode, sent, expected) in [
        (Keep, None, "http"),
        (Keep, Some("https"), "https"),
        (Keep, Some("http"), "http"),
        (Sanitize, None, "http"),
        (Sanitize, Some("https"), "http"),
        (ForceHttps, None, "https"),
        (ForceHttps, Some("http"), "https"),
    ] {
        let field = sent.map(|sent| format!("X-Forwarded-Proto: {sent}"));
        let fields: Vec<_> = field.iter().map(String::as_str).collect();
        let head = seen_with(mode, head("GET /", &fields)).await;
        assert_eq!(
            values(&head, "x-forwarded-proto"),
            [expected],
            "{mode:?} {sent:?}"
        );
    }
}

/// D-304: X-Request-Start is epoch milliseconds where the client sent none.
/// D-305: a client's own is unchanged.
#[tokio::test]
async fn request_start_is_added_once() {
    let added = seen(head("GET /", &[])).await;
    let start = values(&added, "x-request-start");
    assert_eq!(start.len(), 1);
    assert_eq!(start[0].len(), 13);
    assert!(
        start[0].bytes().all(|byte| byte.is_ascii_digit()),
        "{start:?}"
    );
    let kept = seen(head("GET /", &["X-Request-Start: t=1"])).await;
    assert_eq!(values(&kept, "x-request-start"), ["t=1"]);
    let empty = seen(head("GET /", &["X-Request-Start:"])).await;
    assert_eq!(values(&empty, "x-request-start"), [""]);
}

/// D-306: X-CF-InstanceID is the instance's.
/// D-308: `X-CF-ApplicationID` and `X-CF-InstanceIndex` are the endpoint's.
/// D-156: a client's own are not used.
/// they are overwritten, and X-CF-App-Instance does not pass.
/// a client's request id does not survive.
/// Proxy does not pass.
/// D-309: X-CF-App-Instance does not reach the endpoint.
#[tokio::test]
async fn identity_fields_are_the_routers() {
    let spoofed = [
        "X-CF-ApplicationID: fake",
        "x-cf-instanceid: fake",
        "X-CF-InstanceIndex: 99",
        "X-Vcap-Request-Id: fake",
        "Proxy: http://evil",
        "X-CF-App-Instance: 11111111-2222-3333-4444-555555555555:0",
    ];
    let head = seen(head("GET /", &spoofed)).await;
    assert_eq!(values(&head, "x-cf-applicationid"), [APP]);
    assert_eq!(values(&head, "x-cf-instanceindex"), ["0"]);
    assert!(values(&head, "x-cf-instanceid")[0].starts_with("instance-127.0.0.1:"));
    let ids = values(&head, "x-vcap-request-id");
    assert_eq!((ids.len(), ids[0].len()), (1, 36));
    assert!(values(&head, "proxy").is_empty());
    assert!(values(&head, "x-cf-app-instance").is_empty());
}

/// D-307: without an instance id, X-CF-InstanceID is the address.
/// a registered value that cannot stand in a field is never sent.
#[tokio::test]
async fn registered_values_are_checked_on_the_way_out() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Setup::new()
        .thing("app.test", endpoint.address(), |thing| {
            thing.instance_id.clear();
        })
        .thing("evil.test", endpoint.address(), |thing| {
            thing.app_id = "a\r\nX-Injected: 1".to_owned();
        })
        .start();
    plane.get("/").await;
    let address = endpoint.address().to_string();
    assert_eq!(
        values(&endpoint.last_request().head, "x-cf-instanceid"),
        [address]
    );
    let answer = plane.ask("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n").await;
    assert_eq!(answer.status, 502);
    assert_eq!(endpoint.request_count(), 1);
}

/// D-270: what Connection names is removed.
/// D-271: of TE only `trailers` passes.
/// D-272: Keep-Alive, Proxy-Connection, -Authorization and -Authenticate never pass.
/// hop-by-hop fields end here, also in lists and over two lines.
#[tokio::test]
async fn hop_by_hop_fields_end_here() {
    let fields = [
        "Connection: keep-alive, X-Foo",
        "Connection: close, X-Bar",
        "X-Foo: 1",
        "X-Bar: 2",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eDp5",
        "Proxy-Authenticate: Basic",
        "TE: trailers, gzip",
        "Upgrade: h2c",
        "X-Stays: 3",
    ];
    let head = seen(head("GET /", &fields)).await;
    for gone in [
        "connection",
        "x-foo",
        "x-bar",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
        "upgrade",
    ] {
        assert!(values(&head, gone).is_empty(), "{gone}");
    }
    assert_eq!(values(&head, "te"), ["trailers"]);
    assert_eq!(values(&head, "x-stays"), ["3"]);
}

/// a client cannot have a field removed that the router sets or an endpoint relies on.
/// D-269: the fields of Gorouter's list cannot be removed.
#[tokio::test]
async fn connection_cannot_name_what_endpoints_rely_on() {
    let fields = [
        "Connection: Host, X-Forwarded-For, X-Forwarded-Proto, X-Vcap-Request-Id, X-CF-ApplicationID",
        "Connection: X-Request-Start, Cookie, Authorization, X-Forwarded-Client-Cert, traceparent, X-B3-TraceId, X-Forwarded-Anything",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Proto: https",
        "X-Request-Start: 1",
        "Cookie: a=b",
        "Authorization: Bearer x",
        "X-Forwarded-Client-Cert: c",
        "X-Forwarded-Anything: d",
        "traceparent: t",
        "X-B3-TraceId: b",
    ];
    let head = seen(head("GET /", &fields)).await;
    assert_eq!(values(&head, "host"), ["app.test"]);
    assert_eq!(values(&head, "x-forwarded-for"), ["1.2.3.4, 127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "x-request-start"), ["1"]);
    assert_eq!(values(&head, "x-cf-applicationid"), [APP]);
    for kept in [
        "cookie",
        "authorization",
        "x-forwarded-client-cert",
        "x-forwarded-anything",
        "traceparent",
        "x-b3-traceid",
        "x-vcap-request-id",
    ] {
        assert_eq!(values(&head, kept).len(), 1, "{kept}");
    }
}

/// D-303: X-Forwarded-Host, Forwarded and X-Real-IP are neither changed nor made.
/// D-311: no Accept-Encoding is made.
/// D-312: no User-Agent is made.
#[tokio::test]
async fn nothing_else_is_invented() {
    let plain = seen(head("GET /", &[])).await;
    let mut names: Vec<_> = plain
        .headers
        .iter()
        .map(|field| field.0.to_ascii_lowercase())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "host",
            "x-cf-applicationid",
            "x-cf-instanceid",
            "x-cf-instanceindex",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-request-start",
            "x-vcap-request-id",
        ]
    );
    let fields = [
        "X-Forwarded-Host: h",
        "Forwarded: for=1",
        "X-Real-IP: 2",
        "Cookie: a",
        "Cookie: b",
    ];
    let sent = seen(head("GET /", &fields)).await;
    assert_eq!(values(&sent, "x-forwarded-host"), ["h"]);
    assert_eq!(values(&sent, "forwarded"), ["for=1"]);
    assert_eq!(values(&sent, "x-real-ip"), ["2"]);
    assert_eq!(values(&sent, "cookie"), ["a", "b"]);
}

/// D-313: method, host and body of a PUT reach the endpoint.
#[tokio::test]
async fn a_put_reaches_the_endpoint() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    plane
        .ask(head("PUT /thing", &["Content-Length: 5"]) + "hello")
        .await;
    let seen = endpoint.last_request();
    assert_eq!(
        (seen.head.method.as_str(), &*seen.body),
        ("PUT", &b"hello"[..])
    );
}

/// D-292: slashes are passed on as they came, however many there are.
#[tokio::test]
async fn slashes_are_kept() {
    for target in ["//a//b", "//something?q=a%20b", "///", "/a///b//?x=//y"] {
        let seen = seen(head(&format!("GET {target}"), &[])).await;
        assert_eq!(seen.target, target);
    }
}
