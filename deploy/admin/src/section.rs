//! The section `admin` of a configuration.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use pointsman_process::configuration::{
    Address, Check, Environment, Problem, SecretFile, Validate,
};
use serde::Deserialize;

use crate::access::{Client, Credentials, Role, Token};
use crate::bind;

/// How people and scripts look inside.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Section {
    /// Where the admin API listens. Absent: on the loopback address, at the port of its plane.
    pub listen: Option<Address>,
    /// The user to be. Absent: everybody may look, on a loopback address only.
    pub user: Option<String>,
    /// The file with the user's password.
    pub password_file: Option<SecretFile>,
    /// What the user may do.
    pub role: Role,
    /// Who is known by a bearer token.
    pub tokens: Vec<TokenFile>,
    /// TLS, and who is known by a certificate. Absent: clear text.
    pub tls: Option<Tls>,
    /// Whether the metrics ask for the user as well.
    pub protect_metrics: bool,
}

/// A bearer token, in a file that may change while the process runs.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenFile {
    /// The name of its bearer, for the log.
    pub name: String,
    /// The file, which holds nothing else: 128 bits at least.
    pub file: SecretFile,
    /// What its bearer may do.
    #[serde(default)]
    pub role: Role,
}

/// TLS of the admin API.
#[derive(Clone, Debug, Deserialize)]
pub struct Tls {
    /// The file of our certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities whose clients are known by their certificates.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// Which of them are let in.
    #[serde(default)]
    pub clients: Vec<ClientName>,
}

/// A client that is known by its certificate.
#[derive(Clone, Debug, Deserialize)]
pub struct ClientName {
    /// A DNS name or URI among the subject alternative names of its certificate.
    pub san: String,
    /// What it may do.
    #[serde(default)]
    pub role: Role,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            listen: None,
            user: None,
            password_file: None,
            role: Role::Write,
            tokens: Vec::new(),
            tls: None,
            protect_metrics: false,
        }
    }
}

impl Validate for Section {
    fn validate(&self, check: &mut Check<'_>) {
        match (&self.user, &self.password_file) {
            (Some(_), None) => check.refuse("user", "has no password", "add password_file"),
            (None, Some(_)) => check.refuse("password_file", "has no user", "add user"),
            (Some(user), Some(_)) if user.is_empty() || user.contains(':') => {
                check.refuse(
                    "user",
                    "cannot be sent by basic authentication",
                    "write a name without `:`",
                );
            }
            (None, None) => self.validate_openness(check),
            (Some(_), Some(_)) => {}
        }
        self.validate_emptiness(check);
        self.validate_tokens(check);
        let Some(tls) = &self.tls else {
            if check.is_given("tls") {
                check.refuse(
                    "tls",
                    "is empty, and would not protect anything",
                    "name the files of a certificate and its key, or leave it out",
                );
            }
            return;
        };
        match (&tls.client_ca, tls.clients.is_empty()) {
            (None, false) => check.refuse(
                "tls.clients",
                "has no authority that vouches for them",
                "add tls.client_ca",
            ),
            (Some(_), true) => check.refuse(
                "tls.client_ca",
                "would let in nobody, since no client is listed",
                "add tls.clients, each with a san of its certificate and a role",
            ),
            (None, true) | (Some(_), false) => {}
        }
    }
}

impl Section {
    /// A key that is written without a value was meant to keep somebody out.
    fn validate_emptiness(&self, check: &mut Check<'_>) {
        let given = [
            ("user", self.user.is_none()),
            ("password_file", self.password_file.is_none()),
            ("tokens", self.tokens.is_empty()),
        ];
        for (key, is_empty) in given {
            if is_empty && check.is_given(key) {
                check.refuse(
                    key,
                    "is empty, and would keep nobody out",
                    "write a value, or leave it out",
                );
            }
        }
    }

    fn validate_tokens(&self, check: &mut Check<'_>) {
        let mut names: Vec<_> = self.tokens.iter().map(|token| &*token.name).collect();
        names.sort_unstable();
        if names.first().is_some_and(|first| first.is_empty()) {
            let why = "a token without a name could not be told from others in the log";
            check.refuse("tokens", why, "give each of them a name");
        }
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let why = format!(
                "two tokens have the name {:?}, and could not be told apart in the log",
                twice[0]
            );
            check.refuse("tokens", why, "give each of them a name of its own");
        }
    }

    fn validate_openness(&self, check: &mut Check<'_>) {
        let Some(listen) = &self.listen else { return };
        if !listen.0.ip().is_loopback() && self.knows_nobody() {
            check.refuse(
                "listen",
                format!("{listen} would show the routing table to anybody"),
                "add admin.user and admin.password_file, admin.tokens or admin.tls.clients, or listen on a loopback address",
            );
        }
    }

    fn knows_nobody(&self) -> bool {
        self.tokens.is_empty() && self.tls.as_ref().is_none_or(|tls| tls.clients.is_empty())
    }

    /// The settings of an admin API that listens at `port` of the loopback address where nothing is said.
    ///
    /// # Errors
    ///
    /// The file of a password or a token that cannot be read, or used.
    pub fn settings(
        &self,
        port: u16,
        environment: &dyn Environment,
    ) -> Result<bind::Settings, Problem> {
        let credentials = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some(Credentials {
                user: user.clone(),
                password: file.read(environment)?,
                role: self.role,
            }),
            _ => None,
        };
        let tokens = self.tokens.iter().map(|token| {
            let file = token.file.resolved(environment);
            let read = Token::load(&token.name, token.role, &file);
            read.map_err(|refused| Problem::of_file(&file, refused.why))
        });
        let usual = || (Ipv4Addr::LOCALHOST, port).into();
        let listen = self.listen.as_ref().map_or_else(usual, |it| it.0);
        let clients = self.tls.iter().flat_map(|tls| &tls.clients);
        Ok(bind::Settings {
            listen,
            credentials,
            tokens: tokens.collect::<Result<_, _>>()?,
            clients: clients
                .map(|client| Client {
                    san: client.san.clone(),
                    role: client.role,
                })
                .collect(),
            tls: self.tls.as_ref().map(|tls| bind::Tls {
                certificate: tls.certificate.clone(),
                key: tls.key.clone(),
                client_ca: tls.client_ca.clone(),
            }),
            protect_metrics: self.protect_metrics,
        })
    }
}
