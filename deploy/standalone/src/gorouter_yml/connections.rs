//! Connections of clients, and the end of the process.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;

keys! {
    /// The keys of this group; they stand at the top of the file.
    #[serde(rename = "Config")]
    pub struct Connections {
        /// A connection without a request; 0: for ever.
        frontend_idle_timeout: Duration = Duration::from_secs(900),
        /// How long a client may take for its header fields; 0: no bound of its own.
        read_header_timeout: Duration = Duration::default(),
        /// How long the process serves on, unhealthy, after SIGUSR1.
        drain_wait: Duration = Duration::default(),
        /// How long requests in flight may take after that; 0: `endpoint_timeout`.
        drain_timeout: Duration = Duration::default(),
        /// A request with exactly this `User-Agent` gets the health answer.
        healthcheck_user_agent: String = "HTTP-Monitor/1.1".to_owned(),
    }
}

impl Validate for Connections {
    /// Every value of the right type is taken; what is not above zero means "off" or "for ever".
    fn validate(&self, _check: &mut Check<'_>) {}
}
