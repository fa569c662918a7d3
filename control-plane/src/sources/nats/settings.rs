//! What an operator decides about NATS.

use std::time::Duration;

use pointsman_process::configuration::HostPort;
use pointsman_process::tls::{Dates, Source};
use secrecy::SecretString;

/// The settings of the NATS source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The servers, of which one is used at a time. Others of their cluster are learned from them.
    pub servers: Vec<HostPort>,
    /// Who we are to them.
    pub credentials: Credentials,
    /// TLS towards them; `None`: clear text, unless a server demands TLS and shows a certificate that the operating
    /// system trusts.
    pub tls: Option<Tls>,
    /// How long to try for the first connection.
    pub first_connection: FirstConnection,
    /// The bound of one attempt to connect to one server.
    pub connect_timeout: Duration,
    /// The longest wait between two rounds over the servers; each wait is a random share of a growing bound (L-37).
    pub reconnect_max_wait: Duration,
    /// How long the connection may be silent before we ask whether it is alive. It is given up when a third question
    /// would be open.
    pub ping_interval: Duration,
    /// How much may wait to be handled.
    pub pending: Pending,
    /// Messages of one subscription between the client library and the intake, which does nothing but take them off. What
    /// comes beyond is dropped by the library, counted, and asked for again.
    pub subscription_capacity: usize,
}

/// TLS towards the servers, which is demanded of all of them, the learned ones too.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The authorities that certify the servers; nobody else is believed.
    pub authorities: Source,
    /// The certificate that we show; `None`: we show none.
    pub identity: Option<TlsIdentity>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsIdentity {
    /// The chain, leaf first.
    pub chain: Source,
    /// The key.
    pub key: Source,
    /// What the dates of the certificate decide.
    pub dates: Dates,
}

/// Who we are to the servers.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// A user.
    Password {
        /// The user's name.
        user: String,
        /// The user's password.
        password: SecretString,
    },
    /// Whoever knows this token.
    Token(SecretString),
}

/// How long to try for the first connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstConnection {
    /// Until it is there: the table of the data planes does not need it, and a broker may come later.
    Forever,
    /// So many rounds over all servers, with a pause in between; then the source fails. Gorouter tries three times,
    /// 100 ms apart (C-080).
    Rounds {
        /// The number of rounds.
        count: u32,
        /// The pause between two of them.
        pause: Duration,
    },
}

/// How much may wait to be handled. What comes beyond is dropped, counted, and asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Messages.
    pub messages: usize,
    /// Bytes of their payloads.
    pub bytes: usize,
}

impl Default for Pending {
    /// Gorouter's bounds (C-005 to C-009).
    fn default() -> Self {
        Self {
            messages: 131_072,
            bytes: 131_072 * 1024,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            servers: vec![HostPort {
                host: "localhost".to_owned(),
                port: 4222,
            }],
            credentials: Credentials::None,
            tls: None,
            first_connection: FirstConnection::Forever,
            connect_timeout: Duration::from_secs(2),
            reconnect_max_wait: Duration::from_secs(30),
            ping_interval: Duration::from_secs(20),
            pending: Pending::default(),
            subscription_capacity: 65_536,
        }
    }
}
