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
    Ok(outcome(&explanation))
}

/// What is known to be wrong counts more than what nobody knows.
fn outcome(explanation: &Value) -> Outcome {
    let answered = explanation.get("status").is_none_or(Value::is_null);
    let replicas = shown::list(explanation, "replicas").iter();
    let answers: Vec<_> = replicas.map(|it| shown::member(it, "answer")).collect();
    if !answered || answers.iter().any(|answer| answer == "different") {
        Outcome::Bad
    } else if answers.iter().all(|answer| answer == "same") {
        Outcome::Good
    } else {
        Outcome::Unknown
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::status;
    use super::*;

    /// K-140: a data plane that did not say what it would answer is not taken for one that agrees
    #[test]
    fn the_exit_code_tells_who_differs_and_who_did_not_answer() {
        for (nobody_to_ask, answers, wanted) in [
            (json!(null), &[][..], 0),
            (json!(null), &["same", "same"], 0),
            (json!(null), &["same", "unanswered"], 3),
            (json!(null), &["not-asked", "same"], 3),
            (json!(null), &["unanswered", "different"], 1),
            (json!(null), &["same", "different"], 1),
            (json!(404), &["same"], 1),
            (json!(404), &["unanswered"], 1),
        ] {
            let each = answers.iter().map(|answer| json!({ "answer": answer }));
            let replicas = Value::from_iter(each);
            let told = outcome(&json!({ "status": nobody_to_ask, "replicas": replicas }));
            assert_eq!(status(&Ok(told)), wanted, "{answers:?}");
        }
    }
}
