use pointsman_proto::v1::{route_key, thing::Kind};
use pointsman_routing::{Algorithm, EmptyPool, Protocol, RouteTimeouts, ThingKind};

use super::*;

mod rules;

fn route_key(host: &str, path: &str) -> v1::RouteKey {
    v1::RouteKey {
        host: Some(route_key::Host::ExactHost(host.to_owned())),
        path: Some(route_key::Path::PathPrefix(path.to_owned())),
    }
}

fn route() -> v1::Route {
    v1::Route {
        key: Some(route_key("app.example.com", "/ctx")),
        segment: "east".to_owned(),
        revision: 7,
        birth: 3,
        generation: 11,
        host_as_registered: "App.example.com".to_owned(),
        path_as_registered: "/Ctx".to_owned(),
        groups: vec![v1::Group {
            weight: 1,
            pool: Some(v1::Pool::default()),
            ..v1::Group::default()
        }],
        ..v1::Route::default()
    }
}

fn endpoint() -> v1::Endpoint {
    v1::Endpoint {
        route: Some(route_key("app.example.com", "/ctx")),
        address: "10.0.0.1:8080".to_owned(),
        generation: 5,
        protocol: "http1".to_owned(),
        ..v1::Endpoint::default()
    }
}

fn read(kind: impl Into<Option<Kind>>) -> Result<Thing, Box<Unnamed>> {
    thing(v1::Thing { kind: kind.into() })
}

/// Why a thing is rejected.
fn reason(kind: Kind) -> String {
    match read(kind) {
        Ok(Thing::Rejected(rejection)) => rejection.reason,
        Ok(Thing::Route(_) | Thing::Endpoint(_)) => "it is not".to_owned(),
        Err(unnamed) => format!("unnamed: {}", unnamed.reason),
    }
}

#[test]
fn a_simple_route_is_read_in_full() {
    let mut sent = route();
    sent.empty_pool = Some(v1::EmptyPool {
        status: 503,
        timeout: None,
    });
    sent.groups[0].pool = Some(v1::Pool {
        balancing: Some(v1::Balancing {
            algorithm: v1::Algorithm::LeastConnection.into(),
            ..v1::Balancing::default()
        }),
        ..v1::Pool::default()
    });
    let Ok(Thing::Route(read)) = read(Kind::Route(sent)) else {
        panic!("it is a simple route");
    };
    assert_eq!(read.key.to_string(), "app.example.com/ctx");
    assert_eq!(
        (
            read.segment.as_str(),
            read.revision,
            read.birth,
            read.generation
        ),
        ("east", 7, 3, 11)
    );
    assert_eq!(read.host_as_registered, "App.example.com");
    assert_eq!(read.path_as_registered, "/Ctx");
    assert_eq!(read.attributes.empty_pool, Some(EmptyPool::Unavailable));
    assert_eq!(read.attributes.algorithm, Some(Algorithm::LeastConnection));
}

#[test]
fn an_endpoint_is_read_in_full() {
    let sent = v1::Endpoint {
        tls: Some(v1::TlsIdentity {
            server_cert_domain_san: "san".to_owned(),
        }),
        tags: [("component".to_owned(), "c".to_owned())].into(),
        has_tags: true,
        limits: Some(v1::Limits { max_connections: 9 }),
        silent: true,
        ..endpoint()
    };
    let Ok(Thing::Endpoint(read)) = read(Kind::Endpoint(sent)) else {
        panic!("it is a good endpoint");
    };
    assert_eq!(read.address.as_str(), "10.0.0.1:8080");
    assert_eq!(read.tls.as_deref(), Some("san"));
    assert_eq!(
        read.tags,
        Some(vec![("component".to_owned(), "c".to_owned())])
    );
    assert_eq!((read.max_connections, read.silent), (9, true));

    let odd = v1::Endpoint {
        protocol: "foo".to_owned(),
        ..endpoint()
    };
    let Ok(Thing::Endpoint(read)) = self::read(Kind::Endpoint(odd)) else {
        panic!("an unknown protocol means HTTP/1.1");
    };
    assert_eq!(
        (read.protocol, read.protocol_text.as_str()),
        (Protocol::Http1, "foo")
    );
    assert_eq!((read.tags, read.tls), (None, None));

    let http2 = v1::Endpoint {
        protocol: "http2".to_owned(),
        ..endpoint()
    };
    let Ok(Thing::Endpoint(read)) = self::read(Kind::Endpoint(http2)) else {
        panic!("it is a good endpoint");
    };
    assert_eq!(read.protocol, Protocol::Http2);
}

