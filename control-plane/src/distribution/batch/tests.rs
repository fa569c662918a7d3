use std::sync::Arc;

use pointsman_proto::v1::{self, follow_response, route_key, thing};
use std::time::Duration;

use pointsman_registry::{
    Capabilities, Declaration, Description, Fields, Filter, HeaderField, HeaderFilter, Held,
    ModificationTag, Options, PathRewrite, Policy, Reader, Registration, Registry, Rewrite, Rules,
    SegmentFilter, Settings, Step, Tags, Time, Timeouts, Uri, View, WhileAway,
};
use prost::Message as _;

use super::encode;

/// The things of a registry with one endpoint that says everything that can be said.
fn things(fields: Fields<'_>) -> Vec<v1::Thing> {
    let mut registry = Registry::new(Settings::default(), 1);
    let source = registry.add_source("nats", WhileAway::Wait);
    let message = Registration {
        uris: vec![Uri::parse("*.Foo.com/Path").unwrap()],
        address: "10.0.0.1:443".into(),
        segment: "is1".into(),
        description: Arc::new(Description::new(fields).unwrap()),
        stale_threshold_seconds: 60,
        tag: ModificationTag::default(),
        fingerprint: None,
    };
    registry.register(source, &message, Time::ZERO);
    sent(&registry)
}

/// Everything that is registered, as it is sent.
fn sent(registry: &Registry) -> Vec<v1::Thing> {
    let view = View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::ALL,
    };
    let (mut reader, _) = Reader::new(registry, view, Held::default());
    let Step::Batch(things) = reader.next(registry, 10) else {
        panic!("a batch comes first")
    };
    let sent = v1::FollowResponse::decode(encode(&things)).unwrap();
    let Some(follow_response::Message::Batch(batch)) = sent.message else {
        panic!("a batch stays one");
    };
    batch.things
}

/// Everything that can be said.
fn everything() -> (v1::Route, v1::Endpoint) {
    let policy = Policy {
        scope: "org".into(),
        sources: [Box::from("cf:app:x")].into(),
    };
    let things = things(Fields {
        protocol: "http2",
        tls: Some("san"),
        app_id: "app",
        instance_id: "instance",
        instance_index: "3",
        availability_zone: "z1",
        route_service_url: "https://rs",
        algorithm: "hash",
        hash_header: "X-User",
        hash_balance: 1.5,
        tags: Some(Tags::from([("process_id", "web")])),
        updated_at_ns: 42,
        policy: Some(policy),
    });
    both(things)
}

fn both(things: Vec<v1::Thing>) -> (v1::Route, v1::Endpoint) {
    let mut kinds = things.into_iter().map(|thing| thing.kind.unwrap());
    match (kinds.next(), kinds.next(), kinds.next()) {
        (Some(thing::Kind::Route(route)), Some(thing::Kind::Endpoint(endpoint)), None) => {
            (route, endpoint)
        }
        other => panic!("{other:?}"),
    }
}

fn key_of_both() -> v1::RouteKey {
    v1::RouteKey {
        host: Some(route_key::Host::HostSuffix("foo.com".to_owned())),
        path: Some(route_key::Path::PathPrefix("/path".to_owned())),
    }
}

#[test]
fn the_attributes_that_were_registered_arrive() {
    let (route, _) = everything();
    assert_eq!(route.key, Some(key_of_both()));
    assert_eq!(
        (route.revision, route.birth, &*route.segment),
        (1, 1, "is1")
    );
    assert_eq!(route.host_as_registered, "*.Foo.com");
    assert_eq!(route.path_as_registered, "/Path");
    let policy = v1::Policy {
        scope: "org".to_owned(),
        sources: vec!["cf:app:x".to_owned()],
    };
    assert_eq!(route.policy, Some(policy));
    let [group] = &route.groups[..] else {
        panic!("{route:?}")
    };
    let pool = group.pool.clone().unwrap();
    assert_eq!(
        (&*group.id, group.weight, &*pool.route_service_url),
        ("", 1, "https://rs")
    );
    let balancing = pool.balancing.unwrap();
    assert_eq!(balancing.algorithm(), v1::Algorithm::Hash);
    assert_eq!(
        (&*balancing.hash_header, balancing.hash_balance.to_bits()),
        ("X-User", 1.5_f64.to_bits())
    );
}

