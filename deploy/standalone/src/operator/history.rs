//! `pointsman history`: what became of one route.

use std::io::Write;

use serde_json::Value;

use super::api::Api;
use super::arguments::Output;
use super::{Failure, Outcome, shown};

pub(super) async fn run(
    api: &Api,
    route: &str,
    limit: Option<u32>,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let limit = limit.map(|limit| limit.to_string());
    let mut query = vec![("uri", route)];
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    let history = api.get("/v1/routes/history", &query).await?;
    let changes = shown::list(&history, "changes");
    match output {
        Output::Json => shown::json(out, &history)?,
        Output::Table => {
            let headings = [
                "TIME",
                "REVISION",
                "WHAT",
                "WHY",
                "SOURCE",
                "ENDPOINT",
                "SEGMENT",
                "DIFFERENCE",
            ];
            shown::table(out, headings, changes.iter().map(row))?;
            if shown::is(&history, "earlier") {
                shown::line(out, "more is known: ask with a higher --limit")?;
            }
        }
    }
    Ok(if changes.is_empty() {
        Outcome::Bad
    } else {
        Outcome::Good
    })
}

/// A change, as the watch shows it as well.
pub(super) fn row(change: &Value) -> [String; 8] {
    let address = shown::member(change, "address");
    [
        shown::member(change, "time"),
        shown::member(change, "revision"),
        shown::member(change, "what"),
        shown::member(change, "why"),
        shown::member(change, "source"),
        if address.is_empty() {
            "(the route itself)".to_owned()
        } else {
            address
        },
        shown::segment(change),
        differences(change),
    ]
}

fn differences(change: &Value) -> String {
    let told = shown::list(change, "differences").iter().map(|difference| {
        let [before, after] = ["before", "after"].map(|side| shown::member(difference, side));
        format!(
            "{} {before:?} -> {after:?}",
            shown::member(difference, "member")
        )
    });
    told.collect::<Vec<_>>().join(", ")
}
