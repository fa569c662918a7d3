use std::io;
use std::sync::Mutex;

use pointsman_registry::{Description, Fields, ModificationTag};
use serde_json::Value;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written meanwhile: level, event, and attributes.
fn written(act: impl FnOnce()) -> Vec<(String, String, Value)> {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, act);
    let bytes = written.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = line["fields"].clone();
        (text(&line["level"]), text(&fields["message"]), fields)
    });
    lines.collect()
}

fn message(segment: &str, algorithm: &str) -> Registration {
    let fields = Fields {
        protocol: "http1",
        tls: Some("san"),
        app_id: "app",
        instance_id: "instance",
        route_service_url: "https://rs",
        algorithm,
        ..Fields::default()
    };
    Registration {
        uris: vec![Uri::parse("Foo.com/").unwrap()],
        address: "10.0.0.1:443".into(),
        segment: segment.into(),
        description: Arc::new(Description::new(fields).unwrap()),
        stale_threshold_seconds: 0,
        tag: ModificationTag {
            guid: "abc".into(),
            index: 3,
        },
        fingerprint: None,
    }
}

fn events(written: &[(String, String, Value)]) -> Vec<(&str, &str)> {
    written
        .iter()
        .map(|(level, event, _)| (&**level, &**event))
        .collect()
}

fn told(message: &Registration, put: Put, route_born: bool) -> Vec<(String, String, Value)> {
    written(|| registered(message, &[Registered { put, route_born }]))
}

/// C-147: a new route is told before its endpoint
/// C-148: and that it was added
/// C-149: what was there already is not told as new
/// C-153: a refresh is told to those who debug
/// C-154: so is an older tag
/// C-166: a foreign segment is not told at all
#[test]
fn registrations_are_told_in_gorouters_words() {
    let message = message("", "");
    let new = told(&message, Put::Added, true);
    let wanted = [
        ("INFO", "route-registered"),
        ("DEBUG", "uri-added"),
        ("INFO", "endpoint-registered"),
    ];
    assert_eq!(events(&new), wanted);
    assert_eq!(
        (&new[0].2["uri"], &new[1].2["uri"]),
        (&"Foo.com/".into(), &"foo.com".into())
    );
    for (put, wanted) in [
        (Put::Added, vec![("INFO", "endpoint-registered")]),
        (Put::Updated, vec![("INFO", "endpoint-registered")]),
        (Put::Refreshed, vec![("DEBUG", "endpoint-refreshed")]),
        (Put::Unmodified, vec![("DEBUG", "endpoint-not-registered")]),
        (
            Put::Dropped(pointsman_registry::Dropped::ForeignSegment),
            vec![],
        ),
    ] {
        assert_eq!(events(&told(&message, put, false)), wanted);
    }
}

/// C-150: the shared segment is a dash
/// C-151: another one is told by its name
/// C-152: app, instance and the name in the certificate are told
#[test]
fn an_endpoint_is_told_with_gorouters_attributes() {
    for (segment, shown) in [("", "-"), ("is1", "is1")] {
        let told = told(&message(segment, ""), Put::Added, false);
        let [(_, _, fields)] = &told[..] else {
            panic!("{told:?}")
        };
        for (attribute, value) in [
            ("uri", "Foo.com/"),
            ("backend", "10.0.0.1:443"),
            ("application_id", "app"),
            ("instance_id", "instance"),
            ("server_cert_domain_san", "san"),
            ("route_service_url", "https://rs"),
            ("protocol", "http1"),
            ("isolation_segment", shown),
            ("modification_tag.guid", "abc"),
        ] {
            assert_eq!(fields[attribute], value, "{attribute}");
        }
        assert_eq!(
            (&fields["isTLS"], &fields["modification_tag.index"]),
            (&true.into(), &3.into())
        );
    }
}

