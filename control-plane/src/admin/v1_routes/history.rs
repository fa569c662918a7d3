//! `/v1/routes/history`: what became of one route, when, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pointsman_registry::Thing;
use pointsman_route_key::RouteKey;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{Inside, named};
use super::{ended_problem, shown};
use crate::registry_task::{History, Record, Subject};
use pointsman_admin::Problem;

const PATH: &str = "/v1/routes/history";

/// Changes of one answer, where the client does not say, and at most.
const CHANGES: usize = 100;
const MAX_CHANGES: usize = 1000;

/// Records that are looked at before the registry may write again.
const LOOK: usize = 512;

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Wanted {
    uri: String,
    limit: Option<usize>,
}

/// The latest changes of one route, the oldest first.
pub(in crate::admin) async fn history(
    State(inside): State<Inside>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let checked = match wanted {
        Ok(Query(wanted)) => check(&wanted),
        Err(error) => Err(format!("{}; known are uri and limit", error.body_text())),
    };
    let (key, limit) = match checked {
        Ok(checked) => checked,
        Err(detail) => {
            return Problem::of(StatusCode::BAD_REQUEST)
                .because(detail)
                .for_path(PATH);
        }
    };
    let read = inside
        .registry
        .read(|registry, _| (registry.epoch(), registry.head()));
    let (epoch, revision) = match read.await {
        Ok(read) => read,
        Err(ended) => return ended_problem(ended, PATH),
    };
    let history = Arc::clone(inside.registry.history());
    let route = key.to_string();
    let records = tokio::task::spawn_blocking(move || of(&history, &key)).await;
    let records = records.unwrap_or_default();
    let earlier = records.len() > limit;
    let changes = told(&records);
    Json(json!({
        "epoch": format!("{epoch:016x}"),
        "revision": revision,
        "route": route,
        "complete_above": inside.registry.history().reach().complete_above,
        "earlier": earlier,
        "changes": changes[changes.len().saturating_sub(limit)..],
    }))
    .into_response()
}

fn check(wanted: &Wanted) -> Result<(RouteKey, usize), String> {
    let Wanted { uri, limit } = wanted;
    let key = named::route("uri", uri)?;
    let limit = limit.unwrap_or(CHANGES);
    if !(1..=MAX_CHANGES).contains(&limit) {
        return Err(format!("limit is {limit}; expected 1 to {MAX_CHANGES}"));
    }
    Ok((key, limit))
}

/// The records of one route.
fn of(history: &History, key: &RouteKey) -> Vec<Record> {
    let mut records = Vec::new();
    let mut from = history.reach().first;
    loop {
        let Some(some) = history.read(from, LOOK) else {
            // The oldest ones were forgotten meanwhile.
            from = history.reach().first;
            continue;
        };
        if some.is_empty() {
            return records;
        }
        from += some.len() as u64;
        records.extend(some.into_iter().filter(|it| **it.route() == *key));
    }
}

/// The records, each with what is different from the one before of the same thing.
fn told(records: &[Record]) -> Vec<Value> {
    let mut before: BTreeMap<&str, Value> = BTreeMap::new();
    let mut all = Vec::with_capacity(records.len());
    for one in records {
        let mut shown = record(one);
        let now = shown.get(member(one)).cloned().unwrap_or_default();
        let known = before.get(one.address());
        let differences = known.filter(|_| now.is_object());
        let differences = differences.map(|known| differences_of(known, &now));
        shown.insert("differences".to_owned(), json!(differences));
        if one.is_change() {
            before.insert(one.address(), now);
        }
        all.push(Value::Object(shown));
    }
    all
}

/// The name of the member that shows what the record is about.
fn member(record: &Record) -> &'static str {
    if record.address().is_empty() {
        "attributes"
    } else {
        "endpoint"
    }
}

/// What changes with every change, and says nothing.
const OF_EVERY_CHANGE: [&str; 2] = ["revision", "generation"];

fn differences_of(before: &Value, now: &Value) -> Vec<Value> {
    let Some(members) = now.as_object() else {
        return Vec::new();
    };
    let different = members.iter().filter(|(name, value)| {
        !OF_EVERY_CHANGE.contains(&name.as_str()) && before.get(name) != Some(value)
    });
    let each = different
        .map(|(name, value)| json!({ "member": name, "before": before.get(name), "after": value }));
    each.collect()
}

/// One record as people see it.
pub(in crate::admin) fn record(record: &Record) -> Map<String, Value> {
    let (attributes, endpoint) = match &record.subject {
        Subject::Is(Thing::Route(route)) => (shown::attributes(route), Value::Null),
        Subject::Is(Thing::Endpoint(endpoint)) => {
            (Value::Null, Value::Object(shown::registered(endpoint)))
        }
        Subject::Named(_) => (Value::Null, Value::Null),
    };
    let address = Some(record.address()).filter(|address| !address.is_empty());
    let shown = [
        ("revision", json!(record.revision)),
        ("time", json!(time(record.at_ms))),
        ("what", json!(record.what.word())),
        ("why", json!(record.why.word())),
        ("source", json!(record.source.as_deref())),
        ("route", json!(record.route().to_string())),
        ("address", json!(address)),
        ("segment", json!(record.segment())),
        ("attributes", attributes),
        ("endpoint", endpoint),
    ];
    let shown = shown.map(|(name, value)| (name.to_owned(), value));
    Map::from_iter(shown)
}

/// A time in RFC 3339; null for one that no calendar has.
fn time(at_ms: u64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    Some(format!("{at:.3}"))
}