#[test]
fn the_timeouts_of_a_route_are_read() {
    let seconds = |seconds| prost_types::Duration { seconds, nanos: 0 };
    let sent = |timeouts| v1::Route {
        timeouts: Some(timeouts),
        ..route()
    };
    let given = v1::Timeouts {
        request: Some(seconds(0)),
        attempt: Some(seconds(5)),
        idle: None,
    };
    let Ok(Thing::Route(read)) = read(Kind::Route(sent(given))) else {
        panic!("it is a good route");
    };
    let expected = RouteTimeouts {
        request: Some(Duration::MAX),
        attempt: Some(Duration::from_secs(5)),
        idle: None,
    };
    assert_eq!(read.attributes.timeouts.as_deref(), Some(&expected));
    let Ok(Thing::Route(read)) = self::read(Kind::Route(sent(v1::Timeouts::default()))) else {
        panic!("it is a good route");
    };
    assert_eq!(read.attributes.timeouts, None);
    let bad = v1::Timeouts {
        idle: Some(seconds(-1)),
        ..v1::Timeouts::default()
    };
    assert_eq!(
        reason(Kind::Route(sent(bad))),
        "its timeout idle is below zero"
    );
}

/// an endpoint is not served whose registration says what no header field or cookie can carry.
/// and that is found before it is in the table.
/// L-32: or more than it may.
#[test]
fn what_cannot_be_said_of_an_endpoint_is_rejected() {
    type Put = fn(&mut v1::Endpoint, &str);
    let puts: [(&str, Put, usize); 4] = [
        ("app id", |it, text| it.app_id = text.to_owned(), 128),
        (
            "instance id",
            |it, text| it.instance_id = text.to_owned(),
            128,
        ),
        (
            "instance index",
            |it, text| it.instance_index = text.to_owned(),
            16,
        ),
        (
            "zone",
            |it, text| it.availability_zone = text.to_owned(),
            128,
        ),
    ];
    for (name, put, most) in puts {
        for bad in ["\r\nX: 1", "a\nb", "a\0b", "\x7f", "\x1b[2J"] {
            let mut sent = endpoint();
            put(&mut sent, bad);
            let expected =
                format!("its {name} has a control character, which no header field can carry");
            assert_eq!(reason(Kind::Endpoint(sent)), expected);
        }
        for length in [most + 1, 500_000] {
            let mut sent = endpoint();
            put(&mut sent, &"x".repeat(length));
            let expected = format!("its {name} is {length} bytes long; expected at most {most}");
            assert_eq!(reason(Kind::Endpoint(sent)), expected);
        }
        let mut sent = endpoint();
        put(&mut sent, &"x".repeat(most));
        assert!(
            matches!(read(Kind::Endpoint(sent)), Ok(Thing::Endpoint(_))),
            "{name}"
        );
    }
}