#[test]
fn the_endpoint_that_was_registered_arrives() {
    let (_, endpoint) = everything();
    let wanted = v1::Endpoint {
        route: Some(key_of_both()),
        group: String::new(),
        address: "10.0.0.1:443".to_owned(),
        segment: "is1".to_owned(),
        generation: endpoint.generation,
        protocol: "http2".to_owned(),
        tls: Some(v1::TlsIdentity {
            server_cert_domain_san: "san".to_owned(),
        }),
        app_id: "app".to_owned(),
        instance_id: "instance".to_owned(),
        instance_index: "3".to_owned(),
        tags: [("process_id".to_owned(), "web".to_owned())].into(),
        has_tags: true,
        availability_zone: "z1".to_owned(),
        route_service_url: "https://rs".to_owned(),
        balancing: Some(v1::RegisteredBalancing {
            algorithm: "hash".to_owned(),
            hash_header: "X-User".to_owned(),
            hash_balance: 1.5,
        }),
        limits: None,
        updated_at_ns: 42,
        stale_threshold_seconds: 60,
        silent: false,
    };
    assert_eq!(endpoint, wanted);
}

#[test]
fn what_was_not_registered_is_absent() {
    let (route, endpoint) = both(things(Fields::default()));
    assert_eq!((route.policy, route.empty_pool), (None, None));
    assert_eq!(route.groups[0].pool, Some(v1::Pool::default()));
    assert_eq!(
        (endpoint.tls, endpoint.balancing, endpoint.has_tags),
        (None, None, false)
    );
}

fn field(name: &str, value: &str) -> HeaderField {
    HeaderField {
        name: name.into(),
        value: value.into(),
    }
}

fn rules() -> Rules {
    let headers = HeaderFilter {
        remove: vec!["X-Gone".into()],
        set: vec![field("X-Set", "1")],
        add: vec![field("X-Added", "2")],
    };
    let rewrite = |host: &str, path| {
        Filter::Rewrite(Rewrite {
            host: host.into(),
            path,
        })
    };
    Rules {
        filters: vec![
            Filter::RequestHeaders(headers.clone()),
            Filter::ResponseHeaders(headers),
            rewrite("", PathRewrite::Prefix("".into())),
            rewrite("other", PathRewrite::Full("/x".into())),
            rewrite("other", PathRewrite::Keep),
        ],
        timeouts: Timeouts {
            request: Some(Duration::from_millis(61_500)),
            attempt: Some(Duration::ZERO),
            idle: None,
        },
        max_attempts: Some(2),
        repeatable: true,
        empty_status: Some(503),
    }
}

/// A route that a source declares with these rules, as it is sent.
fn declared(rules: Rules) -> v1::Route {
    let mut registry = Registry::new(Settings::default(), 1);
    let source = registry.add_declaring_source("route files");
    let declaration = Declaration {
        uri: Uri::of_every_host("/svc/v1").unwrap(),
        segment: "".into(),
        options: Arc::new(Options {
            rules: Some(Arc::new(rules)),
            ..Options::default()
        }),
    };
    registry.declare(source, &declaration, Time::ZERO);
    match sent(&registry).remove(0).kind {
        Some(thing::Kind::Route(route)) => route,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_rules_of_a_declared_route_arrive() {
    let route = declared(rules());
    let key = route.key.clone().unwrap();
    assert_eq!(key.host, Some(route_key::Host::AnyHost(v1::AnyHost {})));
    let field = |name: &str, value: &str| v1::HeaderField {
        name: name.to_owned(),
        value: value.into(),
    };
    let headers = v1::HeaderFilter {
        remove: vec!["X-Gone".to_owned()],
        set: vec![field("X-Set", "1")],
        add: vec![field("X-Added", "2")],
    };
    let rewrite = |host: &str, path| {
        v1::filter::Kind::Rewrite(v1::Rewrite {
            host: host.to_owned(),
            path,
        })
    };
    let filters: Vec<_> = route
        .filters
        .iter()
        .map(|it| it.kind.clone().unwrap())
        .collect();
    let wanted = [
        v1::filter::Kind::RequestHeaders(headers.clone()),
        v1::filter::Kind::ResponseHeaders(headers),
        rewrite("", Some(v1::rewrite::Path::Prefix(String::new()))),
        rewrite("other", Some(v1::rewrite::Path::FullPath("/x".to_owned()))),
        rewrite("other", None),
    ];
    assert_eq!(filters, wanted);
    let time = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
    let timeouts = v1::Timeouts {
        request: time(61, 500_000_000),
        attempt: time(0, 0),
        idle: None,
    };
    assert_eq!(route.timeouts, Some(timeouts));
    let retry = route.retry_policy.clone().unwrap();
    assert_eq!((retry.max_attempts, retry.repeatable), (2, true));
    assert_eq!(route.empty_pool.unwrap().status, 503);
}
