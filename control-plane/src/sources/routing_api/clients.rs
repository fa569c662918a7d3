//! The HTTP clients: of the Routing API and of who gives tokens, each with the trust of its own.
//!
//! Neither takes a way through a proxy of the environment nor follows a redirection: a token goes to the configured server
//! only.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pointsman_process::tls::{Everybody, Identity, Reloader, Trust, Versions, client_config};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, Response, StatusCode, Url};
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use tokio::time;

use super::BuildError;
use super::settings::{Servers, Settings, Tls};
use super::tokens::{self, Token};
use crate::sources::message::excerpt;

/// The bound of connecting, the handshake included.
const CONNECT: Duration = Duration::from_secs(10);

/// A connection that is silent for this long is asked whether its peer is alive, so often and up to as many times.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVES: u32 = 3;

/// The most bytes of a list: at some 300 for a route, that of 200,000.
const LONGEST_LIST: usize = 64 * 1024 * 1024;

/// Bytes of an answer that says why there is none.
const LONGEST_REASON: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The token is refused. The word is Gorouter's.
    Unauthorized,
    /// Another status than 200, and what was said with it.
    Status(StatusCode, String),
    /// No answer, or only a part of one.
    Connection(String),
    /// The answer took longer than its bound.
    TooLate(Duration),
    /// The answer has more bytes than this.
    TooLarge(usize),
    /// The answer is not what was asked for.
    Unreadable(String),
    /// There is no token to ask with.
    Token(tokens::Failure),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::Status(status, reason) if reason.is_empty() => write!(f, "answered {status}"),
            Self::Status(status, reason) => write!(f, "answered {status}: {reason}"),
            Self::Connection(error) => f.write_str(error),
            Self::TooLate(bound) => write!(f, "no answer within {bound:?}"),
            Self::TooLarge(bound) => write!(f, "the answer has more than {bound} bytes"),
            Self::Unreadable(error) => write!(f, "the answer cannot be read: {error}"),
            Self::Token(failure) => failure.fmt(f),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Connection(told(&error.without_url()))
    }
}

impl From<tokens::Failure> for Failure {
    fn from(failure: tokens::Failure) -> Self {
        Self::Token(failure)
    }
}

/// An error with its sources, as one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        source = error.source();
    }
    excerpt(text.as_bytes())
}

/// A client that speaks HTTP/1.1, over TLS as configured where the URL asks for it.
pub(super) fn client(
    server: &'static str,
    config: Arc<ClientConfig>,
) -> Result<Client, BuildError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(Arc::unwrap_or_clone(config))
        .http1_only()
        .no_proxy()
        .redirect(Redirects::none())
        .referer(false)
        .connect_timeout(CONNECT)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .tcp_keepalive_retries(KEEP_ALIVES)
        // Each request has a connection of its own: one that was kept may end just when it is used, and has not seen a
        // certificate that was renewed.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|error| BuildError::Client {
        server,
        error: told(&error),
    })
}

/// A URL of a server, with this path below it.
pub(super) fn url(server: &'static str, base: &str, path: &str) -> Result<Url, BuildError> {
    let refused = |error: String| BuildError::Url {
        url: base.to_owned(),
        server,
        error,
    };
    let url = Url::parse(&format!("{}{path}", base.trim_end_matches('/')));
    let url = url.map_err(|error| refused(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(
            "it begins with neither https:// nor http://".to_owned(),
        ));
    }
    Ok(url)
}

/// How TLS is spoken with whom.
pub(super) fn tls(
    servers: &Servers,
    identity: Option<Arc<dyn ResolvesClientCert>>,
    reloader: &mut Reloader,
) -> Result<Arc<ClientConfig>, BuildError> {
    let verifier: Arc<dyn ServerCertVerifier> = match servers {
        Servers::All => Arc::new(Everybody::new()),
        Servers::Certified(authorities) => {
            let trust = Trust::load(vec![authorities.clone()])?;
            reloader.add(Arc::<Trust>::clone(&trust));
            trust
        }
    };
    Ok(client_config(
        verifier,
        identity,
        Versions::Tls12AndTls13,
        &[],
    )?)
}

/// The Routing API.
pub(super) struct Api {
    client: Client,
    routes: Url,
    events: Url,
    bound: Duration,
}

const SERVER: &str = "Routing API";

impl Api {
    pub(super) fn new(settings: &Settings, reloader: &mut Reloader) -> Result<Self, BuildError> {
        let config = match &settings.tls {
            Some(Tls {
                authorities,
                identity,
            }) => {
                let identity = match identity {
                    None => None,
                    Some(own) => {
                        let (chain, key) = (own.chain.clone(), own.key.clone());
                        let identity = Identity::load(chain, key, own.dates)?;
                        reloader.add(Arc::<Identity>::clone(&identity));
                        Some(identity as Arc<dyn ResolvesClientCert>)
                    }
                };
                tls(&Servers::Certified(authorities.clone()), identity, reloader)?
            }
            // It is not used: the URL is one without TLS.
            None => {
                let nobody = rustls::RootCertStore::empty();
                let builder =
                    ClientConfig::builder_with_provider(pointsman_process::tls::provider());
                let builder = builder.with_safe_default_protocol_versions()?;
                Arc::new(builder.with_root_certificates(nobody).with_no_client_auth())
            }
        };
        Ok(Self {
            client: client(SERVER, config)?,
            routes: url(SERVER, &settings.url, "/routing/v1/routes")?,
            events: url(SERVER, &settings.url, "/routing/v1/events")?,
            bound: settings.request_timeout,
        })
    }

    /// The text of the list.
    pub(super) async fn routes(&self, token: &Token) -> Result<Vec<u8>, Failure> {
        let asked = async {
            let answer = self.get(&self.routes, "application/json", token).await?;
            read(answer, LONGEST_LIST).await
        };
        time::timeout(self.bound, asked)
            .await
            .unwrap_or(Err(Failure::TooLate(self.bound)))
    }

    /// The stream of events, at its beginning.
    pub(super) async fn events(&self, token: &Token) -> Result<Response, Failure> {
        let kind = "text/event-stream";
        let asked = self.get(&self.events, kind, token);
        let answer = time::timeout(self.bound, asked)
            .await
            .unwrap_or(Err(Failure::TooLate(self.bound)))?;
        let said = answer.headers().get(CONTENT_TYPE);
        match said {
            Some(said) if !said.as_bytes().starts_with(kind.as_bytes()) => {
                let said = excerpt(said.as_bytes());
                Err(Failure::Unreadable(format!("it is {said}, and no {kind}")))
            }
            Some(_) | None => Ok(answer),
        }
    }

    async fn get(&self, url: &Url, kind: &str, token: &Token) -> Result<Response, Failure> {
        let request = self.client.get(url.clone());
        let request = request
            .header(ACCEPT, kind)
            .header(AUTHORIZATION, token.header());
        good(request.send().await?).await
    }
}

/// An answer that is one, or why it is none.
pub(super) async fn good(answer: Response) -> Result<Response, Failure> {
    match answer.status() {
        StatusCode::OK => Ok(answer),
        StatusCode::UNAUTHORIZED => Err(Failure::Unauthorized),
        status => {
            // What is said with it is not needed.
            let reason = read(answer, LONGEST_REASON).await.unwrap_or_default();
            Err(Failure::Status(status, excerpt(&reason)))
        }
    }
}

/// The whole body of an answer.
pub(super) async fn read(mut answer: Response, bound: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > bound {
            return Err(Failure::TooLarge(bound));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
