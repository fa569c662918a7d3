//! Who may look, and who may change something.

mod basic;
mod failures;
mod secrets;
#[cfg(test)]
mod tests;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

pub use basic::Credentials;
use failures::Failures;
pub use token::Token;

use crate::audit;
use crate::problem::Problem;

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    #[default]
    Read,
    /// Look, and change something.
    Write,
}

/// A client that is known by a name in its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// A DNS name or URI among the subject alternative names, compared whole.
    pub san: String,
    /// What it may do.
    pub role: Role,
}

/// Who asks, for the log: the user, the token or the name in the certificate; `-` where nobody is asked who they are.
#[derive(Clone, Debug)]
pub struct Caller(pub Box<str>);

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The names in its certificate, which was verified.
    pub(crate) names: Arc<[String]>,
}

/// Decides about requests.
#[derive(Debug, Default)]
pub(crate) struct Access {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) tokens: Vec<Arc<Token>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) failures: Failures,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
enum Denied {
    /// Nobody, or somebody else.
    Unauthorized,
    /// Somebody who may look only.
    ReadOnly(Box<str>),
    /// A name that is not this machine's: a page in a browser was made to ask (DNS rebinding, R-175).
    ForeignHost,
    /// Somebody who has guessed too often.
    TooOften,
}

impl Access {
    /// Whether nobody is asked who they are.
    fn is_open(&self) -> bool {
        self.credentials.is_none() && self.tokens.is_empty() && self.clients.is_empty()
    }

    fn decide(&self, method: &Method, headers: &HeaderMap, peer: &Peer) -> Result<Caller, Denied> {
        if self.is_open() {
            return if names_this_machine(headers.get(header::HOST)) {
                Ok(Caller("-".into()))
            } else {
                Err(Denied::ForeignHost)
            };
        }
        let (name, role) = self.recognise(headers, peer)?;
        // Whatever is not there to look may change something.
        let looks = [Method::GET, Method::HEAD].contains(method);
        if looks || role == Role::Write {
            Ok(Caller(name))
        } else {
            Err(Denied::ReadOnly(name))
        }
    }

    /// Who asks, and what they may do.
    fn recognise(&self, headers: &HeaderMap, peer: &Peer) -> Result<(Box<str>, Role), Denied> {
        if let Some(said) = headers.get(header::AUTHORIZATION) {
            if !self.failures.may_try(peer.address) {
                return Err(Denied::TooOften);
            }
            return self.known(said).ok_or_else(|| {
                self.failures.failed(peer.address);
                Denied::Unauthorized
            });
        }
        let mut clients = self.clients.iter();
        let known = clients.find(|client| peer.names.contains(&client.san));
        let known = known.ok_or(Denied::Unauthorized)?;
        Ok((format!("certificate {}", known.san).into(), known.role))
    }

    /// Whose credentials these are. All are compared, each in constant time.
    fn known(&self, said: &HeaderValue) -> Option<(Box<str>, Role)> {
        let said = said.to_str().ok()?;
        let mut found = None;
        if let Some(user) = &self.credentials
            && user.are(said)
        {
            found = Some((user.user.as_str().into(), user.role));
        }
        for token in &self.tokens {
            if token.is(said) {
                found = Some((format!("token {}", token.name()).into(), token.role()));
            }
        }
        found
    }

    /// How whoever is not known may say who they are (RFC 9110 section 11.6.1).
    fn challenges(&self) -> Vec<HeaderValue> {
        let basic = self.credentials.as_ref().map(|_| "Basic");
        let bearer = Some("Bearer").filter(|_| !self.tokens.is_empty());
        let all = basic.into_iter().chain(bearer);
        all.map(HeaderValue::from_static).collect()
    }

    fn answer(&self, denied: &Denied, path: &str) -> Response {
        let (status, detail) = match denied {
            Denied::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "the admin API asks for its user, a token, or a certificate that it knows",
            ),
            Denied::ReadOnly(_) => (
                StatusCode::FORBIDDEN,
                "whoever changes something needs the role write; this is the role read",
            ),
            Denied::ForeignHost => (
                StatusCode::FORBIDDEN,
                "without a user, the admin API is asked by address or as localhost",
            ),
            Denied::TooOften => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many wrong credentials came from this address; wait a moment",
            ),
        };
        let mut answer = Problem::of(status).because(detail).for_path(path);
        let headers = answer.headers_mut();
        match denied {
            Denied::Unauthorized => {
                for challenge in self.challenges() {
                    headers.append(header::WWW_AUTHENTICATE, challenge);
                }
            }
            Denied::TooOften => {
                let seconds = HeaderValue::from_static("1");
                headers.insert(header::RETRY_AFTER, seconds);
            }
            Denied::ReadOnly(_) | Denied::ForeignHost => {}
        }
        answer
    }
}

/// Lets a request pass, or answers it.
pub(crate) async fn check(
    State(access): State<Arc<Access>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let denied = match access.decide(request.method(), request.headers(), &peer) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            return next.run(request).await;
        }
        Err(denied) => denied,
    };
    let path = request.uri().path();
    match &denied {
        Denied::ReadOnly(name) => {
            let asked = json!({ "method": request.method().as_str(), "path": path });
            let caller = Caller(name.clone());
            audit::record(&caller, "write-denied", &asked, Err(&"its role is read"));
        }
        // What guesses may send is bounded, so this is as well.
        Denied::Unauthorized if request.headers().contains_key(header::AUTHORIZATION) => {
            tracing::warn!(
                component = "admin",
                peer = peer.address.to_string(),
                path,
                "wrong-credentials"
            );
        }
        Denied::Unauthorized | Denied::ForeignHost | Denied::TooOften => {}
    }
    access.answer(&denied, path)
}

/// Whether the host of a request is an address or `localhost`, which no foreign page's name can be.
fn names_this_machine(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let bare = pointsman_route_key::strip_port(host);
    let address = bare
        .strip_prefix('[')
        .and_then(|bare| bare.strip_suffix(']'))
        .unwrap_or(bare);
    bare.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}
