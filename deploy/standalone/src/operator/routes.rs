//! `pointsman routes`: what is registered.

use std::io::Write;

use serde_json::Value;

use super::api::Api;
use super::arguments::{Output, Wanted};
use super::{Failure, Outcome, shown};

/// Routes that are asked for at a time.
const PAGE: &str = "5000";

pub(super) async fn run(
    api: &Api,
    wanted: &Wanted,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    refuse_lost_value(wanted)?;
    let page = pages(api, wanted).await?;
    let routes = shown::list(&page, "routes");
    match output {
        Output::Json => shown::json(out, &page)?,
        Output::Table => {
            let headings = [
                "ROUTE", "ENDPOINT", "SEGMENT", "APP", "INDEX", "SOURCE", "HEARD", "STATE",
            ];
            shown::table(out, headings, routes.iter().flat_map(rows))?;
        }
    }
    Ok(if routes.is_empty() {
        Outcome::Bad
    } else {
        Outcome::Good
    })
}

/// The value of `--stale` is the URI where a blank stands before it, and not an equals sign.
fn refuse_lost_value(wanted: &Wanted) -> Result<(), Failure> {
    match wanted.uri.as_deref() {
        Some(value @ ("true" | "false")) if wanted.stale.is_some() => Err(Failure::Usage(format!(
            "`--stale {value}` asks for the route {value}; expected --stale={value}"
        ))),
        _ => Ok(()),
    }
}

/// All pages as one. Each is of its own revision; that of the last one stands for all.
async fn pages(api: &Api, wanted: &Wanted) -> Result<Value, Failure> {
    let stale = wanted.stale.map(|stale| stale.to_string());
    let named = [
        ("uri", &wanted.uri),
        ("host", &wanted.host),
        ("app", &wanted.app),
        ("segment", &wanted.segment),
        ("source", &wanted.source),
        ("stale", &stale),
    ];
    let filters = named
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let mut query: Vec<(&str, &str)> = filters.collect();
    query.push(("limit", PAGE));
    let mut routes = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = query.clone();
        query.extend(after.as_deref().map(|after| ("after", after)));
        let mut page = api.get("/v1/routes", &query).await?;
        if let Some(Value::Array(more)) = page.get_mut("routes").map(Value::take) {
            routes.extend(more);
        }
        after = page.get("next").and_then(Value::as_str).map(str::to_owned);
        if after.is_none() {
            page["routes"] = Value::Array(routes);
            return Ok(page);
        }
    }
}

/// One row for each endpoint, or one that says that there is none.
fn rows(route: &Value) -> Vec<[String; 8]> {
    let name = shown::member(route, "route");
    let row = |endpoint: &Value| {
        [
            name.clone(),
            shown::member(endpoint, "address"),
            shown::segment(endpoint),
            shown::member(endpoint, "app_id"),
            shown::member(endpoint, "instance_index"),
            shown::member(endpoint, "source"),
            shown::seconds(endpoint, "last_heard_seconds"),
            state(endpoint).to_owned(),
        ]
    };
    let endpoints = shown::list(route, "endpoints");
    if endpoints.is_empty() {
        let mut empty = row(&Value::Null);
        empty[7] = "empty".to_owned();
        vec![empty]
    } else {
        endpoints.iter().map(row).collect()
    }
}

fn state(endpoint: &Value) -> &'static str {
    if shown::is(endpoint, "ejected") {
        "ejected"
    } else if shown::is(endpoint, "held") {
        "held"
    } else if shown::is(endpoint, "silent") {
        "silent"
    } else {
        "registered"
    }
}
