//! Who may look.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use super::problem::Problem;

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

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
enum Denied {
    /// Nobody, or somebody else.
    Unauthorized,
    /// A name that is not this machine's: a page in a browser was made to ask (DNS rebinding, R-175).
    ForeignHost,
}

impl Access {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials }
    }

    fn decide(&self, headers: &HeaderMap) -> Result<(), Denied> {
        match &self.credentials {
            Some(credentials) if credentials.match_those_of(headers) => Ok(()),
            Some(_) => Err(Denied::Unauthorized),
            None if names_this_machine(headers.get(header::HOST)) => Ok(()),
            None => Err(Denied::ForeignHost),
        }
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let decided = access.decide(request.headers());
    let caller = access.credentials.as_ref();
    let caller = caller.map_or("-", |credentials| &credentials.user);
    request.extensions_mut().insert(Caller(caller.into()));
    let path = request.uri().path();
    match decided {
        Ok(()) => next.run(request).await,
        Err(Denied::Unauthorized) => {
            let problem = Problem::of(StatusCode::UNAUTHORIZED);
            let mut answer = problem
                .because("the admin API asks for its user")
                .for_path(path);
            let scheme = HeaderValue::from_static("Basic");
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
            answer
        }
        Err(Denied::ForeignHost) => Problem::of(StatusCode::FORBIDDEN)
            .because("without a user, the admin API is asked by address or as localhost")
            .for_path(path),
    }
}

impl Credentials {
    /// Whether the request brings these credentials. Both halves are always compared, each in constant time.
    fn match_those_of(&self, headers: &HeaderMap) -> bool {
        let Some((user, password)) = basic(headers.get(header::AUTHORIZATION)) else {
            return false;
        };
        let user = same(self.user.as_bytes(), user.as_bytes());
        let password = same(
            self.password.expose_secret().as_bytes(),
            password.as_bytes(),
        );
        (user & password).into()
    }
}

/// The user and password of a header as Gorouter reads it: the word `Basic`, one blank, standard base64, and exactly
/// one colon in what it stands for.
fn basic(header: Option<&HeaderValue>) -> Option<(String, String)> {
    let encoded = header?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    (!password.contains(':')).then(|| (user.to_owned(), password.to_owned()))
}

/// More than any user or password has that is typed or generated.
const LONGEST: usize = 512;

/// Compares without telling by time where, or after how many bytes, two texts differ.
fn same(ours: &[u8], theirs: &[u8]) -> Choice {
    let padded = |bytes: &[u8]| {
        let mut padded = [0; LONGEST];
        let length = bytes.len().min(LONGEST);
        padded[..length].copy_from_slice(&bytes[..length]);
        padded
    };
    let bounded = Choice::from(u8::from(theirs.len() <= LONGEST));
    padded(ours).ct_eq(&padded(theirs)) & ours.len().ct_eq(&theirs.len()) & bounded
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

#[cfg(test)]
mod tests {
    use super::*;

    fn access(user: &str, password: &str) -> Access {
        let password = password.into();
        Access::new(Some(Credentials {
            user: user.to_owned(),
            password,
        }))
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    fn authorization(value: &str) -> HeaderMap {
        headers(header::AUTHORIZATION, value)
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    /// C-359: no header is refused
    /// C-360: a header that is none is refused
    /// C-361: a wrong password is refused
    /// C-362: the right one is taken
    /// C-364: the scheme in lower case is refused
    /// C-365: a password with a colon is refused
    #[test]
    fn credentials_are_read_as_gorouter_reads_them() {
        let access = access("user", "good");
        assert_eq!(access.decide(&HeaderMap::new()), Err(Denied::Unauthorized));
        for (value, allowed) in [
            ("invalid".to_owned(), false),
            ("Basic".to_owned(), false),
            ("Basic !!!".to_owned(), false),
            (encoded("user:bad"), false),
            (encoded("user:goo"), false),
            (encoded("user:goodd"), false),
            (encoded("user:good\0"), false),
            (encoded("other:good"), false),
            (encoded("user"), false),
            (encoded("user:good:"), false),
            (encoded("user:good").replace("Basic", "basic"), false),
            (encoded("user:good").replace(' ', "  "), false),
            (encoded(&format!("user:{}", "x".repeat(10_000))), false),
            (encoded("user:good"), true),
        ] {
            assert_eq!(
                access.decide(&authorization(&value)).is_ok(),
                allowed,
                "{value}"
            );
        }
        let colon = self::access("user", "a:b");
        assert!(colon.decide(&authorization(&encoded("user:a:b"))).is_err());
    }

    /// without credentials, a name that is not this machine's is not answered
    #[test]
    fn foreign_names_are_refused_without_credentials() {
        let open = Access::new(None);
        assert_eq!(open.decide(&HeaderMap::new()), Err(Denied::ForeignHost));
        for (host, allowed) in [
            ("127.0.0.1:7601", true),
            ("[::1]:7601", true),
            ("localhost", true),
            ("LOCALHOST:7601", true),
            ("evil.example.com", false),
            ("localhost.evil.example.com:7601", false),
            ("127.0.0.1.evil.example.com", false),
            ("[::1", false),
        ] {
            let decided = open.decide(&headers(header::HOST, host));
            assert_eq!(decided.is_ok(), allowed, "{host}");
        }
    }
}
