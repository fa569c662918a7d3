//! `/v1/overrides`: what operators have put over the rules for a while, at this control plane.
//!
//! Each is put with a reason and for a time, and undone by itself when that is over. They count here only: data planes
//! that follow another control plane get what that one has. A restart ends them, since nothing is kept on disk.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::configuration::Interval;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::orders::refuse;
use super::{Inside, named};
use crate::registry_task::{Effect, Ended, NewOverride, Override, Target};
use pointsman_admin::{Caller, Members, NotRead, Problem, Sent, Terms, audit};

/// Where they are.
pub(super) const PATH: &str = "/v1/overrides";

/// What is said with each answer, for people.
const SCOPE: &str = "it counts at this control plane only, for the data planes that follow it, and until it restarts";

/// `POST /v1/overrides`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    kind: Kind,
    target: Option<Members<Meant>>,
    reason: String,
    #[serde(rename = "for")]
    length: Option<Interval>,
    #[serde(default)]
    force: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    FreezePruning,
    Eject,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meant {
    address: String,
    route: Option<String>,
    app: Option<String>,
}

/// Those that stand: who, why, since when and until when.
pub(super) async fn list(State(inside): State<Inside>) -> Response {
    match shown(&inside, inside.registry.overrides()).await {
        Ok(overrides) => Json(json!({ "scope": SCOPE, "overrides": overrides })).into_response(),
        Err(ended) => unavailable(ended),
    }
}

/// Puts one.
pub(super) async fn place(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Order>, NotRead>,
) -> Response {
    let refused = |error: NotRead| Problem::of(error.status).because(error.detail);
    let order = match order.map_err(refused) {
        Ok(Sent(order)) => order,
        Err(problem) => return problem.for_path(PATH),
    };
    let new = match order.read(caller.0.clone()) {
        Ok(new) => new,
        Err(detail) => {
            return Problem::of(StatusCode::BAD_REQUEST)
                .because(detail)
                .for_path(PATH);
        }
    };
    let before = json!({
        "overrides": inside.registry.overrides().len(),
        "order": {
            "kind": new.effect.kind(),
            "target": target(&new.effect),
            "reason": &*new.why,
            "seconds": new.length.as_secs(),
            "force": new.force,
        },
    });
    let placed = match inside.registry.place(new).await {
        Ok(placed) => placed,
        Err(refused) => {
            audit::record(&caller, "operator-override", &before, Err(&refused));
            return refuse(&refused, PATH);
        }
    };
    let location = [(header::LOCATION, format!("{PATH}/{}", placed.id))];
    match shown(&inside, vec![placed]).await {
        Ok(placed) => {
            let after = json!({
                "overrides": inside.registry.overrides().len(),
                "override": &placed[0],
            });
            audit::record(&caller, "operator-override", &before, Ok(&after));
            let answer = json!({ "scope": SCOPE, "override": &placed[0] });
            (StatusCode::CREATED, location, Json(answer)).into_response()
        }
        Err(ended) => unavailable(ended),
    }
}

/// Ends one before its time.
pub(super) async fn end(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let before = json!({ "overrides": inside.registry.overrides().len(), "id": id });
    match inside.registry.end_override(&id).await {
        Ok(ended) => {
            let ended = one(&ended, None);
            let after = json!({
                "overrides": inside.registry.overrides().len(),
                "ended": &ended,
            });
            audit::record(&caller, "operator-ends-override", &before, Ok(&after));
            Json(json!({ "override": ended })).into_response()
        }
        Err(refused) => {
            audit::record(&caller, "operator-ends-override", &before, Err(&refused));
            refuse(&refused, &format!("{PATH}/{id}"))
        }
    }
}

impl Order {
    /// The order, if it makes sense.
    fn read(self, who: Box<str>) -> Result<NewOverride, String> {
        let effect = match (self.kind, self.target.map(|Members(it)| it)) {
            (Kind::FreezePruning, None) => Effect::FreezePruning,
            (Kind::FreezePruning, Some(_)) => {
                return Err("freeze-pruning has no target: it is of all endpoints".to_owned());
            }
            (Kind::Eject, Some(meant)) => Effect::Eject(meant.read()?),
            (Kind::Eject, None) => {
                return Err("eject has no target; expected one with an address, and with route or app where only that is meant".to_owned());
            }
        };
        let Terms { why, length } = Terms::read(&self.reason, self.length)?;
        Ok(NewOverride {
            effect,
            who,
            why,
            length,
            force: self.force,
        })
    }
}

impl Meant {
    fn read(self) -> Result<Target, String> {
        if self.address.is_empty() {
            return Err(
                "target.address is empty; expected HOST:PORT as it is registered".to_owned(),
            );
        }
        let route = self.route.map(|uri| named::route("target.route", &uri));
        Ok(Target {
            address: self.address.into(),
            route: route.transpose()?,
            app_id: self.app.map(Into::into),
        })
    }
}

/// Overrides as they are shown, with how many endpoints are out by them.
async fn shown(inside: &Inside, overrides: Vec<Override>) -> Result<Vec<Value>, Ended> {
    let read = inside.registry.read(move |registry, _| {
        let each = overrides.into_iter().map(|it| {
            let out = match &it.effect {
                Effect::Eject(target) => Some(registry.ejected_by(&target.ejection())),
                Effect::FreezePruning => None,
            };
            one(&it, out)
        });
        each.collect()
    });
    read.await
}

fn one(placed: &Override, endpoints: Option<usize>) -> Value {
    let left = placed.ends.saturating_duration_since(Instant::now());
    json!({
        "id": &*placed.id,
        "kind": placed.effect.kind(),
        "target": target(&placed.effect),
        "endpoints": endpoints,
        "who": &*placed.who,
        "reason": &*placed.why,
        "since": placed.since.to_string(),
        "until": placed.until.to_string(),
        "seconds_left": left.as_secs(),
    })
}

fn target(effect: &Effect) -> Value {
    match effect {
        Effect::FreezePruning => Value::Null,
        Effect::Eject(target) => json!({
            "address": &*target.address,
            "route": target.route.as_ref().map(ToString::to_string),
            "app": target.app_id,
        }),
    }
}

fn unavailable(ended: Ended) -> Response {
    Problem::of(StatusCode::SERVICE_UNAVAILABLE)
        .because(ended.to_string())
        .for_path(PATH)
}
