//! `routing_api`, `oauth`, and how tokens are fetched.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::pairs;
use super::scalars::Secret;

keys! {
    /// The keys of this group.
    #[serde(rename = "Config")]
    pub struct RoutingApiGroup {
        /// The Routing API.
        routing_api: RoutingApiConfig = RoutingApiConfig::default(),
        /// Where its tokens come from.
        oauth: OAuthConfig = OAuthConfig::default(),
        /// How often fetching a token is tried again.
        token_fetcher_max_retries: u32 = 3,
        /// The wait between two tries.
        token_fetcher_retry_interval: Duration = Duration::from_secs(5),
        /// How long before its end a token is fetched anew: plain seconds, no duration.
        token_fetcher_expiration_buffer_time: i64 = 30,
    }
}

keys! {
    /// `routing_api`: enabled when both URI and port are given.
    pub struct RoutingApiConfig {
        /// URL without its port.
        uri: String = String::new(),
        /// Port; 0 for none.
        port: i64 = 0,
        /// No token is fetched.
        auth_disabled: bool = false,
        /// CAs of the server.
        ca_certs: String = String::new(),
        /// Client certificate, leaf first.
        cert_chain: String = String::new(),
        /// Its private key.
        private_key: Secret = Secret::default(),
    }
}

keys! {
    /// `oauth`: the UAA.
    pub struct OAuthConfig {
        /// Host name without a scheme; always reached over TLS.
        token_endpoint: String = String::new(),
        /// Port.
        port: u16 = 0,
        /// Client.
        client_name: String = String::new(),
        /// Its secret.
        client_secret: Secret = Secret::default(),
        /// Its certificate is not verified.
        skip_ssl_validation: bool = false,
        /// Path of a file of CAs, unlike every other key of this name.
        ca_certs: String = String::new(),
    }
}

impl RoutingApiConfig {
    /// Whether the Routing API is to be read (CF-051, CF-053).
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.uri.is_empty() && self.port != 0
    }
}

/// What Gorouter says about a bundle of CAs without any certificate, both here and for NATS.
pub(super) fn unreadable(bundle: &str) -> String {
    format!("Error while adding CACerts to gorouter's routing-api cert pool: \n{bundle}\n")
}

impl Validate for RoutingApiGroup {
    fn validate(&self, check: &mut Check<'_>) {
        let api = &self.routing_api;
        if !api.is_enabled() {
            return;
        }
        check.within("routing_api", |check| {
            if let Err(error) = pairs::check(&api.cert_chain, &api.private_key) {
                check.refuse_plainly("cert_chain", format!("Error loading key pair: {error}"));
            }
            if !pairs::is_bundle(&api.ca_certs) {
                check.refuse_plainly("ca_certs", unreadable(&api.ca_certs));
            }
        });
    }
}
