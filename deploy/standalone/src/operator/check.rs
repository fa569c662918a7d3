//! `pointsman check`: whether everything is well.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::api::Api;
use super::arguments::Output;
use super::{Failure, Outcome, shown};

/// How long a data plane may take to what was wanted when the check began: one that follows is always on its way.
const GRACE: Duration = Duration::from_secs(5);

/// Between two looks at data planes that are on their way.
const PAUSE: Duration = Duration::from_millis(250);

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
    let (fleet, wanted) = fleet(api, GRACE).await?;
    let overrides = api.get("/v1/overrides", &[]).await?;
    let findings = findings(waits, (&fleet, wanted), &overrides);
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

/// The data planes, and the revision that each of them should have.
async fn fleet(api: &Api, grace: Duration) -> Result<(Value, u64), Failure> {
    const PATH: &str = "/v1/replicas";
    let mut fleet = api.get(PATH, &[]).await?;
    let wanted = shown::count(&fleet, "wanted_revision");
    let until = Instant::now() + grace;
    while is_on_its_way(&fleet, wanted) && Instant::now() < until {
        sleep(PAUSE).await;
        fleet = api.get(PATH, &[]).await?;
    }
    // Another life of the control plane counts from the beginning.
    let wanted = wanted.min(shown::count(&fleet, "wanted_revision"));
    Ok((fleet, wanted))
}

/// Whether waiting may help a data plane to what it lacks: one that is frozen stays as it is.
fn is_on_its_way(fleet: &Value, wanted: u64) -> bool {
    shown::list(fleet, "replicas")
        .iter()
        .any(|replica| lacks(replica, wanted) && !shown::is(replica, "frozen"))
}

fn lacks(replica: &Value, wanted: u64) -> bool {
    shown::count(replica, "acked_revision") < wanted
}

fn findings(waits: &str, (fleet, wanted): (&Value, u64), overrides: &Value) -> Vec<Finding> {
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
            replicas
                .iter()
                .flat_map(|replica| [behind(replica, wanted), degraded(replica)])
                .flatten()
                .collect(),
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
                .chain(replicas.iter().filter_map(overridden))
                .collect(),
        ),
    ]
}

/// Judged by what it has acked: its state is one word, and that of a frozen or draining one says nothing of this.
fn behind(replica: &Value, wanted: u64) -> Option<String> {
    let name = shown::member(replica, "name");
    let lag = shown::seconds(replica, "lag_seconds");
    let revisions = shown::count(replica, "lag_revisions");
    lacks(replica, wanted).then(|| format!("{name} is behind by {revisions} revisions, for {lag}"))
}

fn degraded(replica: &Value) -> Option<String> {
    let [name, degraded] = ["name", "degraded"].map(|name| shown::member(replica, name));
    (!degraded.is_empty()).then(|| format!("{name}: {degraded}"))
}

