//! The section `nats`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use pointsman_process::configuration::{
    Check, Environment, HostPort, Interval, Problem, SecretFile, Size, Validate,
};
use pointsman_process::tls::{Dates, Source};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::sources::nats::{Credentials, FirstConnection, Pending, Settings, Tls, TlsIdentity};

/// Where registrations come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Nats {
    /// The servers, as `HOST`, `HOST:PORT` or `nats://HOST:PORT`. Empty: nothing is heard over NATS.
    pub servers: Vec<Server>,
    /// The user to be there.
    pub user: Option<String>,
    /// The file with the user's password.
    pub password_file: Option<SecretFile>,
    /// The file with a token, instead of a user.
    pub token_file: Option<SecretFile>,
    /// How long the connection may be silent before it is asked whether it is alive.
    pub ping_interval: Interval,
    /// The bound of one attempt to connect to one server.
    pub connect_timeout: Interval,
    /// The longest wait between two rounds over the servers.
    pub reconnect_max_wait: Interval,
    /// Messages that may wait to be handled; more are dropped, and asked for again.
    pub pending_messages: usize,
    /// Bytes that may wait to be handled.
    pub pending_bytes: Size,
    /// TLS towards the servers, all of them. Absent: clear text.
    pub tls: Option<NatsTls>,
    /// How often the apps are published that had requests, as data planes with `metrics.active_apps` report. Absent: never.
    pub publish_active_apps_interval: Option<Interval>,
}

/// TLS towards the servers.
#[derive(Clone, Debug, Deserialize)]
pub struct NatsTls {
    /// The file of the authorities that certify the servers.
    pub ca: PathBuf,
    /// The file of the certificate chain that we show, leaf first. Absent: we show none.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The file of its key.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

/// A server, by name and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(pub HostPort);

/// A text that names no server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServer {
    /// It holds a user or a token.
    #[error("it holds credentials; write them as user with password_file, or as token_file")]
    Credentials,
    /// It asks for TLS.
    #[error("TLS is asked for by the section nats.tls, for all servers; write nats://HOST:PORT")]
    Tls,
    /// It is something else.
    #[error("`{0}` is no NATS server; write HOST:PORT or nats://HOST:PORT")]
    Other(String),
}

impl FromStr for Server {
    type Err = InvalidServer;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let text = given.trim();
        if text.contains('@') {
            return Err(InvalidServer::Credentials);
        }
        if text.starts_with("tls://") {
            return Err(InvalidServer::Tls);
        }
        let text = text.strip_prefix("nats://").unwrap_or(text);
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidServer::Other(given.to_owned()));
        }
        let with_port = text.parse().or_else(|_| format!("{text}:4222").parse());
        let server = with_port.map_err(|_| InvalidServer::Other(given.to_owned()))?;
        Ok(Self(server))
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Default for Nats {
    fn default() -> Self {
        let Settings {
            servers,
            connect_timeout,
            reconnect_max_wait,
            ping_interval,
            pending,
            ..
        } = Settings::default();
        Self {
            servers: servers.into_iter().map(Server).collect(),
            user: None,
            password_file: None,
            token_file: None,
            ping_interval: Interval(ping_interval),
            connect_timeout: Interval(connect_timeout),
            reconnect_max_wait: Interval(reconnect_max_wait),
            pending_messages: pending.messages,
            pending_bytes: Size(pending.bytes as u64),
            tls: None,
            publish_active_apps_interval: None,
        }
    }
}

impl Validate for Nats {
    fn validate(&self, check: &mut Check<'_>) {
        match &self.tls {
            None if check.is_given("tls") => check.refuse(
                "tls",
                "is empty, and would not protect the connection",
                "name the authorities of the servers as tls.ca, or leave it out",
            ),
            None => {}
            Some(tls) => tls.validate(check),
        }
        self.validate_credentials(check);
        for (key, Interval(given)) in [
            ("ping_interval", self.ping_interval),
            ("connect_timeout", self.connect_timeout),
            ("reconnect_max_wait", self.reconnect_max_wait),
        ] {
            if given < Duration::from_millis(10) {
                check.refuse(key, "is too short", "write 10ms or more, such as 20s");
            }
        }
        if let Some(Interval(given)) = self.publish_active_apps_interval
            && given < Duration::from_secs(1)
        {
            check.refuse(
                "publish_active_apps_interval",
                "is too short",
                "write 1s or more, or leave it out",
            );
        }
        if self.pending_messages == 0 {
            check.refuse(
                "pending_messages",
                "is 0, so nothing would be heard",
                "write 1 or more",
            );
        }
        if self.pending_bytes < Size(1 << 20) {
            check.refuse(
                "pending_bytes",
                "is less than one message may have",
                "write 1MiB or more",
            );
        }
    }
}

impl NatsTls {
    fn validate(&self, check: &mut Check<'_>) {
        match (&self.certificate, &self.key) {
            (Some(_), None) => check.refuse("tls.certificate", "has no key", "add tls.key"),
            (None, Some(_)) => check.refuse("tls.key", "has no certificate", "add tls.certificate"),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn settings(&self) -> Tls {
        let identity = self.certificate.as_ref().zip(self.key.as_ref());
        Tls {
            authorities: Source::file(&self.ca),
            identity: identity.map(|(chain, key)| TlsIdentity {
                chain: Source::file(chain),
                key: Source::file(key),
                dates: Dates::Enforced,
            }),
        }
    }
}

impl Nats {
    fn validate_credentials(&self, check: &mut Check<'_>) {
        match (&self.user, &self.password_file) {
            (Some(_), None) => {
                check.refuse(
                    "user",
                    "has no password",
                    "add password_file, or use token_file",
                );
            }
            (None, Some(_)) => check.refuse("password_file", "has no user", "add user"),
            (Some(_), Some(_)) if self.token_file.is_some() => {
                check.refuse(
                    "token_file",
                    "stands beside a user",
                    "leave one of them out",
                );
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// The settings of the source.
    pub(super) fn settings(&self, environment: &dyn Environment) -> Result<Settings, Problem> {
        let credentials = match (&self.user, &self.password_file, &self.token_file) {
            (Some(user), Some(file), _) => Credentials::Password {
                user: user.clone(),
                password: file.read(environment)?,
            },
            (_, _, Some(file)) => Credentials::Token(file.read(environment)?),
            _ => Credentials::None,
        };
        Ok(Settings {
            servers: self
                .servers
                .iter()
                .map(|Server(server)| server.clone())
                .collect(),
            credentials,
            tls: self.tls.as_ref().map(NatsTls::settings),
            first_connection: FirstConnection::Forever,
            connect_timeout: self.connect_timeout.0,
            reconnect_max_wait: self.reconnect_max_wait.0,
            ping_interval: self.ping_interval.0,
            pending: Pending {
                messages: self.pending_messages,
                bytes: usize::try_from(self.pending_bytes.0).unwrap_or(usize::MAX),
            },
            ..Settings::default()
        })
    }
}
