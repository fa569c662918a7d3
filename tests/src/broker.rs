//! A real `nats-server` of the test's own.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::ConnectOptions;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::certs::Files;
use crate::{environment, eventually, ports};

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(20);

/// Who may connect.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who knows this name and password.
    Password {
        /// The user's name.
        user: String,
        /// The user's password.
        password: String,
    },
    /// Who knows this token.
    Token(String),
    /// Everybody over TLS, or who shows a certificate.
    Tls(Box<Tls>),
}

/// What a server takes for TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate.
    pub server: Files,
    /// The file of the authority that certifies the server and its clients.
    pub authority: PathBuf,
    /// The certificate of the test's own clients; clients must show one where it is given.
    pub client: Option<Files>,
}

/// A running `nats-server` on a free port, of the loopback address where nothing else is said; it ends when the value is
/// dropped.
#[derive(Debug)]
pub struct Broker {
    // Elsewhere, for the sake of all futures that hold one.
    begun: Box<Begun>,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

/// How a server is started.
#[derive(Debug)]
struct Begun {
    access: Access,
    host: IpAddr,
    /// A program and its arguments that becomes the server.
    through: Vec<String>,
}

/// What the server writes into its ports file.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl Broker {
    /// Starts a server that asks for no credentials.
    ///
    /// # Panics
    ///
    /// When there is no `nats-server`, or it does not listen in time.
    pub async fn start() -> Self {
        Self::with(Access::Open).await
    }

    /// Starts a server that asks for credentials.
    ///
    /// # Panics
    ///
    /// When there is no `nats-server`, or it does not listen in time.
    pub async fn with(access: Access) -> Self {
        Box::pin(Self::begin(access, Ipv4Addr::LOCALHOST.into(), Vec::new())).await
    }

    /// Starts a server that asks for no credentials, at this address, by a program that becomes it: in a network of its own.
    ///
    /// # Panics
    ///
    /// When there is no `nats-server`, or it does not listen in time.
    pub async fn through(through: Vec<String>, host: IpAddr) -> Self {
        Box::pin(Self::begin(Access::Open, host, through)).await
    }

    async fn begin(access: Access, host: IpAddr, through: Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the broker");
        let mut broker = Self {
            begun: Box::new(Begun {
                access,
                host,
                through,
            }),
            folder,
            port: ports::lasting().port(),
            child: None,
        };
        broker.launch().await;
        broker
    }

