//! Answers to questions about the table that is served.

use pointsman_proto::v1::{self, answer, follow_request, question};
use pointsman_route_key::{Host, digest};
use pointsman_routing::{Algorithm, EmptyPool, Route, Scratch, Settings, Table, View, Writer};
use prost::Message;

use super::from_proto::key;
use super::questions::REFUSED;
use super::to_proto::{self, heartbeat, request};

/// How many things one answer carries.
const CARRIED: usize = 512;

/// And how many bytes.
const LARGEST: usize = 1024 * 1024;

/// The answer to a question.
pub(super) fn to(question: v1::Question, table: &Table, writer: &Writer) -> v1::FollowRequest {
    let kind = match question.kind {
        Some(question::Kind::ExplainUrl(url)) => explain(&url, table),
        Some(question::Kind::Route(wanted)) => match key(Some(&wanted)) {
            Ok(key) => answer::Kind::Holding(holding(table.get(&key).map(|route| &**route))),
            Err(reason) => answer::Kind::Refused(reason),
        },
        Some(question::Kind::Digest(v1::DigestQuestion {})) => {
            answer::Kind::Digest(heartbeat(writer))
        }
        None => answer::Kind::Refused("this data plane does not know the question".to_owned()),
    };
    request(follow_request::Message::Answer(v1::Answer {
        id: question.id,
        kind: Some(kind),
    }))
}

/// The answer to one question too many.
pub(super) fn refusal(id: u64) -> v1::FollowRequest {
    request(follow_request::Message::Answer(v1::Answer {
        id,
        kind: Some(answer::Kind::Refused(REFUSED.to_owned())),
    }))
}

/// What a request for this URL gets; the scheme may be left out.
fn explain(url: &str, table: &Table) -> answer::Kind {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once(['?', '#']).map_or(rest, |(rest, _)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.is_empty() {
        return answer::Kind::Refused(format!("the URL {url:?} names no host"));
    }
    let mut scratch = Scratch::default();
    let found = table.lookup(host, path, &mut scratch).map(|route| &**route);
    let mut steps = vec![format!("the host is {host:?} and the path {path:?}")];
    steps.extend(steps_of(found, table.settings()));
    answer::Kind::Holding(v1::Holding {
        steps,
        ..holding(found)
    })
}

/// How a request comes to its endpoint, or to none.
fn steps_of(found: Option<&Route>, settings: &Settings) -> Vec<String> {
    let Some(route) = found else {
        return vec!["no route answers, by name or by wildcard: 404".to_owned()];
    };
    let host = match &route.key().host {
        Host::Exact(_) => "is named",
        Host::Suffix(_) => "is the most specific wildcard that fits",
        Host::Any => "is every host, and no name or wildcard has a path that fits",
    };
    let key = route.key();
    let mut steps = vec![format!(
        "the route {key} answers: its host {host}, and its path is the longest that fits"
    )];
    let endpoints = route.endpoints();
    if endpoints.is_empty() {
        let status = match route.empty_pool().unwrap_or(settings.empty_pool) {
            EmptyPool::NotFound => 404,
            EmptyPool::Unavailable => 503,
        };
        steps.push(format!("it has no endpoint: {status}"));
        return steps;
    }
    let algorithm = match route.algorithm().unwrap_or(settings.default_algorithm) {
        Algorithm::RoundRobin => "one after the other",
        Algorithm::LeastConnection => "the one with the fewest requests in flight first",
    };
    let key = match route.hashed_by() {
        None => String::new(),
        Some(by) => format!("by the hash of {:?}, and without that ", by.header()),
    };
    steps.push(format!(
        "endpoints to choose from, {key}{algorithm}: {}",
        endpoints.len()
    ));
    let last = [
        (
            "silent",
            endpoints.iter().filter(|each| each.is_silent()).count(),
        ),
        (
            "an orphan",
            endpoints.iter().filter(|each| each.is_orphan()).count(),
        ),
    ];
    for (what, count) in last {
        if count > 0 {
            steps.push(format!(
                "of them chosen last, because each is {what}: {count}"
            ));
        }
    }
    steps
}

/// What is held of a route, up to a number of things and of bytes.
fn holding(route: Option<&Route>) -> v1::Holding {
    let Some(route) = route else {
        return v1::Holding::default();
    };
    let mut holding = v1::Holding {
        sum: Some(sum(route)),
        ..v1::Holding::default()
    };
    let mut bytes = 0;
    for thing in to_proto::things(route) {
        bytes += thing.encoded_len();
        if holding.things.len() >= CARRIED || bytes > LARGEST {
            holding.truncated = true;
            break;
        }
        holding.things.push(thing);
    }
    holding
}

/// What a route and its endpoints add up to.
fn sum(route: &Route) -> v1::HeldSum {
    let (key, held) = (route.key(), route.origin());
    let attributes = digest::of_route(held.segment, key, held.generation);
    let endpoints = route.endpoints().iter();
    let View { things, digest } = endpoints.fold(View::default().with(attributes), |sum, each| {
        let address = each.address().to_string();
        let (generation, silent) = (each.generation(), each.is_silent());
        sum.with(digest::of_endpoint(
            each.segment(),
            key,
            &address,
            generation,
            silent,
        ))
    });
    v1::HeldSum { things, digest }
}
