//! What publishers send, and what is made of it.

use serde_json::json;

use super::*;

fn policy() -> Policy {
    Policy {
        enable_http2: true,
        ..Policy::default()
    }
}

fn parsed(payload: &str) -> Parsed {
    let parsed = parse(payload.as_bytes(), &policy(), None);
    parsed.unwrap_or_else(|refused| panic!("{payload}: {}", refused.refusal))
}

fn refused(payload: &str) -> Refusal {
    match parse(payload.as_bytes(), &policy(), None) {
        Ok(parsed) => panic!("{payload}: taken as {parsed:?}"),
        Err(refused) => refused.refusal,
    }
}

/// A good message with these fields beside the ones that are needed.
fn message(fields: serde_json::Value) -> String {
    let mut message = json!({"uris": ["a.example.com"], "host": "10.0.0.1", "port": 80});
    let serde_json::Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    message.as_object_mut().expect("an object").extend(fields);
    message.to_string()
}

fn registration(fields: serde_json::Value) -> Registration {
    parsed(&message(fields)).registration
}

/// C-026: the availability zone is taken over
/// C-027: without one it is empty
/// C-028: without a protocol it is http1
/// C-029: http2 stays http2 where HTTP/2 is on
/// C-031: any other protocol is kept as it is
/// C-032: the balancing option is taken over
/// C-039: the update time is taken over
/// C-040: without one, or with 0, there is none
#[test]
fn fields_are_taken_over() {
    let bare = registration(json!({}));
    assert_eq!(bare.description.availability_zone(), "");
    assert_eq!(bare.description.protocol(), "http1");
    assert_eq!(bare.description.updated_at_ns(), 0);
    assert!(!bare.description.has_tags());
    let full = registration(json!({
        "availability_zone": "zone-meow", "protocol": "http2", "app": "app-guid",
        "private_instance_id": "instance", "private_instance_index": "3",
        "isolation_segment": "iso", "route_service_url": "https://rs.example.com",
        "server_cert_domain_san": "san", "stale_threshold_in_seconds": 60,
        "tags": {"component": "route-emitter", "empty": null},
        "endpoint_updated_at_ns": 1234, "options": {"loadbalancing": "least-connection"},
    }));
    let description = &full.description;
    assert_eq!(description.availability_zone(), "zone-meow");
    assert_eq!(description.protocol(), "http2");
    assert_eq!(description.app_id(), "app-guid");
    assert_eq!(description.instance_id(), "instance");
    assert_eq!(description.instance_index(), "3");
    assert_eq!(&*full.segment, "iso");
    assert_eq!(description.route_service_url(), "https://rs.example.com");
    assert_eq!(full.stale_threshold_seconds, 60);
    assert_eq!(description.tag("component"), Some("route-emitter"));
    assert_eq!(description.tag("empty"), Some(""));
    assert_eq!(description.updated_at_ns(), 1234);
    assert_eq!(description.algorithm(), "least-connection");
    let odd = registration(json!({"protocol": "foo", "endpoint_updated_at_ns": 0}));
    assert_eq!(odd.description.protocol(), "foo");
    assert_eq!(odd.description.updated_at_ns(), 0);
}

/// C-030: http2 becomes http1 where HTTP/2 is off
#[test]
fn http2_is_http1_where_it_is_off() {
    let payload = message(json!({"protocol": "http2"}));
    let off = Policy {
        enable_http2: false,
        ..Policy::default()
    };
    let parsed = parse(payload.as_bytes(), &off, None).unwrap();
    assert_eq!(parsed.registration.description.protocol(), "http1");
}