/// C-222: an algorithm that nobody knows is an error, and the endpoint is registered
/// C-227: also for a new route
#[test]
fn an_unknown_algorithm_is_an_error() {
    let told = told(&message("", "wrong.algo"), Put::Added, false);
    let name = "invalid-endpoint-load-balancing-algorithm-provided-keeping-pool-lb-algo";
    assert_eq!(
        events(&told),
        [("ERROR", name), ("INFO", "endpoint-registered")]
    );
    assert_eq!(told[0].2["endpointLBAlgorithm"], "wrong.algo");
}

/// C-258: what is removed is told, and the route that went with it
/// C-259: an unknown route is told to those who debug only
/// C-260: the segment is told
/// C-261: so is an unknown endpoint
/// C-170: a foreign segment is not told at all
#[test]
fn unregistrations_are_told_in_gorouters_words() {
    let message = message("is1", "");
    let removed = |route_gone| Unregistered::Removed {
        route_gone,
        other_segment: false,
    };
    let not = ("DEBUG", "endpoint-not-unregistered");
    let gone = ("INFO", "endpoint-unregistered");
    for (outcome, wanted) in [
        (removed(false), vec![gone]),
        (removed(true), vec![gone, ("INFO", "route-unregistered")]),
        (Unregistered::UnknownRoute, vec![not]),
        (Unregistered::UnknownEndpoint, vec![not]),
        (Unregistered::OlderTag, vec![not]),
        (Unregistered::ForeignSegment, vec![]),
    ] {
        let told = written(|| unregistered(&message, &[outcome]));
        assert_eq!(events(&told), wanted);
        for (_, event, fields) in &told {
            assert_eq!(fields["uri"], "foo.com");
            let segment = if event == "route-unregistered" {
                Value::Null
            } else {
                "is1".into()
            };
            assert_eq!(fields["isolation_segment"], segment);
        }
    }
}

/// C-319: what is pruned is told once for each route, with its endpoints
/// C-267: at level info
#[test]
fn pruned_endpoints_are_told_by_route() {
    let one = |route: &str, address: &str, segment: &str| Expired::Endpoint {
        route: Arc::clone(Uri::parse(route).unwrap().key()),
        address: address.into(),
        segment: segment.into(),
        route_gone: true,
        released: false,
    };
    let told = written(|| {
        expired(&[
            one("b", "10.0.0.1:80", ""),
            one("a", "10.0.0.1:80", "is1"),
            one("b", "10.0.0.2:80", ""),
        ]);
    });
    assert_eq!(events(&told), [("INFO", "pruned-route"); 2]);
    let [(_, _, first), (_, _, second)] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&first["uri"], &first["isolation_segment"]),
        (&"a".into(), &"is1".into())
    );
    assert_eq!(
        (&second["uri"], &second["isolation_segment"]),
        (&"b".into(), &"-".into())
    );
    // The telemetry of our processes writes what is named so as JSON.
    assert_eq!(second["endpoints.json"], r#"["10.0.0.1:80","10.0.0.2:80"]"#);
}

/// R-172: user information and query of a route service are not told
#[test]
fn a_route_service_is_told_without_its_secrets() {
    for (url, told) in [
        ("", ""),
        ("https://rs.example.com/a@b", "https://rs.example.com/a@b"),
        ("https://user:secret@rs/x", "https://***@rs/x"),
        ("https://rs/x?token=secret", "https://rs/x?***"),
        ("https://user:secret@rs?token=secret", "https://***@rs?***"),
        ("httpsfoo", "httpsfoo"),
        ("https://rs:8443/a@b?", "https://rs:8443/a@b?"),
        ("https://[::1]:8443/a@b?c", "https://[::1]:8443/a@b?***"),
        ("https://user:sec/ret@rs/x", "https://***@rs/x"),
        ("https://user:s@c/r@t@rs?x=y", "https://***@rs?***"),
        ("https://user:sec#ret@rs/x", "https://***@rs/x"),
        ("https://user:sec?ret@rs/x", "https://***"),
        ("https://user:s@cret@rs?to=a@b", "https://***"),
    ] {
        assert_eq!(without_secrets(url), told, "{url}");
    }
}