/// Changes a simple route in one way, and names the capability that it then needs.
type Beyond = (fn(&mut v1::Route), &'static str);

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases, read as one")]
fn what_cannot_be_honoured_is_rejected_by_the_name_of_what_it_needs() {
    let beyond: &[Beyond] = &[
        (
            |it| it.key.as_mut().unwrap().path = Some(route_key::Path::ExactPath("/x".into())),
            "EXACT_PATH",
        ),
        (
            |it| {
                it.key.as_mut().unwrap().path = Some(route_key::Path::PathTemplate("/{Id}".into()));
            },
            "PATH_TEMPLATE",
        ),
        (
            |it| {
                it.r#match = Some(v1::Match {
                    methods: vec!["GET".into()],
                    ..v1::Match::default()
                });
            },
            "MATCH_METHOD",
        ),
        (
            |it| {
                it.r#match = Some(v1::Match {
                    headers: vec![v1::ValueMatch::default()],
                    ..v1::Match::default()
                });
            },
            "MATCH_HEADER",
        ),
        (
            |it| {
                it.r#match = Some(v1::Match {
                    query: vec![v1::ValueMatch::default()],
                    ..v1::Match::default()
                });
            },
            "MATCH_QUERY",
        ),
        (
            |it| it.filters = vec![v1::Filter { kind: None }],
            "HEADER_FILTER",
        ),
        (
            |it| {
                it.filters = vec![v1::Filter {
                    kind: Some(v1::filter::Kind::Cors(v1::Cors::default())),
                }];
            },
            "CORS",
        ),
        (
            |it| {
                it.filters = vec![v1::Filter {
                    kind: Some(v1::filter::Kind::Redirect(v1::Redirect::default())),
                }];
            },
            "REDIRECT",
        ),
        (
            |it| {
                it.retry_policy = Some(v1::RetryPolicy {
                    statuses: vec![503],
                    ..v1::RetryPolicy::default()
                });
            },
            "RETRY_POLICY",
        ),
        (|it| it.groups.push(v1::Group::default()), "WEIGHTED_GROUPS"),
        (|it| it.groups[0].weight = 0, "WEIGHTED_GROUPS"),
        (
            |it| it.groups[0].request_headers = Some(v1::HeaderFilter::default()),
            "GROUP_HEADERS",
        ),
        (
            |it| it.groups[0].pool.as_mut().unwrap().activation = Some(v1::Activation::default()),
            "ACTIVATION",
        ),
    ];
    for (change, capability) in beyond {
        let mut sent = route();
        change(&mut sent);
        let expected =
            format!("it needs CAPABILITY_{capability}, which this data plane does not have");
        assert_eq!(reason(Kind::Route(sent)), expected);
    }
}

#[test]
fn a_hash_has_a_field_and_a_balance() {
    let hashed = |hash_header: &str, hash_balance| {
        let mut sent = route();
        sent.groups[0].pool.as_mut().unwrap().balancing = Some(v1::Balancing {
            algorithm: v1::Algorithm::Hash.into(),
            hash_header: hash_header.to_owned(),
            hash_balance,
        });
        Kind::Route(sent)
    };
    let Ok(Thing::Route(read)) = read(hashed("X-Key", 1.25)) else {
        panic!("it is honoured");
    };
    let by = read.attributes.hashed_by.expect("it is hashed");
    assert_eq!(
        (by.header(), by.balance().to_bits()),
        ("X-Key", 1.25_f64.to_bits())
    );
    assert_eq!(read.attributes.algorithm, None);
    for (header, balance) in [("", 1.25), ("X-Key", -1.0), ("X-Key", f64::NAN)] {
        assert!(reason(hashed(header, balance)).contains("its hash is of the header field"));
    }
}

/// D-646: without a policy there is nothing to enforce.
#[test]
fn a_policy_is_read_as_it_was_registered() {
    let policy = |policy| {
        let sent = v1::Route { policy, ..route() };
        let Ok(Thing::Route(read)) = read(Kind::Route(sent)) else {
            panic!("it is honoured");
        };
        read.attributes.policy
    };
    assert_eq!(policy(None), None);
    let read = policy(Some(v1::Policy {
        scope: "space".to_owned(),
        sources: vec!["cf:app:a".to_owned(), "cf:any".to_owned()],
    }));
    let read = read.expect("a policy");
    assert_eq!(read.scope(), "space");
    assert_eq!(read.sources().collect::<Vec<_>>(), ["cf:app:a", "cf:any"]);
}