/// What was ordered at the data plane itself, whose list says more.
fn overridden(replica: &Value) -> Option<String> {
    let [name, kinds] = ["name", "overrides"].map(|name| shown::member(replica, name));
    if !kinds.is_empty() {
        return Some(format!("{kinds} at the data plane {name}"));
    }
    shown::is(replica, "frozen").then(|| format!("the table of the data plane {name} is frozen"))
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::status;
    use super::super::tests::scripted::{Scripted, answer};
    use super::*;

    const WANTED: u64 = 7;

    /// The checks that do not pass.
    fn bad(waits: &str, fleet: &Value, overrides: &Value) -> Vec<String> {
        let findings = findings(waits, (fleet, WANTED), overrides);
        let wrong = findings.into_iter().flat_map(|finding| finding.wrong);
        wrong.collect()
    }

    fn well() -> Value {
        json!({
            "wanted_revision": WANTED,
            "standing": { "authoritative": true, "reason": "" },
            "guard": { "held_expiries": 0 },
            "replicas": [{
                "name": "a", "state": "converged", "acked_revision": 7, "lag_revisions": 0, "lag_seconds": 0.0,
                "degraded": "", "rejected": [], "frozen": false, "overrides": [],
            }],
        })
    }

    /// A fleet that is well but for its data plane, which says this of itself.
    fn with(members: &Value) -> Value {
        let mut fleet = well();
        let replica = fleet["replicas"][0].as_object_mut().expect("a data plane");
        replica.extend(members.as_object().expect("members").clone());
        fleet
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
            { "name": "b", "state": "behind", "acked_revision": 3, "lag_revisions": 4, "lag_seconds": 2.0 },
            { "name": "c", "state": "rejecting", "acked_revision": 7,
              "rejected": [{ "route": "x", "address": "1.2.3.4:5", "reason": "why" }] },
            { "name": "d", "state": "converged", "acked_revision": 7, "degraded": "held" },
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

    #[test]
    fn what_a_data_plane_lacks_is_told_in_every_state() {
        let none = json!({ "overrides": [] });
        let lacks = json!({ "acked_revision": 5, "lag_revisions": 2, "lag_seconds": 9.0 });
        for state in ["frozen", "draining", "rejecting", "behind"] {
            let mut fleet = with(&lacks);
            fleet["replicas"][0]["state"] = json!(state);
            let told = bad("", &fleet, &none);
            assert_eq!(told, ["a is behind by 2 revisions, for 9.0s"], "{state}");
        }
        // What came after the check had begun is no fault.
        let newer = json!({ "state": "behind", "lag_revisions": 2, "lag_seconds": 0.1 });
        assert!(bad("", &with(&newer), &none).is_empty());
    }

    #[test]
    fn an_override_at_a_data_plane_is_told() {
        let none = json!({ "overrides": [] });
        let fleet = with(
            &json!({ "state": "frozen", "frozen": true, "overrides": ["freeze-table", "disable-http2"] }),
        );
        assert_eq!(
            bad("", &fleet, &none),
            ["freeze-table, disable-http2 at the data plane a"]
        );
        let fleet = with(&json!({ "state": "frozen", "frozen": true }));
        assert_eq!(
            bad("", &fleet, &none),
            ["the table of the data plane a is frozen"]
        );
    }

    /// A control plane whose data plane has acked this at the first look, and the other at all later ones.
    async fn followed(first: Value, later: Value) -> Scripted {
        let looks = std::sync::Arc::new(AtomicUsize::new(0));
        Scripted::start(move |asked| match asked {
            "GET /v1/replicas" => {
                let look = looks.fetch_add(1, Ordering::Relaxed);
                let mut fleet = with(if look == 0 { &first } else { &later });
                fleet["wanted_revision"] = json!(WANTED + look as u64);
                answer(200, &fleet)
            }
            _ => answer(200, &json!({ "overrides": [] })),
        })
        .await
    }

    #[tokio::test]
    async fn a_data_plane_that_is_on_its_way_is_well() {
        let behind = |acked: u64| json!({ "state": "behind", "acked_revision": acked });
        let server = followed(behind(WANTED - 1), behind(WANTED)).await;
        let (ended, told) = server.command(&["check"]).await;
        assert_eq!(status(&ended), 0, "{told}");
        let server = followed(behind(WANTED - 1), behind(WANTED - 1)).await;
        let (ended, told) = server.command(&["check"]).await;
        assert_eq!(status(&ended), 1, "{told}");
        assert!(
            told.contains("BAD   each data plane has what it should"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn a_frozen_data_plane_is_not_waited_for() {
        let frozen = json!({ "state": "frozen", "frozen": true, "acked_revision": WANTED - 1 });
        let server = followed(frozen, json!({})).await;
        let (ended, told) = server.command(&["check"]).await;
        assert_eq!(status(&ended), 1, "{told}");
    }

    #[tokio::test]
    async fn what_others_say_stays_on_its_line_and_is_as_it_is_for_scripts() {
        let server = Scripted::start(|asked| match asked {
            "GET /v1/overrides" => answer(
                200,
                &json!({ "overrides": [{ "id": "1", "reason": "x\u{1b}[31m\nnewline" }] }),
            ),
            _ => answer(200, &well()),
        })
        .await;
        let (_, told) = server.command(&["check"]).await;
        let last = told.lines().last().expect("a line");
        assert!(last.ends_with(": x\\u{1b}[31m\\nnewline"), "{told}");
        let (_, told) = server.command(&["check", "-o", "json"]).await;
        assert!(told.contains(r": x\u001b[31m\nnewline"), "{told}");
        let (_, told) = server.command(&["overrides"]).await;
        assert!(told.contains("x\\u{1b}[31m\\nnewline"), "{told}");
    }
}
