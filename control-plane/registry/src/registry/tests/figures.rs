use crate::testing::{Scene, message, seconds};
use crate::{Fields, ListingCursor, Settings};

/// C-345: tags are listed as they were registered
/// C-346: empty tags are listed as empty
/// C-347: absent ones as absent
/// C-344: a plain and a TLS endpoint are listed with all that the listing shows
/// C-208: each endpoint is listed once
/// C-189: an endpoint speaks TLS, or does not
#[test]
fn a_listing_has_all_that_is_shown() {
    let mut scene = Scene::new(Settings::default());
    scene.register(
        &message("1.2.3.4:5678", &["foo"])
            .threshold(-1)
            .says(Fields {
                protocol: "http1",
                availability_zone: "az-meow",
                route_service_url: "https://my-rs.com",
                ..Fields::default()
            }),
    );
    scene.register(
        &message("5.6.7.8:5678", &["foo"])
            .threshold(-1)
            .segment("is1")
            .says(Fields {
                protocol: "http2",
                tls: Some("pvt_test_san"),
                instance_id: "pvt_test_instance_id",
                algorithm: "lb-meow",
                tags: Some([("some-key", "some-value")].into()),
                ..Fields::default()
            }),
    );
    scene.now = scene.now.plus(seconds(9));
    let listing = scene.route("FOO").unwrap();
    let [plain, tls] = &listing.endpoints[..] else {
        panic!("{listing:?}")
    };
    assert_eq!((plain.last_heard, &*plain.source), (seconds(9), "nats"));
    let (plain, tls) = (&plain.endpoint, &tls.endpoint);
    assert_eq!(
        (&*plain.address, &*tls.address),
        ("1.2.3.4:5678", "5.6.7.8:5678")
    );
    assert_eq!(
        (
            plain.description.availability_zone(),
            tls.description.availability_zone()
        ),
        ("az-meow", "")
    );
    assert_eq!(
        (plain.description.is_tls(), tls.description.is_tls()),
        (false, true)
    );
    assert_eq!(
        (plain.stale_threshold_seconds, tls.stale_threshold_seconds),
        (-1, -1)
    );
    assert_eq!(
        (plain.description.has_tags(), tls.description.has_tags()),
        (false, true)
    );
    assert_eq!(
        tls.description.tags().collect::<Vec<_>>(),
        [("some-key", "some-value")]
    );
    assert_eq!(tls.description.algorithm(), "lb-meow");
    assert_eq!(&*tls.segment, "is1");
}

#[test]
fn a_long_listing_comes_in_pieces_and_what_stays_is_listed_once() {
    let mut scene = Scene::new(Settings::default());
    for number in 0..100 {
        scene.register(&message("10.0.0.1:80", &[&format!("r{number:03}")]));
    }
    let mut listed = Vec::new();
    let mut next = Some(ListingCursor::default());
    while let Some(cursor) = next {
        let (keys, following) = scene.registry.route_keys(cursor, 7);
        assert!(keys.len() <= 7);
        listed.extend(keys.iter().map(ToString::to_string));
        next = following;
        if listed.len() == 14 {
            scene.unregister(&message("10.0.0.1:80", &["r003"]));
            scene.unregister(&message("10.0.0.1:80", &["r050"]));
            scene.register(&message("10.0.0.1:80", &["new"]));
        }
    }
    listed.retain(|name| name.starts_with('r'));
    let mut wanted: Vec<_> = (0..100).map(|number| format!("r{number:03}")).collect();
    wanted.remove(50);
    listed.sort();
    assert_eq!(listed, wanted);
}
