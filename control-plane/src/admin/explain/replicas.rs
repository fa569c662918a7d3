//! What data planes would answer, each from the table that it serves.

use std::collections::BTreeSet;

use pointsman_registry::RouteListing;
use pointsman_route_key::RouteKey;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::pool::given;
use crate::admin::Inside;
use crate::registry_task::{Answer, Holding, Question, Replica, Unanswered};

/// Data planes that are asked for one explanation; of more of them the others are not.
const ASKED: usize = 64;

/// Addresses that are named of one difference.
const NAMED: usize = 10;

/// Asks every data plane, and says how its answer differs from that of the registry.
pub(super) async fn compare(
    inside: &Inside,
    url: &str,
    matched: Option<(&RouteKey, &RouteListing)>,
) -> Vec<Value> {
    let replicas = inside.registry.replicas();
    let mut asked = JoinSet::new();
    for (at, replica) in replicas.iter().take(ASKED).enumerate() {
        let registry = inside.registry.clone();
        let (id, url) = (replica.id.clone(), url.to_owned());
        asked.spawn(async move { (at, registry.ask(&id, Question::Explain(url)).await) });
    }
    let mut answers: Vec<Option<Result<Answer, Unanswered>>> = Vec::new();
    answers.resize_with(replicas.len(), || None);
    while let Some(answered) = asked.join_next().await {
        if let Ok((at, answer)) = answered
            && let Some(place) = answers.get_mut(at)
        {
            *place = Some(answer);
        }
    }
    let all = replicas.iter().zip(answers);
    all.map(|(replica, answer)| told(replica, answer, matched))
        .collect()
}

fn told(
    replica: &Replica,
    answer: Option<Result<Answer, Unanswered>>,
    matched: Option<(&RouteKey, &RouteListing)>,
) -> Value {
    let (word, differences) = match answer {
        None => ("not-asked", vec![format!("only {ASKED} are asked")]),
        Some(Err(unanswered)) => ("unanswered", vec![unanswered.to_string()]),
        Some(Ok(Answer::Refused(reason))) => ("unanswered", vec![reason]),
        Some(Ok(Answer::Digest { .. })) => (
            "unanswered",
            vec!["it answered another question".to_owned()],
        ),
        Some(Ok(Answer::Holding(holding))) => {
            let differences = differences(replica, &holding, matched);
            let word = if differences.is_empty() {
                "same"
            } else {
                "different"
            };
            (word, differences)
        }
    };
    json!({
        "id": &*replica.id,
        "name": &*replica.name,
        "acked_revision": replica.acked_revision,
        "answer": word,
        "differences": differences,
    })
}

fn differences(
    replica: &Replica,
    holding: &Holding,
    matched: Option<(&RouteKey, &RouteListing)>,
) -> Vec<String> {
    let theirs = holding
        .routes
        .first()
        .map(|it| it.route.as_str())
        .or_else(|| holding.endpoints.first().map(|it| it.route.as_str()));
    let ours = matched.map(|(key, _)| key.to_string());
    let sees = |segment: &str| replica.filter.sees(segment);
    if theirs != ours.as_deref() {
        let route = |it: Option<&str>| it.map_or("no route".to_owned(), |it| format!("`{it}`"));
        let mut told = format!("{} answers, not {}", route(theirs), route(ours.as_deref()));
        if matched.is_some_and(|(_, it)| !it.attributes.iter().any(|it| sees(&it.segment))) {
            told.push_str(", which is in no isolation segment that it sees");
        }
        return vec![told];
    }
    let Some((_, route)) = matched else {
        return Vec::new();
    };
    let held: BTreeSet<_> = holding.endpoints.iter().map(|it| &*it.address).collect();
    let wanted = given(route).map(|it| &*it.endpoint.address);
    let wanted: BTreeSet<_> = wanted.collect();
    let (mut lacks, mut foreign) = (Vec::new(), Vec::new());
    for listed in given(route) {
        let address = &*listed.endpoint.address;
        if !held.contains(address) {
            let list = if sees(&listed.endpoint.segment) {
                &mut lacks
            } else {
                &mut foreign
            };
            list.push(address);
        }
    }
    if holding.truncated {
        // What is missing may only not have been told.
        (lacks, foreign) = (Vec::new(), Vec::new());
    }
    let more: Vec<_> = held.difference(&wanted).copied().collect();
    let each = [
        ("does not have the endpoints", lacks),
        (
            "does not see the isolation segment of the endpoints",
            foreign,
        ),
        ("still has the endpoints", more),
    ];
    let some = each
        .into_iter()
        .filter(|(_, addresses)| !addresses.is_empty());
    some.map(|(what, addresses)| format!("{what} {}", named(&addresses)))
        .collect()
}

fn named(addresses: &[&str]) -> String {
    let some = addresses[..addresses.len().min(NAMED)].join(", ");
    match addresses.len().saturating_sub(NAMED) {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}
