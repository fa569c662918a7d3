//! Trace headers on their way to an endpoint, and in the access log.

use pointsman_data_plane::{Tracing, VendorKey, extra_fields};
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head};

use crate::support::{Plane, Setup, head};

async fn traced(tracing: Option<Tracing>) -> (Endpoint, Plane) {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .logs(&extra_fields(&["X-Foo".to_owned()], tracing.as_ref()))
        .with(|settings| settings.tracing = tracing)
        .start();
    (endpoint, plane)
}

fn both(tenant: &str) -> Option<Tracing> {
    Some(Tracing {
        b3: true,
        w3c: VendorKey::of_tenant(tenant),
    })
}

async fn seen(endpoint: &Endpoint, plane: &Plane, fields: &[&str]) -> Head {
    assert_eq!(plane.ask(head("GET /", fields)).await.status, 200);
    endpoint.last_request().head
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// D-112: the request's id is a UUID.
/// D-115: a request without a trace begins one.
/// D-117: whose id is the request's, without dashes.
/// D-121: ids and `b3` are made where there are none, and no parent.
/// D-135: W3C's headers tell the same ids.
/// OB-016: the log shows fields that were asked for, then Zipkin's, then W3C's.
#[tokio::test]
async fn a_trace_begins_here() {
    let (endpoint, plane) = traced(both("tid")).await;
    let sent = seen(&endpoint, &plane, &["X-Foo: a\"b"]).await;
    let field = |name: &str| sent.header(name).unwrap_or_default().to_owned();
    let (trace, span) = (field("X-B3-TraceId"), field("X-B3-SpanId"));
    assert!(is_hex(&trace, 32) && is_hex(&span, 16), "{trace} {span}");
    assert_eq!(field("b3"), format!("{trace}-{span}"));
    assert_eq!(sent.header("X-B3-ParentSpanId"), None);
    let id = field("X-Vcap-Request-Id");
    assert_eq!(id.replace('-', ""), trace);
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    assert_eq!(field("traceparent"), format!("00-{trace}-{span}-01"));
    assert_eq!(field("tracestate"), format!("tid@gorouter={span}"));
    let line = plane.line("app.test").await;
    let end = format!(
        " x_cf_routererror:\"-\" x_foo:\"a\\\"b\" x_b3_traceid:\"{trace}\" x_b3_spanid:\"{span}\" \
         x_b3_parentspanid:\"-\" b3:\"{trace}-{span}\" traceparent:\"00-{trace}-{span}-01\" \
         tracestate:\"tid@gorouter={span}\""
    );
    assert!(line.ends_with(&end), "{line}");
    assert!(
        line.contains(&format!("vcap_request_id:\"{id}\"")),
        "{line}"
    );
    let next = seen(&endpoint, &plane, &[]).await;
    assert_ne!(next.header("X-B3-TraceId"), Some(trace.as_str()));
}

/// D-113: the request's id is its trace's.
/// D-114: a client's own id does not survive.
/// D-128: a trace id that is no UUID stays in its headers, and the request's id is another.
/// D-131: a `b3` that can be read stays.
#[tokio::test]
async fn a_trace_of_the_client_goes_on() {
    let (endpoint, plane) = traced(Some(Tracing {
        b3: true,
        w3c: None,
    }))
    .await;
    let trace = "7f46165474d11ee5836777d85df2cdab";
    let b3 = format!("b3: {trace}-54ebcb82b14862d9-1");
    let sent = seen(&endpoint, &plane, &[&b3, "X-Vcap-Request-Id: mine"]).await;
    assert_eq!(sent.values("b3").collect::<Vec<_>>(), [&b3[4..]]);
    assert_eq!(sent.header("X-B3-TraceId"), None);
    let ids: Vec<_> = sent.values("X-Vcap-Request-Id").collect();
    assert_eq!(ids, ["7f461654-74d1-1ee5-8367-77d85df2cdab"]);
    let short = [
        "X-B3-TraceId: 7f46165474d11ee5",
        "X-B3-SpanId: 54ebcb82b14862d9",
    ];
    let sent = seen(&endpoint, &plane, &short).await;
    assert_eq!(sent.header("X-B3-TraceId"), Some("7f46165474d11ee5"));
    let b3 = sent.header("b3").unwrap_or_default();
    assert_eq!(b3, "7f46165474d11ee5-54ebcb82b14862d9");
    let id = sent.header("X-Vcap-Request-Id").unwrap_or_default();
    assert!(id.len() == 36 && !id.replace('-', "").contains("7f46165474d11ee5"));
}

/// D-138: a W3C trace goes on with this hop as parent and first member.
/// D-147: without headers an app gets both.
#[tokio::test]
async fn a_w3c_trace_goes_on() {
    let tracing = Tracing {
        b3: false,
        w3c: VendorKey::of_tenant(""),
    };
    let (endpoint, plane) = traced(Some(tracing)).await;
    let sent = seen(&endpoint, &plane, &[]).await;
    assert!(
        sent.header("traceparent")
            .is_some_and(|parent| parent.len() == 55)
    );
    assert!(
        sent.header("tracestate")
            .is_some_and(|state| state.starts_with("gorouter="))
    );
    assert_eq!(sent.header("b3"), None);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01");
    let fields = [
        parent.as_str(),
        "tracestate: rojo=00f067aa0ba902b7,gorouter=aaaa",
        "tracestate: congo=t61",
    ];
    let sent = seen(&endpoint, &plane, &fields).await;
    let parent = sent.header("traceparent").unwrap_or_default().to_owned();
    let parts: Vec<_> = parent.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, "01"));
    assert!(is_hex(parts[2], 16) && parts[2] != "00f067aa0ba902b7");
    let state: Vec<_> = sent.values("tracestate").collect();
    assert_eq!(
        state,
        [format!("gorouter={},rojo=00f067aa0ba902b7", parts[2])]
    );
    let id = sent.header("X-Vcap-Request-Id").unwrap_or_default();
    assert_eq!(id.replace('-', ""), trace);
}

/// D-134: with Zipkin off, its headers are left alone.
/// D-146: with W3C off, so are its.
#[tokio::test]
async fn without_tracing_headers_pass_as_they_are() {
    let (endpoint, plane) = traced(None).await;
    let fields = [
        "b3: nonsense",
        "X-B3-SpanId: 1",
        "traceparent: 2",
        "tracestate: 3",
    ];
    let sent = seen(&endpoint, &plane, &fields).await;
    for field in fields {
        let (name, value) = field.split_once(": ").expect("a field");
        assert_eq!(sent.values(name).collect::<Vec<_>>(), [value]);
    }
    assert_eq!(sent.header("X-B3-TraceId"), None);
    let sent = seen(&endpoint, &plane, &[]).await;
    for name in ["b3", "X-B3-TraceId", "traceparent", "tracestate"] {
        assert_eq!(sent.header(name), None, "{name}");
    }
}
