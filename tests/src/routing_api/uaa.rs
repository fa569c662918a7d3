//! The UAA, as far as it gives tokens to clients.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request};
use parking_lot::Mutex;
use serde_json::json;

use super::serve::{Answered, Fault, Handler, Serving, fault, json as answer_json, status};
use crate::certs::Identity;

/// A UAA of the test's own, with one client; it and its connections end when the value is dropped.
pub struct Uaa {
    state: Arc<State>,
    serving: Serving,
}

/// Tokens that were given and are good.
pub(super) struct Issued(Mutex<HashSet<String>>);

impl Issued {
    pub(super) fn has(&self, token: &str) -> bool {
        self.0.lock().contains(token)
    }
}

struct State {
    credentials: String,
    issued: Arc<Issued>,
    requests: AtomicUsize,
    expires_in: Mutex<Option<u64>>,
    faults: Mutex<VecDeque<Fault>>,
    is_down: Mutex<bool>,
}

impl Uaa {
    /// A UAA that shows this identity, and knows this client by this secret.
    pub async fn start(identity: &Identity, client: &str, secret: &str) -> Self {
        let state = Arc::new(State {
            credentials: format!("Basic {}", STANDARD.encode(format!("{client}:{secret}"))),
            issued: Arc::new(Issued(Mutex::default())),
            requests: AtomicUsize::new(0),
            expires_in: Mutex::new(Some(43_199)),
            faults: Mutex::default(),
            is_down: Mutex::new(false),
        });
        let tls = identity.server_config(None);
        let serving = Serving::start(tls, Arc::clone(&state)).await;
        Self { state, serving }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.serving.address
    }

    /// How many tokens were asked for.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// How many seconds the next tokens are said to last.
    pub fn expires_in(&self, seconds: Option<u64>) {
        *self.state.expires_in.lock() = seconds;
    }

    /// None of the tokens that were given is good any more.
    pub fn revoke(&self) {
        self.state.issued.0.lock().clear();
    }

    /// The next requests go wrong like this, one after the other.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.faults.lock().extend(faults);
    }

    /// Whether every request is answered with 503.
    pub fn set_down(&self, is_down: bool) {
        *self.state.is_down.lock() = is_down;
    }

    pub(super) fn issued(&self) -> Arc<Issued> {
        Arc::clone(&self.state.issued)
    }
}

impl Handler for State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answered {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?;
        let fault_now = self.faults.lock().pop_front();
        if let Some(other) = fault_now {
            return fault(other, String::new()).await;
        }
        if *self.is_down.lock() {
            return Ok(status(503, "down"));
        }
        if (head.method, head.uri.path()) != (Method::POST, "/oauth/token") {
            return Ok(status(404, ""));
        }
        if body.to_bytes() != "grant_type=client_credentials" {
            return Ok(status(400, r#"{"error":"invalid_request"}"#));
        }
        let given = head.headers.get(AUTHORIZATION);
        if given.is_none_or(|given| given.as_bytes() != self.credentials.as_bytes()) {
            let reason = r#"{"error":"unauthorized","error_description":"Bad credentials"}"#;
            return Ok(status(401, reason));
        }
        let token = format!("token-{number}");
        self.issued.0.lock().insert(token.clone());
        let mut answer = json!({
            "access_token": token,
            "token_type": "bearer",
            "scope": "routing.routes.read",
            "jti": format!("jti-{number}"),
        });
        if let Some(seconds) = *self.expires_in.lock() {
            answer["expires_in"] = seconds.into();
        }
        Ok(answer_json(answer.to_string()))
    }
}
