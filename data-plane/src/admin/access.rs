//! Who may see what is served.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pointsman_route_key::strip_port;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

/// A user and a password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
}

/// Who asks, for the log: the user, or `-` where none is asked for.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) Box<str>);

/// Decides about requests.
#[derive(Debug)]
pub(super) struct Access {
    credentials: Option<Credentials>,
}

/// Lets a request pass, or answers it as Gorouter does.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = access.credentials.as_ref();
    let caller = caller.map_or("-", |credentials| &credentials.user);
    request.extensions_mut().insert(Caller(caller.into()));
    match access.decide(request.headers()) {
        StatusCode::OK => next.run(request).await,
        StatusCode::UNAUTHORIZED => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic")];
            (StatusCode::UNAUTHORIZED, challenge, "401 Unauthorized\n").into_response()
        }
        other => {
            let told = "without a user, ask by address or as localhost\n";
            (other, told).into_response()
        }
    }
}

impl Access {
    pub(super) const fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials }
    }

    /// 200 for who may pass. Without a user a foreign host name is refused: a page in a browser
    /// was made to ask.
    fn decide(&self, headers: &HeaderMap) -> StatusCode {
        match &self.credentials {
            Some(credentials) if credentials.match_those_of(headers) => StatusCode::OK,
            Some(_) => StatusCode::UNAUTHORIZED,
            None if names_this_machine(headers) => StatusCode::OK,
            None => StatusCode::FORBIDDEN,
        }
    }
}

impl Credentials {
    /// Whether the request brings these. Both halves are always compared, each in constant time
    ///
    fn match_those_of(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = basic(headers) else {
            return false;
        };
        let user = same(&self.user, &user);
        (user & same(self.password.expose_secret(), &password)).into()
    }
}

/// No user or password that somebody types or generates is longer.
const LONGEST: usize = 512;

/// Compares so that neither where two texts differ nor how long ours is shows in the time it takes.
fn same(ours: &str, theirs: &str) -> Choice {
    let padded = |text: &str| {
        let mut bytes = text.bytes();
        [(); LONGEST].map(|()| bytes.next().unwrap_or_default())
    };
    let fits = Choice::from(u8::from(theirs.len() <= LONGEST));
    padded(ours).ct_eq(&padded(theirs)) & ours.len().ct_eq(&theirs.len()) & fits
}

/// The user and password as Gorouter reads them: the word `Basic`, one blank, standard base64, and
/// exactly one colon in what it stands for.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, password) = decoded.split_once(':')?;
    (!password.contains(':')).then(|| (user.to_owned(), password.to_owned()))
}

/// Whether the host is an address or `localhost`, which no foreign page's name can be.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(bare) = host.map(strip_port) else {
        return false;
    };
    let address = bare
        .strip_prefix('[')
        .and_then(|bare| bare.strip_suffix(']'))
        .unwrap_or(bare);
    bare.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(access: &Access, name: header::HeaderName, value: &str) -> StatusCode {
        access.decide(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn only_the_configured_user_passes() {
        let credentials = Credentials {
            user: "user".to_owned(),
            password: "good".into(),
        };
        let access = Access::new(Some(credentials));
        assert_eq!(access.decide(&HeaderMap::new()), StatusCode::UNAUTHORIZED);
        let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (value, allowed) in [
            (encoded("user:good"), true),
            (encoded("user:bad"), false),
            (encoded("user:goodd"), false),
            (encoded("User:good"), false),
            (encoded("user:good:"), false),
            (encoded("user"), false),
            (encoded("user:good").to_lowercase(), false),
            ("Basic".to_owned(), false),
            ("Basic !".to_owned(), false),
        ] {
            let decided = decide(&access, header::AUTHORIZATION, &value);
            assert_eq!(decided == StatusCode::OK, allowed, "{value}");
        }
    }

    #[test]
    fn without_a_user_a_foreign_name_is_refused() {
        let access = Access::new(None);
        for (host, allowed) in [
            ("127.0.0.1:7602", true),
            ("[::1]:7602", true),
            ("localhost", true),
            ("evil.example.com", false),
            ("localhost.evil.example.com", false),
        ] {
            let decided = decide(&access, header::HOST, host);
            assert_eq!(decided == StatusCode::OK, allowed, "{host}");
        }
    }
}
