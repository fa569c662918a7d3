//! What data planes would answer, each from the table that it serves.

use std::sync::Arc;

use pointsman_registry::RouteListing;
use pointsman_route_key::RouteKey;
use serde_json::{Value, json};

use super::asking::{self, Came, PATIENCE};
use super::differences::{Compared, compare};
use crate::admin::Inside;
use crate::registry_task::{Answer, Holding, Question, Replica, Unanswered};

/// Asks every data plane, and says how its answer differs from that of the registry.
pub(super) async fn all(
    inside: &Inside,
    url: &str,
    matched: Option<(&RouteKey, &RouteListing)>,
) -> Vec<Value> {
    let matched = Arc::new(matched.map(|(key, route)| (key.clone(), route.clone())));
    let replicas = inside.registry.replicas();
    let each = replicas.iter();
    let whom: Vec<_> = each.map(|it| (it.id.clone(), it.filter.clone())).collect();
    let questions = whom.into_iter().map(|(id, filter)| {
        let (registry, matched) = (inside.registry.clone(), Arc::clone(&matched));
        let question = Question::Explain(url.to_owned());
        async move {
            let answer = registry.ask(&id, question).await;
            let matched = matched.as_ref().as_ref();
            compared(answer, |holding| {
                compare(&filter, holding, matched.map(|(key, route)| (key, route)))
            })
        }
    });
    let came = asking::all(questions).await;
    let each = replicas.iter().zip(came);
    each.map(|(replica, came)| told(replica, came)).collect()
}

fn compared(
    answer: Result<Answer, Unanswered>,
    compare: impl FnOnce(&Holding) -> Compared,
) -> Compared {
    match answer {
        Ok(Answer::Holding(holding)) => compare(&holding),
        Ok(Answer::Refused(reason)) => Compared::Unknown(reason),
        Ok(Answer::Digest { .. }) => Compared::Unknown("it answered another question".to_owned()),
        Err(unanswered) => Compared::Unknown(unanswered.to_string()),
    }
}

fn told(replica: &Replica, came: Came<Compared>) -> Value {
    let (word, differences) = match came {
        Came::Answer(Compared::Same) => ("same", Vec::new()),
        Came::Answer(Compared::Different(differences)) => ("different", differences),
        Came::Answer(Compared::Unknown(why)) => ("unanswered", vec![why]),
        Came::Nothing => (
            "unanswered",
            vec![format!(
                "all answers together are waited for {} seconds",
                PATIENCE.as_secs()
            )],
        ),
        Came::NotAsked => (
            "not-asked",
            vec![format!(
                "others took the {} seconds in which all are asked",
                PATIENCE.as_secs()
            )],
        ),
    };
    json!({
        "id": &*replica.id,
        "name": &*replica.name,
        "acked_revision": replica.acked_revision,
        "answer": word,
        "differences": differences,
    })
}
