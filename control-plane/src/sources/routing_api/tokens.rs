//! Tokens: fetched with the credentials of a client (RFC 6749, section 4.4), kept until shortly before their end, and
//! fetched anew when one is refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pointsman_process::tls::Reloader;
use prometheus_client::metrics::counter::Counter;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{self, Instant};

use super::BuildError;
use super::clients::{self, client, good, read, url};
use super::settings::{Authorization, Settings, Uaa};

/// The most bytes of an answer with a token.
const LONGEST: usize = 1024 * 1024;

const SERVER: &str = "UAA";

/// Why there is no token. The first words are Gorouter's.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server gave none.
    Request(Box<clients::Failure>),
    /// It gave one that is none.
    Empty,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(failure) => write!(f, "unable-to-fetch-token: {failure}"),
            Self::Empty => f.write_str("unable-to-fetch-token: empty token fetched"),
        }
    }
}

/// A token. Two are the same if one is a copy of the other.
#[derive(Clone)]
pub(super) struct Token(Arc<HeaderValue>);

impl Token {
    /// What it stands in `Authorization` as; `None` where it cannot stand there.
    fn of(token: &str) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("bearer {token}")).ok()?;
        header.set_sensitive(true);
        Some(Self(Arc::new(header)))
    }

    pub(super) fn header(&self) -> HeaderValue {
        (*self.0).clone()
    }
}

/// Where tokens come from.
pub(super) struct Tokens {
    origin: Origin,
    errors: Counter,
}

enum Origin {
    /// There is only the empty one.
    Nowhere,
    Uaa(Box<Fetcher>),
}

/// Fetches tokens, one at a time.
struct Fetcher {
    uaa: Uaa,
    client: Client,
    url: Url,
    bound: Duration,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: Token,
    /// `None`: until it is refused.
    until: Option<Instant>,
}

/// The answer of the server, as far as it is looked at.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: String,
    /// Seconds.
    expires_in: Option<u64>,
}

impl Tokens {
    pub(super) fn new(
        settings: &Settings,
        errors: Counter,
        reloader: &mut Reloader,
    ) -> Result<Self, BuildError> {
        let origin = match &settings.authorization {
            Authorization::None => Origin::Nowhere,
            Authorization::Uaa(uaa) => {
                let url = url(SERVER, &uaa.url, "/oauth/token")?;
                if url.port() == Some(0) {
                    return Err(BuildError::NoTokenPort);
                }
                let config = clients::tls(&uaa.servers, None, reloader)?;
                Origin::Uaa(Box::new(Fetcher {
                    client: client(SERVER, config)?,
                    url,
                    uaa: (**uaa).clone(),
                    bound: settings.request_timeout,
                    kept: Mutex::default(),
                }))
            }
        };
        Ok(Self { origin, errors })
    }

    /// A token that may be used now, and is another one than the one that was `refused`.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, Failure> {
        let fetcher = match &self.origin {
            Origin::Nowhere => return Token::of("").ok_or(Failure::Empty),
            Origin::Uaa(fetcher) => fetcher,
        };
        // Held while one is fetched: whoever else wants one waits for the same.
        let mut kept = fetcher.kept.lock().await;
        if let Some(known) = &*kept
            && known.until.is_none_or(|until| Instant::now() < until)
            && refused.is_none_or(|refused| !Arc::ptr_eq(&refused.0, &known.token.0))
        {
            return Ok(known.token.clone());
        }
        *kept = None;
        let fetched = fetcher.fetch().await.inspect_err(|_| {
            self.errors.inc();
        })?;
        Ok(kept.insert(fetched).token.clone())
    }
}

impl Fetcher {
    async fn fetch(&self) -> Result<Kept, Failure> {
        tracing::debug!(component = "route-fetcher", "started-fetching-token");
        let mut left = self.uaa.retries;
        loop {
            let asked = time::timeout(self.bound, self.ask());
            let late = clients::Failure::TooLate(self.bound);
            let failure = match asked.await.unwrap_or(Err(late)) {
                Ok(answer) => return self.keep(&answer),
                Err(failure) => failure,
            };
            if left == 0 || !may_pass(&failure) {
                return Err(Failure::Request(Box::new(failure)));
            }
            left -= 1;
            time::sleep(self.uaa.retry_interval).await;
        }
    }

    async fn ask(&self) -> Result<Answer, clients::Failure> {
        let request = self.client.post(self.url.clone());
        let request = request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            // Otherwise the UAA takes escaped credentials as they stand.
            .header("X-CF-ENCODED-CREDENTIALS", "true")
            .header(AUTHORIZATION, credentials(&self.uaa))
            .body("grant_type=client_credentials");
        let answer = good(request.send().await?).await?;
        let body = read(answer, LONGEST).await?;
        // What is wrong with it is not quoted, since it may hold a token.
        serde_json::from_slice(&body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = format!("no JSON with a token, at line {line}, column {column}");
            clients::Failure::Unreadable(text)
        })
    }

    fn keep(&self, answer: &Answer) -> Result<Kept, Failure> {
        if answer.access_token.is_empty() {
            return Err(Failure::Empty);
        }
        let token = Token::of(&answer.access_token).ok_or_else(|| {
            let text = "the token holds what no header field can".to_owned();
            Failure::Request(Box::new(clients::Failure::Unreadable(text)))
        })?;
        let now = Instant::now();
        let until = answer.expires_in.and_then(|seconds| {
            let life = Duration::from_secs(seconds).saturating_sub(self.uaa.expiration_buffer);
            // Beyond what the clock can tell is for ever.
            now.checked_add(life)
        });
        Ok(Kept { token, until })
    }
}

/// Whether it may go better the next time: what the server refuses, it refuses again.
fn may_pass(failure: &clients::Failure) -> bool {
    match failure {
        clients::Failure::Connection(_) | clients::Failure::TooLate(_) => true,
        clients::Failure::Status(status, _) => status.is_server_error() || status.as_u16() == 429,
        _ => false,
    }
}

/// The client's credentials, each part escaped (RFC 6749, section 2.3.1).
fn credentials(uaa: &Uaa) -> HeaderValue {
    let (client, secret) = (escaped(&uaa.client), escaped(uaa.secret.expose_secret()));
    let both = SecretString::from(format!("{client}:{secret}"));
    let encoded = format!("Basic {}", STANDARD.encode(both.expose_secret()));
    // Base64 is visible ASCII.
    let mut header = HeaderValue::try_from(encoded).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use pointsman_process::tls::Source;

    use super::*;
    use crate::sources::routing_api::Servers;

    #[test]
    fn credentials_are_escaped_part_by_part() {
        let uaa = Uaa {
            url: String::new(),
            servers: Servers::Certified(Source::System),
            client: "go:router".to_owned(),
            secret: SecretString::from("s%cret ä"),
            expiration_buffer: Duration::ZERO,
            retries: 0,
            retry_interval: Duration::ZERO,
        };
        let header = credentials(&uaa);
        assert!(header.is_sensitive());
        let encoded = header.to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(
            STANDARD.decode(encoded).unwrap(),
            b"go%3Arouter:s%25cret%20%C3%A4"
        );
    }

    #[test]
    fn a_token_is_never_printed_and_the_empty_one_is_one() {
        let token = Token::of("secret").unwrap();
        assert_eq!(token.header(), "bearer secret");
        assert!(!format!("{:?}", token.header()).contains("secret"));
        assert_eq!(Token::of("").unwrap().header(), "bearer ");
        assert!(Token::of("a\nb").is_none());
    }
}
