//! What an operator decides about the Routing API.

use std::time::Duration;

use pointsman_process::tls::{Dates, Source};
use secrecy::SecretString;

/// The settings of the source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the API is, as `https://HOST:PORT`.
    pub url: String,
    /// TLS towards it; `None`: nobody is believed, which is for a URL without TLS.
    pub tls: Option<Tls>,
    /// What its answers are asked for with.
    pub authorization: Authorization,
    /// How long to try for the first list.
    pub first_connection: FirstConnection,
    /// How often the list is asked for.
    pub interval: Duration,
    /// The bound of one request, its answer included.
    pub request_timeout: Duration,
    /// The longest wait before the stream of events is asked for again; each wait is a random share of a growing bound
    /// (L-37).
    pub reconnect_max_wait: Duration,
}

/// TLS towards the API.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The authorities that certify it; nobody else is believed.
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

/// What answers are asked for with.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// The empty token, for an API that looks at none.
    None,
    /// Tokens of this server.
    Uaa(Box<Uaa>),
}

impl Authorization {
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// The server that gives tokens, and how it is asked.
#[derive(Clone, Debug)]
pub struct Uaa {
    /// Where it is, as `https://HOST:PORT`.
    pub url: String,
    /// Which servers are believed.
    pub servers: Servers,
    /// Who we are to it.
    pub client: String,
    /// What proves it.
    pub secret: SecretString,
    /// How long before its end a token is not used any more.
    pub expiration_buffer: Duration,
    /// How often a request that failed is repeated.
    pub retries: u32,
    /// The wait before each repetition.
    pub retry_interval: Duration,
}

/// Which servers are believed.
#[derive(Clone, Debug)]
pub enum Servers {
    /// Those that these authorities certify.
    Certified(Source),
    /// All of them: `skip_ssl_validation`.
    All,
}

/// How long to try for the first list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstConnection {
    /// Until it is there.
    Forever,
    /// Once; then the source fails, as Gorouter's start does (C-503, C-504).
    Once,
}

impl Settings {
    /// Settings with the usual times.
    #[must_use]
    pub fn new(url: String, tls: Option<Tls>, authorization: Authorization) -> Self {
        Self {
            url,
            tls,
            authorization,
            first_connection: FirstConnection::Forever,
            interval: Self::INTERVAL,
            request_timeout: Self::REQUEST_TIMEOUT,
            reconnect_max_wait: Self::RECONNECT_MAX_WAIT,
        }
    }

    /// Half of Gorouter's usual pruning interval.
    pub const INTERVAL: Duration = Duration::from_secs(15);
    /// Gorouter's bound.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
    /// That of the NATS source.
    pub const RECONNECT_MAX_WAIT: Duration = Duration::from_secs(30);
}
