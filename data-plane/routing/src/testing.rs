//! Tables and things for the tests of this crate.

use std::time::Duration;

use pointsman_route_key::RouteKey;

use crate::{
    Address, Attributes, Closing, EndpointThing, Protocol, Removal, RouteThing, Thing, Time, View,
    Writer,
};

pub(crate) fn key(uri: &str) -> RouteKey {
    RouteKey::from_uri(uri).unwrap()
}

/// A plain attributes thing whose generation is its text.
pub(crate) fn route(uri: &str, revision: u64) -> RouteThing {
    let (host, path) = uri.split_at(uri.find('/').unwrap_or(uri.len()));
    RouteThing {
        key: key(uri),
        segment: String::new(),
        revision,
        birth: 1,
        generation: 1,
        host_as_registered: host.to_owned(),
        path_as_registered: if path.is_empty() { "/" } else { path }.to_owned(),
        attributes: Attributes::default(),
    }
}

pub(crate) fn endpoint(uri: &str, address: &str) -> EndpointThing {
    EndpointThing {
        key: key(uri),
        address: Address::parse(address).unwrap(),
        segment: String::new(),
        group: String::new(),
        generation: 1,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: None,
        app_id: "app".to_owned(),
        instance_id: address.to_owned(),
        instance_index: "0".to_owned(),
        tags: None,
        availability_zone: String::new(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 0,
        stale_threshold_seconds: 120,
        silent: false,
    }
}

pub(crate) fn removal(uri: &str, address: &str) -> Removal {
    Removal {
        key: key(uri),
        address: address.to_owned(),
        segment: String::new(),
    }
}

pub(crate) fn closing(revision: u64, removals: Vec<Removal>, expected: View) -> Closing {
    Closing {
        removals,
        continues: false,
        revision,
        complete: false,
        expected,
    }
}

/// A writer that was sent these routes, each with so many endpoints.
pub(crate) fn writer(routes: &[(&str, usize)]) -> Writer {
    let mut writer = Writer::new(7);
    writer.begin(1);
    for (at, (uri, endpoints)) in routes.iter().enumerate() {
        writer.upsert(Thing::Route(route(uri, 1)));
        for n in 0..*endpoints {
            let address = format!("10.0.{at}.{n}:80");
            writer.upsert(Thing::Endpoint(Box::new(endpoint(uri, &address))));
        }
    }
    writer
}

pub(crate) fn at(millis: u64) -> Time {
    Time::since_origin(Duration::from_millis(millis))
}
