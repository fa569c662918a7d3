//! Answers to questions about the table that is served.

use pointsman_proto::v1::{self, answer, follow_request, question};
use pointsman_routing::{Route, Scratch, Table, Writer};

use super::from_proto::key;
use super::to_proto::{self, heartbeat, request};

/// How many things one answer carries.
const CARRIED: usize = 512;

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

/// What a request for this URL gets; the scheme may be left out.
fn explain(url: &str, table: &Table) -> answer::Kind {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once(['?', '#']).map_or(rest, |(rest, _)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.is_empty() {
        return answer::Kind::Refused(format!("the URL {url:?} names no host"));
    }
    let mut scratch = Scratch::default();
    let found = table.lookup(host, path, &mut scratch);
    answer::Kind::Holding(holding(found.map(|route| &**route)))
}

fn holding(route: Option<&Route>) -> v1::Holding {
    let Some(route) = route else {
        return v1::Holding::default();
    };
    v1::Holding {
        things: to_proto::things(route).take(CARRIED).collect(),
        truncated: route.endpoints().len() >= CARRIED,
    }
}
