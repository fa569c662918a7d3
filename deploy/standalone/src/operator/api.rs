//! The admin API, asked over HTTP.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pointsman_process::tls::{Dates, Identity, Source, Trust, Versions, client_config};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::arguments::Server;
use super::{Failure, address};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take that has an end.
const ANSWER: Duration = Duration::from_secs(60);

/// How the admin API tells a path that it does not have from a thing that is not there.
const NO_SUCH_PATH: &str = "the admin API has no such path";

/// A control plane's admin API.
pub(super) struct Api {
    client: Client,
    base: Url,
    /// The same for people.
    told: String,
    who: Who,
}

/// As whom it is asked.
enum Who {
    Nobody,
    Token(String),
    User(String, String),
}

/// An error as the admin API tells it (RFC 9457).
#[derive(Debug, Deserialize)]
struct Problem {
    title: String,
    detail: Option<String>,
}

impl Problem {
    fn why(self) -> String {
        self.detail.unwrap_or(self.title)
    }
}

impl Api {
    /// The one that the command line names. Nothing is asked yet.
    pub(super) fn new(server: &Server) -> Result<Self, Failure> {
        let place = address::told(&server.server);
        let wrong = |why: &str| Failure::Usage(format!("--server {place}: {why}"));
        let base = Url::parse(&server.server).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("begin it with http:// or https://"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(wrong("end it before the ? or #"));
        }
        let builder = Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")));
        let builder = if base.scheme() == "https" {
            builder.tls_backend_preconfigured(tls(server)?)
        } else {
            builder
        };
        let client = builder
            .build()
            .map_err(|error| Failure::Usage(told(&error)))?;
        Ok(Self {
            client,
            told: address::told(base.as_str()),
            base,
            who: who(server)?,
        })
    }

    /// One thing of several, if it is there.
    pub(super) async fn find(&self, path: &str) -> Result<Value, Failure> {
        self.one(Method::GET, path).await
    }

    /// Ends one thing of several, if it is there.
    pub(super) async fn end(&self, path: &str) -> Result<Value, Failure> {
        self.one(Method::DELETE, path).await
    }

    async fn one(&self, method: Method, path: &str) -> Result<Value, Failure> {
        let request = self.request(method, path)?;
        let response = self.send(request.timeout(ANSWER)).await?;
        let absent = response.status() == StatusCode::NOT_FOUND;
        match self.read(response).await {
            Err(Failure::Usage(why)) if absent => Err(Failure::Absent(why)),
            read => read,
        }
    }

    /// What stands at a path that is always there.
    pub(super) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        let request = self.request(Method::GET, path)?.query(query);
        let response = self.send(request.timeout(ANSWER)).await?;
        self.read(response).await
    }

    /// Asks for a change.
    pub(super) async fn order(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path)?.json(body);
        let response = self.send(request.timeout(ANSWER)).await?;
        self.read(response).await
    }

    /// A status and a text, whatever the status is.
    pub(super) async fn text(&self, path: &str) -> Result<(StatusCode, String), Failure> {
        let request = self.request(Method::GET, path)?;
        let response = self.send(request.timeout(ANSWER)).await?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.lost(error))?;
        Ok((status, text))
    }

    /// An answer that has no end.
    pub(super) async fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Response, Failure> {
        let request = self.request(Method::GET, path)?.query(query);
        let response = self.send(request).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.refused(response).await)
        }
    }

    /// Why nothing more is waited for.
    pub(super) fn silent(&self, silence: Duration) -> Failure {
        let told = format!("{} has said nothing for {silence:?}", self.told);
        Failure::Unreachable(told)
    }

    /// Why an answer ended before its end.
    pub(super) fn lost(&self, error: reqwest::Error) -> Failure {
        // The library's words name the address as it is.
        let why = told(&error.without_url());
        Failure::Unreachable(format!("{}: {why}", self.told))
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let url = Url::parse(&url)
            .map_err(|error| Failure::Usage(format!("{}: {error}", address::told(&url))))?;
        let request = self.client.request(method, url);
        Ok(match &self.who {
            Who::Nobody => request,
            Who::Token(token) => request.bearer_auth(token),
            Who::User(user, password) => request.basic_auth(user, Some(password)),
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        request.send().await.map_err(|error| self.lost(error))
    }

    async fn read(&self, response: Response) -> Result<Value, Failure> {
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        response.json().await.map_err(|error| self.lost(error))
    }

    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        let said = serde_json::from_str(&text).ok().map(Problem::why);
        let known = said.as_deref().is_some_and(|why| why != NO_SUCH_PATH);
        let why = said.unwrap_or_else(|| text.lines().next().unwrap_or_default().to_owned());
        let told = format!("{} answers {status}: {why}", self.told);
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                Failure::Unreachable(told)
            }
            StatusCode::NOT_FOUND if !known => {
                let expected = "expected the address of an admin API that has this";
                Failure::Unreachable(format!("{told}; {expected}"))
            }
            _ if status.is_client_error() => Failure::Usage(told),
            _ => Failure::Unreachable(told),
        }
    }
}

/// The path of one thing among others: its id is one segment, whatever it holds.
pub(super) fn below(parent: &str, id: &str) -> String {
    let segment = id.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    format!("{parent}/{}", segment.collect::<String>())
}

fn who(server: &Server) -> Result<Who, Failure> {
    match (&server.token_file, &server.user, &server.password_file) {
        (Some(_), Some(_), _) => Err(Failure::Usage(
            "--token-file and --user exclude each other".to_owned(),
        )),
        (Some(file), None, _) => Ok(Who::Token(secret(file)?)),
        (None, Some(user), Some(file)) => Ok(Who::User(user.clone(), secret(file)?)),
        (None, Some(_), None) => Err(Failure::Usage("--user needs --password-file".to_owned())),
        (None, None, Some(_)) => Err(Failure::Usage("--password-file needs --user".to_owned())),
        (None, None, None) => Ok(Who::Nobody),
    }
}

/// A secret in a file of its own; the end of its line is none of it.
fn secret(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn tls(server: &Server) -> Result<rustls::ClientConfig, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let Some(ca) = &server.ca else {
        return Err(Failure::Usage("an https:// server needs --ca".to_owned()));
    };
    let trust = Trust::load(vec![Source::file(ca)]).map_err(|error| usage(&error))?;
    let identity = match (&server.certificate, &server.key) {
        (Some(certificate), Some(key)) => {
            let identity = Identity::load(
                Source::file(certificate),
                Source::file(key),
                Dates::Enforced,
            );
            Some(identity.map_err(|error| usage(&error))? as _)
        }
        (None, None) => None,
        _ => {
            let told = "--certificate and --key need each other";
            return Err(Failure::Usage(told.to_owned()));
        }
    };
    let config = client_config(trust, identity, Versions::Tls12AndTls13, &[b"http/1.1"]);
    config
        .map(Arc::unwrap_or_clone)
        .map_err(|error| usage(&error))
}

/// An error with its causes, as one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
