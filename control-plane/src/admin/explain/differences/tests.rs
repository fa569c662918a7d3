use std::sync::Arc;

use pointsman_registry::{
    Description, Fields, ModificationTag, Registration, Registry, Settings, Time, Uri, WhileAway,
};

use super::*;

const URI: &str = "app.example.com";
const ALL: SegmentFilter = SegmentFilter::All;

fn described() -> Fields<'static> {
    Fields {
        protocol: "http1",
        tls: Some("instance"),
        app_id: "app",
        availability_zone: "z1",
        route_service_url: "https://service.example.com",
        algorithm: "least-connection",
        ..Fields::default()
    }
}

/// The listing of a route with so many endpoints, all said to be like this.
fn listed(fields: Fields<'_>, segment: &str, endpoints: usize) -> (RouteKey, RouteListing) {
    let mut registry = Registry::new(Settings::default(), 7);
    let source = registry.add_source("nats", WhileAway::Age);
    registry.source_returned(source, Time::ZERO);
    let description = Arc::new(Description::new(fields).unwrap());
    for number in 0..endpoints {
        let registration = Registration {
            uris: vec![Uri::parse(URI).unwrap()],
            address: format!("10.0.0.1:{}", 1000 + number).into(),
            segment: segment.into(),
            description: Arc::clone(&description),
            stale_threshold_seconds: 0,
            tag: ModificationTag::default(),
            fingerprint: None,
        };
        registry.register(source, &registration, Time::ZERO);
    }
    let key = RouteKey::from_uri(URI).unwrap();
    let route = registry.route(&key, Time::ZERO).unwrap();
    (key, route)
}

/// What a data plane holds that has all of it, and tells so many endpoints.
fn holding((key, route): &(RouteKey, RouteListing), told: usize) -> Holding {
    let attributes = &route.attributes[0];
    let options = attributes.options();
    let balancing = options.and_then(|it| it.balancing.as_ref());
    let held = given(route).map(|listed| {
        let endpoint = &listed.endpoint;
        let it = &endpoint.description;
        HeldEndpoint {
            route: key.to_string(),
            address: endpoint.address.to_string(),
            segment: endpoint.segment.to_string(),
            generation: endpoint.generation,
            protocol: it.protocol().to_owned(),
            server_cert_domain_san: it.is_tls().then(|| it.server_cert_domain_san().to_owned()),
            app_id: it.app_id().to_owned(),
            instance_id: it.instance_id().to_owned(),
            instance_index: it.instance_index().to_owned(),
            availability_zone: it.availability_zone().to_owned(),
            silent: endpoint.silent,
        }
    });
    Holding {
        routes: vec![HeldRoute {
            route: key.to_string(),
            segment: attributes.segment.to_string(),
            revision: attributes.revision,
            birth: attributes.birth,
            generation: attributes.generation,
            route_service_url: options.map_or("", |it| &it.route_service_url).to_owned(),
            algorithm: balancing.map_or("", |it| word(it.algorithm)),
        }],
        truncated: told < route.endpoints.len(),
        endpoints: held.take(told).collect(),
        steps: Vec::new(),
        sum: Some(sum(&ALL, key, route, Some(attributes))),
    }
}

fn compared(holding: &Holding, (key, route): &(RouteKey, RouteListing)) -> Compared {
    compare(&ALL, holding, Some((key, route)))
}

fn different(differences: &[&str]) -> Compared {
    Compared::Different(differences.iter().map(|it| (*it).to_owned()).collect())
}

/// What a data plane is said to have that is different.
fn stale(route: Option<&str>, endpoint: &str) -> Compared {
    let endpoint = format!("has with another {endpoint} the endpoints 10.0.0.1:1000");
    let route = route.map(|it| format!("has the route with another {it}"));
    Compared::Different(route.into_iter().chain([endpoint]).collect())
}

/// K-140: a data plane whose route or endpoints are those of before is told from one that has them all, by what is stale
#[test]
fn whatever_is_stale_is_a_difference() {
    type Change = fn(&mut Fields<'static>);
    let now = listed(described(), "", 1);
    assert_eq!(compared(&holding(&now, 1), &now), Compared::Same);
    let changes: [(Change, _, _); 7] = [
        (
            |it| it.route_service_url = "https://old.example.com",
            Some("route service"),
            "attribute",
        ),
        (
            |it| it.algorithm = "round-robin",
            Some("algorithm"),
            "attribute",
        ),
        (|it| it.protocol = "http2", None, "protocol"),
        (|it| it.tls = Some("other"), None, "TLS identity"),
        (|it| it.tls = None, None, "TLS identity"),
        (
            |it| (it.app_id, it.availability_zone) = ("other", "z2"),
            None,
            "instance and availability zone",
        ),
        (|it| it.updated_at_ns = 1, None, "attribute"),
    ];
    for (change, route, endpoint) in changes {
        let mut fields = described();
        change(&mut fields);
        let before = listed(fields, "", 1);
        let told = compared(&holding(&before, 1), &now);
        assert_eq!(told, stale(route, endpoint));
    }
}

#[test]
fn a_balance_factor_that_no_answer_tells_counts() {
    let hashed = |hash_balance| Fields {
        algorithm: "hash",
        hash_header: "X-Key",
        hash_balance,
        ..Fields::default()
    };
    let (now, before) = (listed(hashed(2.0), "", 1), listed(hashed(1.5), "", 1));
    let told = [
        "has the route with another attribute",
        "has with another attribute the endpoints 10.0.0.1:1000",
    ];
    assert_eq!(compared(&holding(&before, 1), &now), different(&told));
}

#[test]
fn who_is_taken_for_silent_and_where_things_stand_count() {
    let now = listed(described(), "", 1);
    let mut held = holding(&now, 1);
    held.endpoints[0].silent = true;
    let told = ["takes for silent the endpoints 10.0.0.1:1000"];
    assert_eq!(compared(&held, &now), different(&told));
    let moved = listed(described(), "moved", 1);
    let told = [
        "has the route with another isolation segment",
        "has with another isolation segment the endpoints 10.0.0.1:1000",
    ];
    assert_eq!(compared(&holding(&now, 1), &moved), different(&told));
    let unseen = SegmentFilter::Only(["".into()].into());
    let told = compare(&unseen, &Holding::default(), Some((&moved.0, &moved.1)));
    let words =
        "no route answers, not `app.example.com`, which is in no isolation segment that it sees";
    assert_eq!(told, different(&[words]));
}

/// K-140: of a route that no answer has room for, what is not told counts as well, by what it adds up to
#[test]
fn what_is_not_told_counts() {
    let now = listed(described(), "", 30);
    let held = holding(&now, 10);
    assert_eq!(compared(&held, &now), Compared::Same);
    let fewer = holding(&listed(described(), "", 29), 10);
    let told = ["has something else among the endpoints that it does not tell"];
    assert_eq!(compared(&fewer, &now), different(&told));
    let silent_about_it = Holding { sum: None, ..held };
    let told =
        Compared::Unknown("it tells of 10 endpoints, and not what the others are".to_owned());
    assert_eq!(compared(&silent_about_it, &now), told);
}

#[test]
fn of_many_endpoints_some_are_named() {
    let now = listed(described(), "", 12);
    let mut held = holding(&now, 12);
    held.endpoints.clear();
    held.sum = None;
    let Compared::Different(told) = compared(&held, &now) else {
        panic!("they are the same")
    };
    assert!(
        told[0].starts_with("does not have the endpoints 10.0.0.1:1000, "),
        "{told:?}"
    );
    assert!(told[0].ends_with(" and 2 more"), "{told:?}");
}
