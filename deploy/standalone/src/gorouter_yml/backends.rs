//! Endpoints and the connections to them.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::pairs;
use super::scalars::Secret;

keys! {
    /// The keys of this group.
    #[serde(rename = "Config")]
    pub struct BackendsGroup {
        /// The map.
        backends: BackendConfig = BackendConfig::default(),
        /// How an endpoint is chosen where a route does not say: `round-robin`, `least-connection`.
        balancing_algorithm: String = "round-robin".to_owned(),
        /// Whether endpoints of the same zone come first: `none`, `locally-optimistic`.
        balancing_algorithm_az_preference: String = "none".to_owned(),
        /// One attempt, to the last byte of the response; not above zero: no bound.
        endpoint_timeout: Duration = Duration::from_secs(60),
        /// Connecting; 0: as long as the kernel tries.
        endpoint_dial_timeout: Duration = Duration::from_secs(5),
        /// The TLS handshake; 0: no bound.
        tls_handshake_timeout: Duration = Duration::from_secs(10),
        /// Probes of TCP on idle connections; 0: every 15 s; negative: none.
        endpoint_keep_alive_probe_interval: Duration = Duration::from_secs(1),
        /// A fresh connection for every request.
        disable_keep_alives: bool = true,
        /// Idle connections for one endpoint, in one way.
        max_idle_conns: i64 = 100,
        /// Idle connections for one endpoint, in the other; the smaller of the two counts.
        max_idle_conns_per_host: i64 = 2,
        /// Certificates of route services are not verified; never those of endpoints.
        skip_ssl_validation: bool = false,
        /// One attempt over HTTP/1; 0: as `endpoint_timeout`. Newer than most files.
        http_1_endpoint_timeout: Duration = Duration::default(),
        /// The same over HTTP/2.
        http_2_endpoint_timeout: Duration = Duration::default(),
    }
}

keys! {
    /// `backends`.
    pub struct BackendConfig {
        /// Attempts for one request at different endpoints; below 1 counts as 1.
        max_attempts: i64 = 0,
        /// Requests in flight at one endpoint; 0 for no bound.
        max_conns: i64 = 0,
        /// Certificate that TLS endpoints are shown, leaf first; used only with its key.
        cert_chain: String = String::new(),
        /// Its private key.
        private_key: Secret = Secret::default(),
    }
}

impl BackendConfig {
    /// Certificate and key, when both are given (CF-112).
    #[must_use]
    pub fn pair(&self) -> Option<(&str, &Secret)> {
        let both = !self.cert_chain.is_empty() && !self.private_key.is_empty();
        both.then_some((self.cert_chain.as_str(), &self.private_key))
    }
}

impl Validate for BackendsGroup {
    fn validate(&self, check: &mut Check<'_>) {
        if let Some((chain, key)) = self.backends.pair()
            && let Err(error) = pairs::check(chain, key)
        {
            check.refuse_plainly(
                "backends.cert_chain",
                format!("Error loading key pair: {error}"),
            );
        }
        let algorithm = self.balancing_algorithm.as_str();
        if !["round-robin", "least-connection"].contains(&algorithm) {
            let text = format!(
                "Invalid load balancing algorithm {algorithm}. Allowed values are [round-robin least-connection]"
            );
            check.refuse_plainly("balancing_algorithm", text);
        }
        let preference = self.balancing_algorithm_az_preference.as_str();
        if !["none", "locally-optimistic"].contains(&preference) {
            let text = format!(
                "Invalid load balancing AZ preference {preference}. Allowed values are [none locally-optimistic]"
            );
            check.refuse_plainly("balancing_algorithm_az_preference", text);
        }
    }
}
