use super::*;

fn describe(change: impl FnOnce(&mut Fields<'static>)) -> Description {
    let mut fields = Fields {
        protocol: "http1",
        app_id: "app",
        instance_id: "instance",
        instance_index: "0",
        tags: Some(Tags::from([
            ("component", "emitter"),
            ("process_id", "web"),
        ])),
        updated_at_ns: 7,
        ..Fields::default()
    };
    change(&mut fields);
    Description::new(fields).unwrap()
}

#[test]
fn what_was_packed_comes_out_again() {
    let description = describe(|fields| {
        fields.tls = Some("san");
        fields.availability_zone = "z1";
        fields.route_service_url = "https://service";
        fields.algorithm = "hash";
        fields.hash_header = "X-User";
        fields.hash_balance = 1.5;
    });
    assert_eq!(description.protocol(), "http1");
    assert!(description.is_tls());
    assert_eq!(description.server_cert_domain_san(), "san");
    assert_eq!(description.app_id(), "app");
    assert_eq!(description.instance_id(), "instance");
    assert_eq!(description.instance_index(), "0");
    assert_eq!(description.availability_zone(), "z1");
    assert_eq!(description.route_service_url(), "https://service");
    assert_eq!(description.algorithm(), "hash");
    assert_eq!(description.hash_header(), "X-User");
    assert!((description.hash_balance() - 1.5).abs() < f64::EPSILON);
    assert_eq!(
        description.tags().collect::<Vec<_>>(),
        [("component", "emitter"), ("process_id", "web")]
    );
    assert_eq!(description.updated_at_ns(), 7);
}

/// C-210: the process id is a tag, absent without it
#[test]
fn the_process_id_is_a_tag() {
    assert_eq!(
        describe(|fields| fields.tags = None).tag("process_id"),
        None
    );
    assert_eq!(
        describe(|fields| fields.tags = Some(Tags::from([("a", "b")]))).tag("process_id"),
        None
    );
    assert_eq!(describe(|_| ()).tag("process_id"), Some("web"));
}

#[test]
fn every_compared_field_changes_equality_and_digest() {
    let base = describe(|_| ());
    let changes: [fn(&mut Fields<'static>); 14] = [
        |fields| fields.protocol = "http2",
        |fields| fields.tls = Some(""),
        |fields| fields.tls = Some("san"),
        |fields| fields.app_id = "other",
        |fields| fields.instance_id = "other",
        |fields| fields.instance_index = "1",
        |fields| fields.availability_zone = "z2",
        |fields| fields.route_service_url = "https://x",
        |fields| fields.algorithm = "round-robin",
        |fields| fields.hash_header = "X",
        |fields| fields.hash_balance = 2.0,
        |fields| fields.tags = Some(Tags::from([("component", "emitter")])),
        |fields| fields.updated_at_ns = 8,
        |fields| {
            fields.policy = Some(Policy {
                scope: "any".into(),
                sources: Box::default(),
            });
        },
    ];
    for change in changes {
        let changed = describe(change);
        assert_ne!(base, changed);
        assert_ne!(base.digest(), changed.digest());
    }
}

#[test]
fn tags_are_a_map() {
    let reordered = describe(|fields| {
        fields.tags = Some(Tags::from([
            ("process_id", "x"),
            ("component", "emitter"),
            ("process_id", "web"),
        ]));
    });
    assert_eq!(describe(|_| ()), reordered);
    let (absent, empty) = (
        describe(|fields| fields.tags = None),
        describe(|fields| fields.tags = Some(Tags::default())),
    );
    assert_eq!(absent, empty);
    assert!(!absent.has_tags() && empty.has_tags());
}

#[test]
fn what_is_too_long_is_named() {
    let long = "x".repeat(2049);
    let refused = |fields: Fields<'_>| Description::new(fields).unwrap_err();
    let error = refused(Fields {
        app_id: &long[..129],
        ..Fields::default()
    });
    assert_eq!(
        error,
        TooLong {
            field: "app",
            length: 129,
            limit: 128
        }
    );
    assert_eq!(error.to_string(), "app is 129 long; expected at most 128");
    assert_eq!(
        refused(Fields {
            instance_index: &long[..17],
            ..Fields::default()
        })
        .field,
        "private_instance_index"
    );
    assert_eq!(
        refused(Fields {
            route_service_url: &long,
            ..Fields::default()
        })
        .field,
        "route_service_url"
    );
    assert_eq!(
        refused(Fields {
            tags: Some((0..33).map(|n| (&long[..n], "b")).collect()),
            ..Fields::default()
        })
        .field,
        "tags"
    );
    assert_eq!(
        refused(Fields {
            tags: Some(Tags::from([("a", &long[..257])])),
            ..Fields::default()
        })
        .limit,
        256
    );
    assert_eq!(
        refused(Fields {
            tags: Some(Tags::from([(&long[..65], "b")])),
            ..Fields::default()
        })
        .limit,
        64
    );
}

#[test]
fn the_longest_of_everything_fits() {
    let long = "x".repeat(2048);
    let names: Vec<String> = (0..32).map(|n| format!("{n:064}")).collect();
    let description = Description::new(Fields {
        protocol: &long[..64],
        tls: Some(&long[..256]),
        app_id: &long[..128],
        instance_id: &long[..128],
        instance_index: &long[..16],
        availability_zone: &long[..128],
        route_service_url: &long,
        algorithm: &long[..64],
        hash_header: &long[..256],
        tags: Some(
            names
                .iter()
                .map(|name| (name.as_str(), &long[..256]))
                .collect(),
        ),
        ..Fields::default()
    })
    .unwrap();
    assert_eq!(description.tags().count(), 32);
    assert_eq!(description.tag(&names[31]), Some(&long[..256]));
}