/// C-034: only `tls_port`: the address has it, and TLS is on
/// C-035: `tls_port` wins over port
/// C-036: only port: the address has it, and TLS is off
/// C-037: `tls_port` needs no certificate name
#[test]
fn the_tls_port_decides_about_tls() {
    for (ports, address, tls) in [
        (
            json!({"port": null, "tls_port": 1999}),
            "10.0.0.1:1999",
            true,
        ),
        (
            json!({"port": 1111, "tls_port": 1999}),
            "10.0.0.1:1999",
            true,
        ),
        (json!({"port": 1111}), "10.0.0.1:1111", false),
        (json!({"port": 1111, "tls_port": 0}), "10.0.0.1:1111", false),
    ] {
        // `null` would leave the port as it stands, so the first case is written without one.
        let mut payload: serde_json::Value = serde_json::from_str(&message(ports)).unwrap();
        payload
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let registration = parsed(&payload.to_string()).registration;
        assert_eq!(&*registration.address, address);
        assert_eq!(registration.description.is_tls(), tls);
        assert_eq!(registration.description.server_cert_domain_san(), "");
    }
}

/// C-024: a payload of one blank registers nothing
/// C-025: an empty payload is refused as an unexpected end
/// C-055: a port above 65535 refuses the message
/// C-056: a port as text refuses the message
/// C-057: an index as a number refuses the message
/// C-058: a tag with a numeric value refuses the message
/// C-059: a balancing option as a number refuses the message
#[test]
fn messages_that_are_none_are_refused_by_cause() {
    let good = message(json!({}));
    let trailing = format!("{good}x");
    let second = format!("{good}{good}");
    let marked = format!("\u{feff}{good}");
    let cut = &good[..good.len() - 1];
    for (payload, cause) in [
        ("", Cause::Truncated),
        (" ", Cause::Truncated),
        (cut, Cause::Truncated),
        (&trailing, Cause::NotJson),
        (&second, Cause::NotJson),
        (&marked, Cause::NotJson),
        ("nonsense", Cause::NotJson),
        ("{\"host\":\"a\nb\"}", Cause::NotJson),
        ("[]", Cause::WrongType),
        ("\"text\"", Cause::WrongType),
        ("7", Cause::WrongType),
        (r#"{"port": 70000}"#, Cause::WrongType),
        (r#"{"port": -1}"#, Cause::WrongType),
        (r#"{"port": 80.5}"#, Cause::WrongType),
        (r#"{"port": 80.0}"#, Cause::WrongType),
        (r#"{"port": 8e1}"#, Cause::WrongType),
        (r#"{"port": "80"}"#, Cause::WrongType),
        (r#"{"tls_port": true}"#, Cause::WrongType),
        (r#"{"private_instance_index": 0}"#, Cause::WrongType),
        (r#"{"stale_threshold_in_seconds": 1.5}"#, Cause::WrongType),
        (r#"{"stale_threshold_in_seconds": "1"}"#, Cause::WrongType),
        (r#"{"endpoint_updated_at_ns": 1e3}"#, Cause::WrongType),
        (
            r#"{"endpoint_updated_at_ns": 9223372036854775808}"#,
            Cause::WrongType,
        ),
        (r#"{"uris": "a.example.com"}"#, Cause::WrongType),
        (r#"{"uris": ["a", 1]}"#, Cause::WrongType),
        (r#"{"tags": {"a": 1}}"#, Cause::WrongType),
        (r#"{"tags": []}"#, Cause::WrongType),
        (r#"{"options": "none"}"#, Cause::WrongType),
        (r#"{"options": {"loadbalancing": 1}}"#, Cause::WrongType),
        (r#"{"options": {"hash_balance": "1.2"}}"#, Cause::WrongType),
    ] {
        assert_eq!(refused(payload).cause, cause, "{payload}");
    }
    assert_eq!(refused("").to_string(), "unexpected end of JSON input");
    let port = refused(r#"{"port": 70000}"#).to_string();
    assert!(
        port.starts_with("a value has the wrong type: port: "),
        "{port}"
    );
}

/// C-051: an extra key is ignored
/// C-060: options that are null are no options
/// C-061: keys match without regard to case
/// C-062: a message that is null says nothing
/// R-114: unknown keys are ignored and counted
#[test]
fn decoding_has_gos_manners() {
    let null = parsed("null");
    assert!(null.registration.uris.is_empty());
    let extra = parsed(&message(
        json!({"dea": "x", "future": {"a": [1, {"b": null}]}}),
    ));
    assert_eq!((extra.registration.uris.len(), extra.unknown_keys), (1, 2));

    for (payload, host) in [
        (
            r#"{"uris":["a.b"],"HOST":"10.0.0.2","port":80}"#,
            "10.0.0.2:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","HOST":"10.0.0.2","port":80}"#,
            "10.0.0.2:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"host":"10.0.0.3"}"#,
            "10.0.0.3:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"host":null}"#,
            "10.0.0.1:80",
        ),
        (
            r#"{"uris":["x.y"],"uris":["a.b"],"host":"10.0.0.1","port":80}"#,
            "10.0.0.1:80",
        ),
    ] {
        let registration = parsed(payload).registration;
        assert_eq!(&*registration.address, host, "{payload}");
        assert_eq!(registration.uris.len(), 1);
        assert_eq!(registration.uris[0].as_sent(), "a.b");
    }
    let merged = r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"tags":{"a":"1","b":"2"},
        "options":{"loadbalancing":"hash","hash_header":"X"},"tags":{"b":"3"},"OPTIONS":null,
        "options":{"hash_balance":1.5}}"#;
    let description = parsed(merged).registration.description;
    assert_eq!(
        description.tags().collect::<Vec<_>>(),
        [("a", "1"), ("b", "3")]
    );
    assert_eq!(
        (description.hash_header(), description.hash_balance()),
        ("X", 1.5)
    );
    let no_tags = registration(json!({"tags": null, "options": null}));
    assert!(!no_tags.description.has_tags());
    let empty_tags = registration(json!({"tags": {}}));
    assert!(empty_tags.description.has_tags());
}

#[test]
fn text_that_is_not_utf8_is_repaired() {
    let mut payload = br#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"app":"x?y"}"#.to_vec();
    let at = payload.iter().position(|byte| *byte == b'?').unwrap();
    payload[at] = 0xff;
    let parsed = parse(&payload, &policy(), None).unwrap();
    assert_eq!(parsed.registration.description.app_id(), "x\u{fffd}y");
}

/// C-042: a route service that is no https URL refuses the whole message
/// C-043: no route service is fine
/// C-044: an empty one is fine
/// C-045: an https URL is fine
/// C-046: an http URL is not
/// C-047: only the beginning is looked at
/// C-048: case matters
/// C-050: the words of the refusal are Gorouter's
#[test]
fn route_services_are_reached_over_https() {
    for url in ["", "https://rs.example.com/x?y", "httpsfoo"] {
        let registration = registration(json!({"route_service_url": url}));
        assert_eq!(registration.description.route_service_url(), url);
    }
    for url in ["url", "http://rs.example.com", "HTTPS://x", " https://x"] {
        let payload = message(json!({"uris": ["a.b", "c.d"], "route_service_url": url}));
        let refusal = refused(&payload);
        assert_eq!(refusal.cause, Cause::RouteServiceNotHttps, "{url}");
        assert_eq!(
            refusal.to_string(),
            "Unable to validate message. route_service_url must be https"
        );
    }
}

/// C-053: one message with two URIs is two routes of one endpoint
/// R-112: what is wrong with one URI drops that URI only
#[test]
fn uris_stand_for_themselves() {
    let uris = json!([
        "a.example.com",
        "http://b",
        "C.example.com/X",
        null,
        "*.d.example.com"
    ]);
    let parsed = parsed(&message(json!({"uris": uris})));
    let taken: Vec<_> = parsed
        .registration
        .uris
        .iter()
        .map(|uri| uri.key().to_string())
        .collect();
    assert_eq!(
        taken,
        ["a.example.com", "c.example.com/x", "*.d.example.com"]
    );
    let causes: Vec<_> = parsed
        .refusals
        .iter()
        .map(|refusal| refusal.cause)
        .collect();
    assert_eq!(causes, [Cause::UriScheme, Cause::UriNoHost]);
}

/// C-054: a message without URIs does nothing, whatever else it says
#[test]
fn without_uris_there_is_nothing_to_do() {
    for payload in ["{}", r#"{"uris":[]}"#, r#"{"uris":null,"host":"0.0.0.0"}"#] {
        let parsed = parsed(payload);
        assert!(
            parsed.registration.uris.is_empty() && parsed.refusals.is_empty(),
            "{payload}"
        );
    }
}

/// C-067: header and balance are kept with the algorithm hash
/// C-068: without it they are dropped
/// C-069: sources are a list, blanks trimmed, empty items dropped
/// C-070: without sources there is nobody who may call
#[test]
fn options_count_only_where_they_can() {
    let hash = |options| {
        let description = registration(json!({"options": options})).description;
        (
            description.hash_header().to_owned(),
            description.hash_balance(),
        )
    };
    let both = json!({"loadbalancing": "hash", "hash_header": "X", "hash_balance": 2});
    assert_eq!(hash(both), ("X".to_owned(), 2.0));
    let other = json!({"loadbalancing": "round-robin", "hash_header": "X", "hash_balance": 2});
    assert_eq!(hash(other), (String::new(), 0.0));
    assert_eq!(
        hash(json!({"hash_header": "X", "hash_balance": 2})),
        (String::new(), 0.0)
    );
    let headless = json!({"loadbalancing": "hash", "hash_balance": 2});
    assert_eq!(hash(headless), (String::new(), 0.0));

    let sources = |options| {
        let policy = registration(json!({"options": options}))
            .description
            .policy()
            .cloned();
        policy.map(|policy| {
            policy
                .sources
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        })
    };
    let two = json!({"route_policy_scope": "org", "route_policy_sources": "a, ,b"});
    assert_eq!(sources(two), Some(vec!["a".to_owned(), "b".to_owned()]));
    for blank in ["", " , "] {
        let none = json!({"route_policy_scope": "any", "route_policy_sources": blank});
        assert_eq!(sources(none), Some(vec![]));
    }
    assert_eq!(sources(json!({"route_policy_sources": "a"})), None);
}

#[test]
fn options_that_nobody_knows_are_kept_and_told() {
    let unknown = parsed(&message(json!({"options": {"loadbalancing": "fastest"}})));
    assert_eq!(unknown.registration.description.algorithm(), "fastest");
    assert_eq!(unknown.refusals[0].cause, Cause::Algorithm);
    let negative = json!({"loadbalancing": "hash", "hash_header": "X", "hash_balance": -1});
    let negative = parsed(&message(json!({"options": negative})));
    assert_eq!(
        negative.registration.description.hash_balance().to_bits(),
        0.0_f64.to_bits()
    );
    assert_eq!(negative.refusals[0].cause, Cause::HashBalance);
}

/// L-30: more than 256 KiB are not decoded
/// L-31: a message names at most 1024 URIs
/// L-32: ids, index and tags are bounded
#[test]
fn sizes_are_bounded() {
    let padded = |bytes: usize| {
        let message = message(json!({}));
        format!("{message}{}", " ".repeat(bytes - message.len()))
    };
    assert!(parse(padded(256 * 1024).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&padded(256 * 1024 + 1)).cause, Cause::TooLarge);

    let uris = |count: usize| message(json!({"uris": vec!["a.b"; count]}));
    assert_eq!(parsed(&uris(1024)).registration.uris.len(), 1024);
    assert_eq!(refused(&uris(1025)).cause, Cause::TooManyUris);

    let tags = |count: usize| {
        let tags: serde_json::Map<_, _> = (0..count)
            .map(|tag| (tag.to_string(), json!("x")))
            .collect();
        message(json!({ "tags": tags }))
    };
    assert!(parse(tags(32).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&tags(33)).cause, Cause::TooManyTags);

    for (field, longest) in [
        ("app", 128),
        ("private_instance_id", 128),
        ("private_instance_index", 16),
        ("isolation_segment", 128),
        ("availability_zone", 128),
    ] {
        let of = |length: usize| message(json!({ field: "x".repeat(length) }));
        assert!(
            parse(of(longest).as_bytes(), &policy(), None).is_ok(),
            "{field}"
        );
        let refusal = refused(&of(longest + 1));
        assert_eq!(refusal.cause, Cause::FieldTooLong, "{field}");
        assert!(refusal.detail.contains(field), "{refusal}");
    }
    let value = message(json!({"tags": {"a": "x".repeat(257)}}));
    assert_eq!(refused(&value).cause, Cause::FieldTooLong);
}

/// R-111: more than 32 levels are not decoded
#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| {
        message(json!({})).replace(
            '}',
            &format!(",\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels)),
        )
    };
    assert!(parse(nested(31).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&nested(32)).cause, Cause::TooDeep);
    assert_eq!(refused(&"[".repeat(200_000)).cause, Cause::TooDeep);
}

/// R-112: an endpoint that must not be reached costs the message, and names its publisher
#[test]
fn a_refused_endpoint_names_its_publisher() {
    let payload = message(json!({"host": "169.254.169.254"}));
    let refused = parse(payload.as_bytes(), &policy(), None).unwrap_err();
    assert_eq!(refused.refusal.cause, Cause::HostMetadata);
    assert_eq!(refused.publisher, "169.254.169.254");
    let unread = parse(b"{", &policy(), None).unwrap_err();
    assert_eq!(unread.publisher, "");
    let local = message(json!({"host": "127.0.0.1"}));
    assert!(parse(local.as_bytes(), &policy(), None).is_err());
    let allowed = Policy {
        allow_loopback: true,
        ..policy()
    };
    assert!(parse(local.as_bytes(), &allowed, None).is_ok());
}

/// The message of a route-emitter for one instance of a Diego app, as it marshals it.
#[test]
fn messages_of_the_route_emitter_are_taken() {
    let payload = r#"{"host":"10.0.16.9","port":61012,"tls_port":61014,"protocol":"http1",
        "uris":["dora.apps.example.com"],"app":"b1e2c2f0-4a0c-4c80-9b8a-2f9a2b1c0d11",
        "private_instance_id":"7f9e0a3c-7b1e-4b0a-6a3d-5c1d","private_instance_index":"0",
        "server_cert_domain_san":"7f9e0a3c-7b1e-4b0a-6a3d-5c1d","isolation_segment":"segment-a",
        "tags":{"app_id":"b1e2c2f0","app_name":"dora","component":"route-emitter","instance_id":"0",
        "organization_id":"o","organization_name":"org","process_id":"b1e2c2f0",
        "process_instance_id":"7f9e","process_type":"web","source_id":"b1e2c2f0","space_id":"s",
        "space_name":"space"},"endpoint_updated_at_ns":1732252366620367882,
        "availability_zone":"z1","options":{"loadbalancing":"least-connection"}}"#;
    let parsed = parsed(payload);
    assert!(parsed.refusals.is_empty() && parsed.unknown_keys == 0);
    let Registration {
        address,
        description,
        uris,
        segment,
        ..
    } = parsed.registration;
    assert_eq!(&*address, "10.0.16.9:61014");
    assert!(description.is_tls());
    assert_eq!(
        description.server_cert_domain_san(),
        description.instance_id()
    );
    assert_eq!(description.tag("process_type"), Some("web"));
    assert_eq!(description.updated_at_ns(), 1_732_252_366_620_367_882);
    assert_eq!(uris[0].key().to_string(), "dora.apps.example.com");
    assert_eq!(&*segment, "segment-a");
}

/// The messages of a route-registrar: with and without TLS, tags that are null, several URIs.
#[test]
fn messages_of_the_route_registrar_are_taken() {
    let plain = r#"{"uris":["api.sys.example.com","*.api.sys.example.com"],"host":"10.0.1.30",
        "tags":null,"port":9024,"private_instance_id":"2c3f5d0e-0b5e-4e53-7c2e-2f1d8a1f5b54"}"#;
    let Registration {
        address,
        description,
        uris,
        ..
    } = parsed(plain).registration;
    assert_eq!((&*address, uris.len()), ("10.0.1.30:9024", 2));
    assert!(!description.is_tls() && !description.has_tags());
    let tls = r#"{"uris":["uaa.sys.example.com"],"host":"10.0.1.40","tags":{"component":"uaa"},
        "tls_port":8443,"protocol":"http2","server_cert_domain_san":"uaa.service.cf.internal",
        "private_instance_id":"d1f0","availability_zone":"z2",
        "route_service_url":"https://rs.sys.example.com","options":{}}"#;
    let Registration {
        address,
        description,
        ..
    } = parsed(tls).registration;
    assert_eq!(&*address, "10.0.1.40:8443");
    assert_eq!(
        description.server_cert_domain_san(),
        "uaa.service.cf.internal"
    );
    assert_eq!(description.protocol(), "http2");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// JSON of the keys that are known, with values of every kind.
    fn nearly_a_message() -> impl Strategy<Value = Vec<u8>> {
        let key = prop::sample::select(vec![
            "uris",
            "host",
            "HOST",
            "port",
            "tls_port",
            "tags",
            "options",
            "app",
            "loadbalancing",
            "stale_threshold_in_seconds",
            "endpoint_updated_at_ns",
            "route_service_url",
            "other",
        ]);
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            (0..70_000_u32).prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            ".{0,20}".prop_map(|value| json!(value)),
            Just(json!("10.0.0.1")),
            Just(json!(["a.example.com"])),
        ];
        let value = leaf.prop_recursive(4, 32, 6, {
            let key = key.clone();
            move |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
                    prop::collection::vec((key.clone(), inner), 0..6).prop_map(|entries| {
                        json!(
                            entries
                                .into_iter()
                                .collect::<std::collections::HashMap<_, _>>()
                        )
                    }),
                ]
            }
        });
        prop::collection::vec((key, value), 0..12).prop_map(|entries| {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}:{value}", json!(key)))
                .collect();
            format!("{{{}}}", entries.join(",")).into_bytes()
        })
    }

    proptest! {
        /// R-111: no bytes make the parser panic, and what is refused has a cause.
        #[test]
        fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..600)) {
            let _either = parse(&payload, &policy(), None);
            prop_assert!(excerpt(&payload).len() <= EXCERPT_BYTES);
        }

        /// R-111: no JSON that is nearly a message does either, and what is taken keeps the rules.
        #[test]
        fn no_json_panics(payload in nearly_a_message()) {
            if let Ok(parsed) = parse(&payload, &policy(), None) {
                let taken = parsed.registration;
                prop_assert!(taken.uris.is_empty() || !taken.address.ends_with(":0"));
                prop_assert!(taken.uris.iter().all(|uri| uri.as_sent().is_ascii()));
            }
        }

        /// R-111: a cut or changed message is refused or read, never half of each.
        #[test]
        fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut: bool) {
            let mut payload = message(json!({"tags": {"a": "b"}, "options": {"hash_balance": 1.5}}))
                .into_bytes();
            let at = at.index(payload.len());
            if cut { payload.truncate(at) } else { payload[at] = byte }
            let read = parse(&payload, &policy(), None);
            prop_assert!(!cut || read.is_err());
        }
    }
}
