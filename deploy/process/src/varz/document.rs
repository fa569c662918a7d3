//! The router's part of the document.

use serde_json::{Map, Value, json};

use super::figures::{Figures, Http, Table};
use super::rates::Rates;

/// What Gorouter shows where nothing was ever registered: the longest time that Go has, in milliseconds.
const NEVER: u64 = 9_223_372_036_854;

/// How the percentiles are named.
const PERCENTILES: [&str; 5] = ["50", "75", "90", "95", "99"];

/// How the classes of responses are named.
const RESPONSES: [&str; 5] = [
    "responses_2xx",
    "responses_3xx",
    "responses_4xx",
    "responses_5xx",
    "responses_xxx",
];

/// Adds it to the top level.
pub(super) fn add(
    document: &mut Map<String, Value>,
    (figures, rates): (&Figures, &Rates),
    table: &Table,
) {
    let components = figures.components.iter().map(|(name, figures)| {
        let object = http(figures, rates.component(name));
        (name.to_string(), Value::Object(object))
    });
    let components: Map<_, _> = components.collect();
    let since = table.since_last_update.map(|since| since.as_millis());
    let since = since.and_then(|since| u64::try_from(since).ok());
    document.append(&mut http(&figures.all, rates.all()));
    let parts = [
        ("tags", json!({ "component": components })),
        ("urls", json!(table.urls)),
        ("droplets", json!(table.droplets)),
        ("bad_requests", json!(figures.bad_requests)),
        ("bad_gateways", json!(figures.bad_gateways)),
        ("requests_per_sec", json!(rates.all()[0])),
        (
            "top10_app_requests",
            figures.top_apps.iter().map(top_app).collect(),
        ),
        (
            "ms_since_last_registry_update",
            json!(since.unwrap_or(NEVER)),
        ),
    ];
    document.extend(parts.map(|(name, value)| (name.to_owned(), value)));
}

/// The second is rounded down, as Gorouter's is.
fn top_app((app, per_minute): &(Box<str>, u64)) -> Value {
    json!({ "application_id": app, "rps": per_minute / 60, "rpm": per_minute })
}

fn http(figures: &Http, rates: [f64; 3]) -> Map<String, Value> {
    let percentiles = PERCENTILES.into_iter().zip(figures.latency);
    let mut latency: Map<_, _> = percentiles
        .map(|(name, seconds)| (name.to_owned(), json!(seconds)))
        .collect();
    // What an old collector wants to find.
    latency.insert("value".to_owned(), json!(5e-07));
    latency.insert("samples".to_owned(), json!(1));
    let responses = RESPONSES.into_iter().zip(figures.responses);
    let mut object: Map<_, _> = responses
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect();
    object.insert("requests".to_owned(), json!(figures.requests));
    object.insert("rate".to_owned(), json!(rates));
    object.insert("latency".to_owned(), Value::Object(latency));
    object
}