#[test]
fn a_rejection_has_the_name_and_the_digest_of_the_thing() {
    let Ok(Thing::Rejected(rejection)) = read(Kind::Route(v1::Route {
        retry_policy: Some(v1::RetryPolicy {
            statuses: vec![503],
            ..v1::RetryPolicy::default()
        }),
        ..route()
    })) else {
        panic!("retry policies are not honoured");
    };
    assert_eq!(
        (
            rejection.key.to_string().as_str(),
            rejection.segment.as_str()
        ),
        ("app.example.com/ctx", "east")
    );
    assert_eq!(
        rejection.kind,
        ThingKind::Route {
            revision: 7,
            birth: 3,
            generation: 11
        }
    );
}

#[test]
fn what_makes_no_sense_is_told_in_words() {
    let groupless = v1::Route {
        groups: vec![],
        ..route()
    };
    assert_eq!(reason(Kind::Route(groupless)), "it has no group");
    let empty_pool = Some(v1::EmptyPool {
        status: 200,
        timeout: None,
    });
    let teapot = v1::Route {
        empty_pool,
        ..route()
    };
    assert!(reason(Kind::Route(teapot)).contains("200"));
    for (address, part) in [
        ("10.0.0.1", "names no host"),
        ("h:0", "no port"),
        ("h:x", "no port"),
    ] {
        let sent = v1::Endpoint {
            address: address.to_owned(),
            ..endpoint()
        };
        assert!(reason(Kind::Endpoint(sent)).contains(part), "{address}");
    }
}

#[test]
fn what_has_no_name_is_handed_back_as_it_came() {
    for (key, part) in [
        (None, "no route"),
        (
            Some(v1::RouteKey {
                host: None,
                ..route_key("a", "")
            }),
            "no host",
        ),
        (
            Some(v1::RouteKey {
                path: None,
                ..route_key("a", "")
            }),
            "no path",
        ),
        (Some(route_key("", "")), "empty"),
        (Some(route_key("A", "")), "not canonical"),
        (Some(route_key("a/b", "")), "not canonical"),
        (Some(route_key("a", "x")), "not canonical"),
        (Some(route_key("a", "/X")), "not canonical"),
        (Some(route_key("a", "/x?y")), "not canonical"),
    ] {
        let sent = v1::Route {
            key: key.clone(),
            ..route()
        };
        let unnamed = read(Kind::Route(sent)).unwrap_err();
        assert!(unnamed.reason.contains(part), "{unnamed:?}");
        assert_eq!(unnamed.route, key);
        let sent = v1::Endpoint {
            route: key,
            ..endpoint()
        };
        assert!(reason(Kind::Endpoint(sent)).starts_with("unnamed: "));
    }
    let nowhere = v1::Endpoint {
        address: String::new(),
        ..endpoint()
    };
    assert_eq!(
        reason(Kind::Endpoint(nowhere)),
        "unnamed: the endpoint has no address"
    );
    assert!(read(None).is_err());
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases, read as one")]
fn settings_have_to_be_complete() {
    let whole = v1::Settings {
        mark_time: Some(prost_types::Duration {
            seconds: 30,
            nanos: 0,
        }),
        empty_pool: Some(v1::EmptyPool {
            status: 404,
            timeout: None,
        }),
        default_algorithm: v1::Algorithm::RoundRobin.into(),
        registration_interval: Some(prost_types::Duration {
            seconds: 20,
            nanos: 0,
        }),
    };
    assert_eq!(settings(&whole), Ok(pointsman_routing::Settings::default()));
    for (broken, part) in [
        (
            v1::Settings {
                mark_time: None,
                ..whole
            },
            "mark_time",
        ),
        (
            v1::Settings {
                mark_time: Some(prost_types::Duration {
                    seconds: -1,
                    nanos: 0,
                }),
                ..whole
            },
            "negative",
        ),
        (
            v1::Settings {
                empty_pool: None,
                ..whole
            },
            "empty_pool",
        ),
        (
            v1::Settings {
                registration_interval: None,
                ..whole
            },
            "registration_interval",
        ),
        (
            v1::Settings {
                default_algorithm: 99,
                ..whole
            },
            "99",
        ),
        (
            v1::Settings {
                default_algorithm: v1::Algorithm::Hash.into(),
                ..whole
            },
            "HASH",
        ),
    ] {
        let error = settings(&broken).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}
