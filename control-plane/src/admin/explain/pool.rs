//! The endpoints of the route that answers: which of them may be chosen, in which order, and until when they count.

use pointsman_registry::{Ageing, Algorithm, Balancing, EndpointListing, RouteListing};
use serde_json::{Value, json};

use super::asked::Asked;
use crate::admin::Inside;
use crate::admin::v1_routes::shown;

/// The status of a router that has nobody to ask; `None` where it has.
pub(super) fn status(inside: &Inside, route: Option<&RouteListing>) -> Option<u16> {
    match route {
        Some(route) if given(route).next().is_some() => None,
        Some(_) => Some(inside.empty_pool_status),
        None => Some(404),
    }
}

/// The endpoints that data planes are given.
pub(super) fn given(route: &RouteListing) -> impl Iterator<Item = &EndpointListing> {
    route
        .endpoints
        .iter()
        .filter(|listed| !listed.endpoint.ejected)
}

/// Each endpoint, with what there is to say about it.
pub(super) fn endpoints(route: &RouteListing) -> Vec<Value> {
    let each = route.endpoints.iter().map(|listed| {
        let mut endpoint = shown::endpoint(listed);
        endpoint.insert("chosen".to_owned(), json!(chosen(route, listed)));
        endpoint.insert("stale_in_seconds".to_owned(), json!(stale_in(listed)));
        endpoint.insert("notes".to_owned(), json!(notes(listed)));
        Value::Object(endpoint)
    });
    each.collect()
}

/// Silent endpoints are chosen where all others were, ejected ones never.
fn chosen(route: &RouteListing, listed: &EndpointListing) -> &'static str {
    if listed.endpoint.ejected {
        return "never";
    }
    let others_speak = given(route).any(|it| !it.endpoint.silent);
    if listed.endpoint.silent && others_speak {
        "last"
    } else {
        "first"
    }
}

/// Until when it counts unless it is heard, in seconds; negative where that is over.
fn stale_in(listed: &EndpointListing) -> Option<f64> {
    if listed.ageing == Ageing::Never {
        return None;
    }
    let threshold = u32::try_from(listed.endpoint.stale_threshold_seconds).unwrap_or(0);
    Some(f64::from(threshold) - listed.last_heard.as_secs_f64())
}

fn notes(listed: &EndpointListing) -> Vec<String> {
    let endpoint = &listed.endpoint;
    let mut notes = Vec::new();
    if listed.endpoint.ejected {
        notes.push("ejected: an operator has taken it out for a while");
    }
    if endpoint.silent {
        notes.push("silent: it was not heard for its threshold, and TLS proves its identity");
    }
    if listed.held {
        notes.push("held: it was not heard for its threshold, as too much else at once");
    }
    match listed.ageing {
        Ageing::Goes => {}
        Ageing::Suspended => notes.push("its source is away, so it does not grow older"),
        Ageing::Never => notes.push("it is there until its source says otherwise"),
    }
    let mut notes: Vec<_> = notes.into_iter().map(str::to_owned).collect();
    if !endpoint.segment.is_empty() {
        notes.push(format!(
            "only data planes that see the isolation segment {:?} have it",
            &*endpoint.segment
        ));
    }
    if endpoint.description.has_unknown_algorithm() {
        notes.push(format!(
            "its algorithm {:?} is not known, and does not count",
            endpoint.description.algorithm()
        ));
    }
    notes
}

/// How an endpoint of the route is chosen.
pub(super) fn steps(inside: &Inside, route: Option<&RouteListing>, asked: &Asked) -> Vec<String> {
    let Some(route) = route else {
        return vec!["no route answers, by name or by wildcard: 404".to_owned()];
    };
    if let Some(status) = status(inside, Some(route)) {
        return vec![format!("the route has no endpoint: {status}")];
    }
    let mut steps = Vec::new();
    for attributes in &route.attributes {
        let service = attributes.options().map_or("", |it| &it.route_service_url);
        if !service.is_empty() {
            steps.push("the request visits the route's service first".to_owned());
        }
        let balancing = attributes.options().and_then(|it| it.balancing.as_ref());
        let segment = &*attributes.segment;
        let among = match segment {
            "" => String::new(),
            segment => format!(" in the isolation segment {segment:?}"),
        };
        steps.push(match balancing {
            None => format!(
                "endpoints{among} are chosen by {}",
                inside.default_algorithm
            ),
            Some(balancing) => format!("endpoints{among} are chosen {}", by(balancing, asked)),
        });
    }
    let silent = given(route).filter(|it| it.endpoint.silent).count();
    let all = given(route).count();
    steps.push(format!("endpoints to choose from: {all}"));
    let ejected = route.endpoints.len() - all;
    if ejected > 0 {
        steps.push(format!("beside them, taken out by an operator: {ejected}"));
    }
    if silent > 0 {
        steps.push(format!(
            "of them chosen last, because each is silent: {silent}"
        ));
    }
    steps
}

fn by(balancing: &Balancing, asked: &Asked) -> String {
    match balancing.algorithm {
        Algorithm::RoundRobin => "by round-robin".to_owned(),
        Algorithm::LeastConnection => "by least-connection".to_owned(),
        Algorithm::Hash => {
            let name = &*balancing.hash_header;
            let value = if asked.header(name).is_some() {
                "which the request has"
            } else {
                "which the request lacks, so by the default algorithm"
            };
            format!("by the hash of the header field {name:?}, {value}")
        }
    }
}
