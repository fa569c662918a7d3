//! `/v1/overrides`: what an operator puts over the rules of this data plane for a while.
//!
//! Orders come as JSON, which a page in a browser cannot send elsewhere without being allowed to; nobody is.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_admin::{Caller, Members, NotRead, Problem, Sent, Terms, audit};
use pointsman_process::configuration::Interval;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inside;
use crate::overrides::{Effect, Limit, NewOverride, Override, Refused, ServiceName};

/// Where they are.
pub(super) const PATH: &str = "/v1/overrides";

/// What is said with each answer, for people.
const SCOPE: &str =
    "it counts at this data plane only, and until it restarts or hands its listeners over";

/// `POST /v1/overrides`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    kind: Kind,
    target: Option<Members<Target>>,
    reason: String,
    #[serde(rename = "for")]
    length: Option<Interval>,
    #[serde(default)]
    force: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    FreezeTable,
    LastKnownGood,
    DisableRouteService,
    DisableHttp2,
    RaiseLimit,
}

/// What is meant; which fields there are depends on the kind.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    generation: Option<u8>,
    service: Option<String>,
    limit: Option<String>,
    to: Option<usize>,
}

/// Those that stand: who, why, since when and until when.
pub(super) async fn list(State(inside): State<Inside>) -> Response {
    let standing = inside.overrides.list();
    let shown: Vec<_> = standing.iter().map(Shown::of).collect();
    Json(json!({ "scope": SCOPE, "overrides": shown })).into_response()
}

/// Puts one.
pub(super) async fn place(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    order: Result<Sent<Order>, NotRead>,
) -> Response {
    let order = match order {
        Ok(Sent(order)) => order,
        Err(error) => return problem(error.status, &error.detail),
    };
    let new = match order.read(caller.0.clone()) {
        Ok(new) => new,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    let before = json!({
        "state": inside.overrides.state(),
        "order": {
            "kind": new.effect.kind(),
            "target": target(&new.effect),
            "reason": &*new.why,
            "seconds": new.length.as_secs(),
            "force": new.force,
        },
    });
    match inside.overrides.place(new).await {
        Ok(placed) => {
            let after = json!({
                "state": inside.overrides.state(),
                "override": Shown::of(&placed),
            });
            audit::record(&caller, "operator-override", &before, Ok(&after));
            let location = [(header::LOCATION, format!("{PATH}/{}", placed.id))];
            let shown = json!({ "scope": SCOPE, "override": Shown::of(&placed) });
            (StatusCode::CREATED, location, Json(shown)).into_response()
        }
        Err(refused) => {
            audit::record(&caller, "operator-override", &before, Err(&refused));
            refuse(&refused)
        }
    }
}

/// Ends one before its time.
pub(super) async fn end(
    State(inside): State<Inside>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let before = json!({ "state": inside.overrides.state(), "id": id });
    match inside.overrides.end(&id) {
        Ok(ended) => {
            let after = json!({
                "state": inside.overrides.state(),
                "ended": Shown::of(&ended),
            });
            audit::record(&caller, "operator-ends-override", &before, Ok(&after));
            Json(json!({ "override": Shown::of(&ended) })).into_response()
        }
        Err(refused) => {
            audit::record(&caller, "operator-ends-override", &before, Err(&refused));
            refuse(&refused)
        }
    }
}

impl Order {
    /// The order, if it makes sense.
    fn read(self, who: Box<str>) -> Result<NewOverride, String> {
        let effect = self.target.unwrap_or_default().0.read(self.kind)?;
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

impl Target {
    fn read(self, kind: Kind) -> Result<Effect, String> {
        match (kind, self) {
            (
                Kind::FreezeTable | Kind::DisableHttp2,
                Self {
                    generation: None,
                    service: None,
                    limit: None,
                    to: None,
                },
            ) => Ok(match kind {
                Kind::DisableHttp2 => Effect::DisableHttp2,
                _ => Effect::FreezeTable,
            }),
            (
                Kind::LastKnownGood,
                Self {
                    generation: Some(number),
                    service: None,
                    limit: None,
                    to: None,
                },
            ) => Ok(Effect::LastKnownGood(number)),
            (
                Kind::DisableRouteService,
                Self {
                    generation: None,
                    service: Some(name),
                    limit: None,
                    to: None,
                },
            ) => ServiceName::parse(&name)
                .map(Effect::DisableRouteService)
                .ok_or_else(|| {
                    format!(
                        "target.service is `{name}`; expected a host, HOST:PORT, a URL, or * for all"
                    )
                }),
            (
                Kind::RaiseLimit,
                Self {
                    generation: None,
                    service: None,
                    limit: Some(name),
                    to: Some(to),
                },
            ) => limit(&name).map(|limit| Effect::RaiseLimit(limit, to)),
            (kind, _) => Err(format!("{}; nothing else belongs to it", expected(kind))),
        }
    }
}

fn limit(name: &str) -> Result<Limit, String> {
    let mut all = Limit::ALL.into_iter();
    let known = all.find(|limit| limit.word() == name);
    known.ok_or_else(|| {
        let words = Limit::ALL.map(Limit::word).join(" or ");
        format!("target.limit is `{name}`; expected {words}")
    })
}

/// What the target of an order looks like.
const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::FreezeTable => "freeze-table has no target",
        Kind::LastKnownGood => "the target of last-known-good is {\"generation\": N}",
        Kind::DisableRouteService => "the target of disable-route-service is {\"service\": HOST}",
        Kind::DisableHttp2 => "disable-http2 has no target",
        Kind::RaiseLimit => "the target of raise-limit is {\"limit\": NAME, \"to\": NUMBER}",
    }
}

/// An override as it is shown.
#[derive(Serialize)]
pub(super) struct Shown {
    id: Box<str>,
    kind: &'static str,
    target: Value,
    who: Box<str>,
    reason: Box<str>,
    since: String,
    until: String,
    seconds_left: u64,
}

impl Shown {
    pub(super) fn of(placed: &Override) -> Self {
        let left = placed.ends.saturating_duration_since(Instant::now());
        Self {
            id: placed.id.clone(),
            kind: placed.effect.kind(),
            target: target(&placed.effect),
            who: placed.who.clone(),
            reason: placed.why.clone(),
            since: placed.since.to_string(),
            until: placed.until.to_string(),
            seconds_left: left.as_secs(),
        }
    }
}

fn target(effect: &Effect) -> Value {
    match effect {
        Effect::FreezeTable | Effect::DisableHttp2 => Value::Null,
        Effect::LastKnownGood(number) => json!({ "generation": number }),
        Effect::DisableRouteService(name) => json!({ "service": name.to_string() }),
        Effect::RaiseLimit(limit, to) => json!({ "limit": limit.word(), "to": to }),
    }
}

fn refuse(refused: &Refused) -> Response {
    let status = match refused {
        Refused::None(_) => StatusCode::NOT_FOUND,
        Refused::NoTable
        | Refused::TableTaken(_)
        | Refused::NoFolder
        | Refused::NoGeneration(_)
        | Refused::Unusable(..)
        | Refused::NoRaise { .. }
        | Refused::TooMany => StatusCode::CONFLICT,
    };
    problem(status, &refused.to_string())
}

fn problem(status: StatusCode, detail: &str) -> Response {
    Problem::of(status).because(detail).for_path(PATH)
}
