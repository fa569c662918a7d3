//! `/v1/overrides`: what an operator puts over the rules of this data plane for a while.
//!
//! Orders come as JSON, which a page in a browser cannot send elsewhere without being allowed to; nobody is.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pointsman_process::configuration::Interval;
use pointsman_process::telemetry::AUDIT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inside;
use super::access::Caller;
use crate::overrides::{Effect, Limit, NewOverride, Override, Refused, ServiceName};

/// Where they are.
pub(super) const PATH: &str = "/v1/overrides";

/// How long one stands where nothing is said.
const USUAL: Duration = Duration::from_secs(3600);

/// The shortest and the longest that one may stand.
const LENGTHS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(24 * 3600)];

/// The longest reason, in bytes.
const MAX_REASON: usize = 512;

/// What is said with each answer, for people.
const SCOPE: &str =
    "it counts at this data plane only, and until it restarts or hands its listeners over";

/// `POST /v1/overrides`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    kind: Kind,
    target: Option<Target>,
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
    Extension(Caller(who)): Extension<Caller>,
    order: Result<Json<Order>, JsonRejection>,
) -> Response {
    let order = match order {
        Ok(Json(order)) => order,
        Err(error) => return problem(error.status(), &error.body_text()),
    };
    let new = match order.read(who) {
        Ok(new) => new,
        Err(detail) => return problem(StatusCode::BAD_REQUEST, &detail),
    };
    let before = inside.overrides.state();
    let placed = inside.overrides.place(new.clone()).await;
    let outcome = placed.as_ref().map_or_else(ToString::to_string, |placed| {
        format!("stands as {} until {}", placed.id, placed.until)
    });
    tracing::info!(
        target: AUDIT,
        component = "admin",
        user = &*new.who,
        kind = new.effect.kind(),
        target = target(&new.effect).to_string(),
        reason = &*new.why,
        seconds = new.length.as_secs(),
        force = new.force,
        before,
        after = inside.overrides.state(),
        outcome,
        "operator-override"
    );
    match placed {
        Ok(placed) => {
            let location = [(header::LOCATION, format!("{PATH}/{}", placed.id))];
            let shown = json!({ "scope": SCOPE, "override": Shown::of(&placed) });
            (StatusCode::CREATED, location, Json(shown)).into_response()
        }
        Err(refused) => refuse(&refused),
    }
}

/// Ends one before its time.
pub(super) async fn end(
    State(inside): State<Inside>,
    Extension(Caller(who)): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let before = inside.overrides.state();
    let ended = inside.overrides.end(&id);
    let outcome = ended
        .as_ref()
        .map_or_else(ToString::to_string, |_| "ended".to_owned());
    tracing::info!(
        target: AUDIT,
        component = "admin",
        user = &*who,
        id,
        kind = ended.as_ref().map_or("", |it| it.effect.kind()),
        before,
        after = inside.overrides.state(),
        outcome,
        "operator-ends-override"
    );
    match ended {
        Ok(ended) => Json(json!({ "override": Shown::of(&ended) })).into_response(),
        Err(refused) => refuse(&refused),
    }
}

impl Order {
    /// The order, if it makes sense.
    fn read(self, who: Box<str>) -> Result<NewOverride, String> {
        let effect = self.target.unwrap_or_default().read(self.kind)?;
        let why = self.reason.trim();
        if why.is_empty() || why.len() > MAX_REASON {
            let length = why.len();
            return Err(format!(
                "reason has {length} bytes; expected 1 to {MAX_REASON}, for those who find the override"
            ));
        }
        let length = self.length.map_or(USUAL, Duration::from);
        let [shortest, longest] = LENGTHS;
        if !(shortest..=longest).contains(&length) {
            return Err(format!("for is {length:?}; expected 1s to 24h"));
        }
        Ok(NewOverride {
            effect,
            who,
            why: why.into(),
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

/// An error as RFC 9457 has it; no `type`, so that the title is that of the status.
fn problem(status: StatusCode, detail: &str) -> Response {
    let details = json!({
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, content_type, Json(details)).into_response()
}
