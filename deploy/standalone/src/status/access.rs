//! Who may see `/routes`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq};

use crate::gorouter_yml::scalars::Secret;

/// The user of the file. An empty user and password must be given as empty; they are not "nobody".
#[derive(Debug)]
pub(super) struct Access {
    pub(super) user: String,
    pub(super) pass: Secret,
}

/// Lets a request pass, or answers it as Gorouter does.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    if access.allows(request.headers()) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Basic")];
    (StatusCode::UNAUTHORIZED, challenge, "401 Unauthorized\n").into_response()
}

impl Access {
    /// Whether the request brings user and password: the word `Basic`, one blank, standard base64, and exactly one
    /// colon in what it stands for.
    fn allows(&self, headers: &HeaderMap) -> bool {
        let Some(given) = basic(headers) else {
            return false;
        };
        let Some((user, pass)) = given
            .split_once(':')
            .filter(|(_, pass)| !pass.contains(':'))
        else {
            return false;
        };
        // Both halves are always compared, in constant time.
        let user: Choice = self.user.as_bytes().ct_eq(user.as_bytes());
        (user & self.pass.expose().as_bytes().ct_eq(pass.as_bytes())).into()
    }
}

fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    String::from_utf8(decoded).ok()
}
