//! What is taken over of a message.

use super::*;

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
    let headless = parsed(&message(json!({"options": {"loadbalancing": "hash"}})));
    assert_eq!(headless.registration.description.algorithm(), "hash");
    assert_eq!(headless.refusals[0].cause, Cause::HashHeader);
    let negative = json!({"loadbalancing": "hash", "hash_header": "X", "hash_balance": -1});
    let negative = parsed(&message(json!({"options": negative})));
    assert_eq!(
        negative.registration.description.hash_balance().to_bits(),
        0.0_f64.to_bits()
    );
    assert_eq!(negative.refusals[0].cause, Cause::HashBalance);
}