    /// The port that it listens on, or listened on before it was killed.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `ADDRESS:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.begun.host, self.port)
    }

    /// `nats://ADDRESS:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// How a client connects that knows the credentials.
    #[must_use]
    pub fn options(&self) -> ConnectOptions {
        match self.begun.access.clone() {
            Access::Open => ConnectOptions::new(),
            Access::Password { user, password } => {
                ConnectOptions::with_user_and_password(user, password)
            }
            Access::Token(token) => ConnectOptions::with_token(token),
            Access::Tls(tls) => {
                let options = ConnectOptions::new()
                    .require_tls(true)
                    .add_root_certificates(tls.authority);
                match tls.client {
                    None => options,
                    Some(own) => options.add_client_certificate(own.certificate, own.key),
                }
            }
        }
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends the server at once, as a crash does: connections are reset, nothing is flushed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kill nats-server");
            child.wait().expect("wait for nats-server");
        }
    }

    /// Tells the server to end in good order, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it runs on.
    pub async fn end(&mut self) {
        self.signal(Signal::TERM);
        if let Some(mut child) = self.child.take() {
            eventually("nats-server to end", START, async || {
                let ended = child.try_wait().expect("wait for nats-server");
                ended.map(drop).ok_or_else(|| "it runs".to_owned())
            })
            .await;
        }
    }

    /// Stops the server without ending it: connections stay, and nothing moves on them.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a stopped server run on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts the server again, on the port that it had.
    ///
    /// # Panics
    ///
    /// When it does not listen in time.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch().await;
    }

    /// The same with other credentials.
    ///
    /// # Panics
    ///
    /// When it does not listen in time.
    pub async fn restart_with(&mut self, access: Access) {
        self.begun.access = access;
        self.restart().await;
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running nats-server");
        kill_process(pid_of(child), signal).expect("signal nats-server");
    }

    async fn launch(&mut self) {
        let ports_folder = tempfile::tempdir_in(self.folder.path()).expect("a folder for the port");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .expect("the broker's log file");
        let port = self.port.to_string();
        let program = program();
        let mut command = match self.begun.through.split_first() {
            None => Command::new(&program),
            Some((first, others)) => {
                let mut command = Command::new(first);
                command.args(others).arg(&program);
                command
            }
        };
        let host = self.begun.host.to_string();
        command
            .args(["-a", &host, "-p", &port, "--ports_file_dir"])
            .arg(ports_folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the broker's log file"))
            .stderr(log);
        match &self.begun.access {
            Access::Open => {}
            Access::Password { user, password } => {
                command.args(["--user", user, "--pass", password]);
            }
            Access::Token(token) => {
                command.args(["--auth", token]);
            }
            Access::Tls(tls) => {
                command.arg("--tls");
                command.arg("--tlscert").arg(&tls.server.certificate);
                command.arg("--tlskey").arg(&tls.server.key);
                if tls.client.is_some() {
                    command.arg("--tlsverify");
                    command.arg("--tlscacert").arg(&tls.authority);
                }
            }
        }
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; {HOW_TO_GET_IT}", program.display()));
        // The server names the file after its own program.
        let name = program.file_name().unwrap_or_default().display();
        let ports_file = ports_folder
            .path()
            .join(format!("{name}_{}.ports", child.id()));
        self.child = Some(child);
        let log = self.folder.path().join("log");
        self.port = eventually("nats-server to listen", START, async || {
            port_in(&ports_file).ok_or_else(|| std::fs::read_to_string(&log).unwrap_or_default())
        })
        .await;
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

const HOW_TO_GET_IT: &str =
    "./tests/run installs nats-server; or name one in $NATS_SERVER, or put one into $PATH";

/// `$NATS_SERVER`, else the first of `$PATH`, else the one that `tests/run` installed.
fn program() -> PathBuf {
    if let Some(named) = environment("NATS_SERVER") {
        return PathBuf::from(named);
    }
    let path = environment("PATH").unwrap_or_default();
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin");
    std::env::split_paths(&path)
        .chain([installed])
        .map(|folder| folder.join("nats-server"))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| PathBuf::from("nats-server"))
}

/// The port in a ports file that is written to its end.
fn port_in(ports_file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(ports_file).ok()?;
    let ports: Ports = serde_json::from_str(&text).ok()?;
    ports.nats.first()?.rsplit(':').next()?.parse().ok()
}

/// The id of a child that has not been waited for, which therefore still is the child's.
pub(crate) fn pid_of(child: &Child) -> Pid {
    let id = i32::try_from(child.id()).expect("a process id");
    Pid::from_raw(id).expect("a process id is never 0")
}

#[cfg(test)]
mod tests {
    use super::{Access, Broker};

    #[tokio::test]
    async fn comes_back_on_its_port() {
        let mut broker = Broker::start().await;
        let port = broker.port();
        broker.kill();
        assert!(async_nats::connect(broker.url()).await.is_err());
        broker.restart().await;
        assert_eq!(broker.port(), port);
        async_nats::connect(broker.url()).await.unwrap();
    }

    #[tokio::test]
    async fn lets_in_who_knows_the_password() {
        let access = Access::Password {
            user: "nats".to_owned(),
            password: "secret".to_owned(),
        };
        asks_for_credentials(&Broker::with(access).await).await;
    }

    #[tokio::test]
    async fn lets_in_who_knows_the_token() {
        asks_for_credentials(&Broker::with(Access::Token("sesame".to_owned())).await).await;
    }

    async fn asks_for_credentials(broker: &Broker) {
        broker.options().connect(broker.url()).await.unwrap();
        async_nats::connect(broker.url()).await.unwrap_err();
    }
}
