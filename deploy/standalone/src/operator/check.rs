//! `pointsman check`: whether everything is well.

use std::io::Write;

use serde_json::{Value, json};

use super::api::Api;
use super::arguments::Output;
use super::{Failure, Outcome, shown};

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// What is not well; empty where all is.
    wrong: Vec<String>,
}

pub(super) async fn run(
    api: &Api,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let (status, text) = api.text("/readyz").await?;
    let waits = if status.is_success() { "" } else { &*text };
    let fleet = api.get("/v1/replicas", &[]).await?;
    let overrides = api.get("/v1/overrides", &[]).await?;
    let findings = findings(waits, &fleet, &overrides);
    match output {
        Output::Json => {
            let told = findings.iter().map(|finding| {
                let Finding { what, wrong } = finding;
                json!({ "check": what, "good": wrong.is_empty(), "wrong": wrong })
            });
            shown::json(out, &Value::from_iter(told))?;
        }
        Output::Table => {
            for Finding { what, wrong } in &findings {
                let mark = if wrong.is_empty() { "good" } else { "BAD " };
                shown::line(out, &format!("{mark}  {what}"))?;
                for wrong in wrong {
                    shown::line(out, &format!("        {wrong}"))?;
                }
            }
        }
    }
    let good = findings.iter().all(|finding| finding.wrong.is_empty());
    Ok(if good { Outcome::Good } else { Outcome::Bad })
}

fn findings(waits: &str, fleet: &Value, overrides: &Value) -> Vec<Finding> {
    let replicas = shown::list(fleet, "replicas");
    let standing = fleet.get("standing").unwrap_or(&Value::Null);
    let guard = fleet.get("guard").unwrap_or(&Value::Null);
    let held = shown::count(guard, "held_expiries");
    let unless = |good: bool, wrong: String| if good { Vec::new() } else { vec![wrong] };
    let finding = |what, wrong| Finding { what, wrong };
    vec![
        finding(
            "the control plane is ready",
            waits.lines().map(str::to_owned).collect(),
        ),
        finding(
            "the control plane knows what is registered",
            unless(
                shown::is(standing, "authoritative"),
                shown::member(standing, "reason"),
            ),
        ),
        finding(
            "nothing is kept because too much fell silent at once",
            unless(
                held == 0,
                format!("{held} endpoints are; overrides release lets them go"),
            ),
        ),
        finding(
            "data planes follow",
            unless(!replicas.is_empty(), "none does".to_owned()),
        ),
        finding(
            "each data plane has what it should",
            replicas.iter().filter_map(behind).collect(),
        ),
        finding(
            "no data plane rejects anything",
            replicas.iter().filter_map(rejects).collect(),
        ),
        finding(
            "no override is in force",
            shown::list(overrides, "overrides")
                .iter()
                .map(told)
                .collect(),
        ),
    ]
}

fn behind(replica: &Value) -> Option<String> {
    let state = shown::member(replica, "state");
    let degraded = shown::member(replica, "degraded");
    let name = shown::member(replica, "name");
    if state == "behind" {
        let lag = shown::seconds(replica, "lag_seconds");
        let revisions = shown::count(replica, "lag_revisions");
        return Some(format!(
            "{name} is behind by {revisions} revisions, for {lag}"
        ));
    }
    (!degraded.is_empty()).then(|| format!("{name}: {degraded}"))
}

fn rejects(replica: &Value) -> Option<String> {
    let rejected = shown::list(replica, "rejected");
    let first = rejected.first()?;
    Some(format!(
        "{} rejects {}, as {} {}: {}",
        shown::member(replica, "name"),
        rejected.len(),
        shown::member(first, "route"),
        shown::member(first, "address"),
        shown::member(first, "reason"),
    ))
}

fn told(one: &Value) -> String {
    let said = ["id", "kind", "who", "reason", "until"].map(|name| shown::member(one, name));
    let [id, kind, who, reason, until] = said;
    format!("{id}: {kind} by {who} until {until}: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks that do not pass.
    fn bad(waits: &str, fleet: &Value, overrides: &Value) -> Vec<String> {
        let findings = findings(waits, fleet, overrides);
        let wrong = findings.into_iter().flat_map(|finding| finding.wrong);
        wrong.collect()
    }

    fn well() -> Value {
        json!({
            "standing": { "authoritative": true, "reason": "" },
            "guard": { "held_expiries": 0 },
            "replicas": [{ "name": "a", "state": "converged", "degraded": "", "rejected": [] }],
        })
    }

    #[test]
    fn a_fleet_that_is_well_passes() {
        assert!(bad("", &well(), &json!({ "overrides": [] })).is_empty());
    }

    #[test]
    fn everything_that_is_not_well_is_told() {
        let none = json!({ "overrides": [] });
        assert_eq!(bad("nats\nregistry", &well(), &none), ["nats", "registry"]);
        let mut fleet = well();
        fleet["standing"] = json!({ "authoritative": false, "reason": "has listened for 3 s" });
        fleet["guard"]["held_expiries"] = json!(12);
        fleet["replicas"] = json!([
            { "name": "b", "state": "behind", "lag_revisions": 4, "lag_seconds": 2.0, "rejected": [] },
            { "name": "c", "state": "rejecting", "degraded": "",
              "rejected": [{ "route": "x", "address": "1.2.3.4:5", "reason": "why" }] },
            { "name": "d", "state": "converged", "degraded": "held", "rejected": [] },
        ]);
        let overrides = json!({ "overrides": [
            { "id": "1", "kind": "eject", "who": "me", "reason": "r", "until": "u" }
        ] });
        assert_eq!(
            bad("", &fleet, &overrides),
            [
                "has listened for 3 s",
                "12 endpoints are; overrides release lets them go",
                "b is behind by 4 revisions, for 2.0s",
                "d: held",
                "c rejects 1, as x 1.2.3.4:5: why",
                "1: eject by me until u: r",
            ]
        );
        let mut alone = well();
        alone["replicas"] = json!([]);
        assert_eq!(bad("", &alone, &none), ["none does"]);
    }
}
