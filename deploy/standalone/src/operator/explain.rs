//! `pointsman explain`: which route and endpoints a URL gets, and why.

use std::io::Write;

use serde_json::Value;

use super::api::Api;
use super::arguments::{Output, Question};
use super::{Failure, Outcome, shown};

pub(super) async fn run(
    api: &Api,
    question: &Question,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let mut query = vec![("url", &*question.url)];
    query.extend(question.method.as_deref().map(|method| ("method", method)));
    query.extend(question.header.iter().map(|header| ("header", &**header)));
    if question.without_replicas {
        query.push(("replicas", "false"));
    }
    let explanation = api.get("/v1/explain", &query).await?;
    match output {
        Output::Json => shown::json(out, &explanation)?,
        Output::Table => people(&explanation, out)?,
    }
    let answered = explanation.get("status").is_none_or(Value::is_null);
    let differs = shown::list(&explanation, "replicas")
        .iter()
        .any(|replica| shown::member(replica, "answer") == "different");
    Ok(if answered && !differs {
        Outcome::Good
    } else {
        Outcome::Bad
    })
}

fn people(explanation: &Value, out: &mut impl Write) -> std::io::Result<()> {
    for step in shown::list(explanation, "steps") {
        shown::line(out, &shown::plain(step))?;
    }
    let endpoints = shown::list(explanation, "endpoints");
    if !endpoints.is_empty() {
        writeln!(out)?;
        let rows = endpoints.iter().map(|endpoint| {
            let names = [
                "address",
                "segment",
                "availability_zone",
                "app_id",
                "chosen",
                "notes",
            ];
            names.map(|name| shown::member(endpoint, name))
        });
        let headings = ["ENDPOINT", "SEGMENT", "ZONE", "APP", "CHOSEN", "NOTES"];
        shown::table(out, headings, rows)?;
    }
    let replicas = shown::list(explanation, "replicas");
    if replicas.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = replicas.iter().map(|replica| {
        ["id", "name", "acked_revision", "answer", "differences"]
            .map(|name| shown::member(replica, name))
    });
    shown::table(out, ["ID", "NAME", "ACKED", "ANSWER", "DIFFERENCES"], rows)
}
