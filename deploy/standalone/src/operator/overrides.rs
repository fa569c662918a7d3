//! `pointsman overrides`: what operators put over the rules for a while.

use std::io::Write;

use serde_json::{Value, json};

use super::api::{Api, below};
use super::arguments::{New, Output, Override};
use super::{Failure, Outcome, shown};

const PATH: &str = "/v1/overrides";

pub(super) async fn run(
    api: &Api,
    command: Option<Override>,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let answer = match &command {
        None => api.get(PATH, &[]).await?,
        Some(Override::Release) => release(api).await?,
        Some(Override::End { id }) => api.end(&below(PATH, id)).await?,
        Some(Override::New(new)) => place(api, new).await?,
    };
    match output {
        Output::Json => shown::json(out, &answer)?,
        Output::Table => people(&answer, out)?,
    }
    Ok(Outcome::Good)
}

/// Puts one.
async fn place(api: &Api, new: &New) -> Result<Value, Failure> {
    let (mut order, terms) = match new {
        New::FreezePruning(terms) => (json!({ "kind": "freeze-pruning" }), terms),
        New::FreezeTable(terms) => (json!({ "kind": "freeze-table" }), terms),
        New::DisableHttp2(terms) => (json!({ "kind": "disable-http2" }), terms),
        New::Eject {
            address,
            route,
            app,
            force,
            terms,
        } => {
            let target = json!({ "address": address, "route": route, "app": app });
            let order = json!({ "kind": "eject", "target": target, "force": force });
            (order, terms)
        }
        New::LastKnownGood {
            generation,
            force,
            terms,
        } => {
            let target = json!({ "generation": generation });
            let order = json!({ "kind": "last-known-good", "target": target, "force": force });
            (order, terms)
        }
        New::DisableRouteService { service, terms } => {
            let target = json!({ "service": service });
            let order = json!({ "kind": "disable-route-service", "target": target });
            (order, terms)
        }
        New::RaiseLimit { limit, to, terms } => {
            let target = json!({ "limit": limit, "to": to });
            (json!({ "kind": "raise-limit", "target": target }), terms)
        }
    };
    order["reason"] = Value::from(&*terms.reason);
    order["for"] = Value::from(&*terms.lasts);
    api.order(PATH, &order).await
}

/// Lets go whatever is held at the revision that everybody is to have now.
async fn release(api: &Api) -> Result<Value, Failure> {
    let fleet = api.get("/v1/replicas", &[]).await?;
    let order = json!({
        "epoch": fleet.get("epoch"),
        "up_to_revision": fleet.get("wanted_revision"),
    });
    api.order("/v1/release", &order).await
}

fn people(answer: &Value, out: &mut impl Write) -> std::io::Result<()> {
    let one = answer.get("override").map(std::slice::from_ref);
    let all = match one {
        Some(one) => one,
        None if answer.get("overrides").is_some() => shown::list(answer, "overrides"),
        None => {
            let [expiries, told] =
                ["released_expiries", "told_replicas"].map(|name| shown::count(answer, name));
            let done = format!("{expiries} expiries released, {told} data planes told");
            return shown::line(out, &done);
        }
    };
    let headings = [
        "ID",
        "KIND",
        "TARGET",
        "ENDPOINTS",
        "WHO",
        "REASON",
        "UNTIL",
    ];
    shown::table(out, headings, all.iter().map(row))?;
    match answer.get("scope") {
        Some(scope) => shown::line(out, &shown::plain(scope)),
        None => Ok(()),
    }
}

fn row(one: &Value) -> [String; 7] {
    let target = one.get("target").unwrap_or(&Value::Null);
    let members = [
        "address",
        "route",
        "app",
        "generation",
        "service",
        "limit",
        "to",
    ];
    let target = members.map(|name| shown::member(target, name));
    let target = target.iter().filter(|part| !part.is_empty());
    [
        shown::member(one, "id"),
        shown::member(one, "kind"),
        target.cloned().collect::<Vec<_>>().join(" "),
        shown::member(one, "endpoints"),
        shown::member(one, "who"),
        shown::member(one, "reason"),
        shown::member(one, "until"),
    ]
}
