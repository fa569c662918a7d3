//! What routes do with their requests and responses.

use std::num::NonZeroU32;

use pointsman_proto::v1::{filter, rewrite};
use pointsman_routing::{HeaderEdit, PathRewrite, Rewrite, Rules};

use super::*;

fn field(name: &str, value: &str) -> v1::HeaderField {
    v1::HeaderField {
        name: name.to_owned(),
        value: value.into(),
    }
}

fn with(filters: impl IntoIterator<Item = filter::Kind>) -> v1::Route {
    let filters = filters.into_iter();
    v1::Route {
        filters: filters
            .map(|kind| v1::Filter { kind: Some(kind) })
            .collect(),
        ..route()
    }
}

fn set(name: &str, value: &str) -> v1::HeaderFilter {
    v1::HeaderFilter {
        set: vec![field(name, value)],
        ..v1::HeaderFilter::default()
    }
}

fn rewrite_to(host: &str, path: Option<rewrite::Path>) -> filter::Kind {
    filter::Kind::Rewrite(v1::Rewrite {
        host: host.to_owned(),
        path,
    })
}

fn rules_of(sent: v1::Route) -> Option<Rules> {
    let Ok(Thing::Route(read)) = read(Kind::Route(sent)) else {
        panic!("it is honoured");
    };
    read.attributes.rules.map(|rules| (*rules).clone())
}

#[test]
fn filters_and_attempts_are_read_in_their_order() {
    let mut sent = with([
        filter::Kind::RequestHeaders(v1::HeaderFilter {
            remove: vec!["X-Gone".to_owned()],
            set: vec![field("X-Set", "1")],
            add: vec![field("X-Added", "2")],
        }),
        rewrite_to(
            "inside.example.com",
            Some(rewrite::Path::Prefix("/v2/".to_owned())),
        ),
        filter::Kind::ResponseHeaders(set("Server", "p")),
        filter::Kind::RequestHeaders(set("X-Last", "3")),
    ]);
    sent.retry_policy = Some(v1::RetryPolicy {
        max_attempts: 2,
        repeatable: true,
        ..v1::RetryPolicy::default()
    });
    let wanted = Rules {
        rewrite: Some(Rewrite {
            host: Some("inside.example.com".into()),
            path: PathRewrite::Prefix("/v2".into()),
        }),
        request: Box::new([
            HeaderEdit::Remove("X-Gone".into()),
            HeaderEdit::Set("X-Set".into(), b"1".as_slice().into()),
            HeaderEdit::Add("X-Added".into(), b"2".as_slice().into()),
            HeaderEdit::Set("X-Last".into(), b"3".as_slice().into()),
        ]),
        response: Box::new([HeaderEdit::Set("Server".into(), b"p".as_slice().into())]),
        max_attempts: NonZeroU32::new(2),
        repeatable: true,
    };
    assert_eq!(rules_of(sent), Some(wanted));
}

#[test]
fn rules_that_say_nothing_are_none() {
    let mut sent = with([filter::Kind::RequestHeaders(v1::HeaderFilter::default())]);
    sent.retry_policy = Some(v1::RetryPolicy::default());
    assert_eq!(rules_of(sent), None);
}

#[test]
fn what_no_filter_may_say_is_told_in_words() {
    let request = |filter| reason(Kind::Route(with([filter::Kind::RequestHeaders(filter)])));
    let response = |filter| reason(Kind::Route(with([filter::Kind::ResponseHeaders(filter)])));
    for name in [
        "Content-Length",
        "host",
        "X-Forwarded-For",
        "Connection",
        "te",
        "X-Pointsman-Hops",
    ] {
        assert_eq!(
            request(set(name, "x")),
            format!("a filter names the header field {name:?}, which is the router's own")
        );
    }
    let removed = v1::HeaderFilter {
        remove: vec!["Transfer-Encoding".to_owned()],
        ..v1::HeaderFilter::default()
    };
    assert!(response(removed).ends_with("which is the router's own"));
    assert!(response(set("X-Cf-RouterError", "x")).ends_with("which is the router's own"));
    assert_eq!(
        request(set("a b", "x")),
        "a filter names the header field \"a b\": the field name is not a token"
    );
    assert!(request(set("a", "x\r\ny: z")).contains("control byte"));
}

#[test]
fn a_rewrite_that_makes_no_target_is_told_in_words() {
    let reason = |filters: Vec<_>| reason(Kind::Route(with(filters)));
    let full = |path: &str| rewrite_to("", Some(rewrite::Path::FullPath(path.to_owned())));
    for path in ["", "x", "/a b", "/a?b", "/a#b", "/\u{fc}"] {
        assert!(
            reason(vec![full(path)]).starts_with("it rewrites the path to"),
            "{path}"
        );
    }
    assert_eq!(
        reason(vec![rewrite_to("a b", None)]),
        "it rewrites the host to \"a b\", which is none"
    );
    assert_eq!(reason(vec![full("/a"), full("/b")]), "it rewrites twice");
}
