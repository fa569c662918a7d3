//! Route services.

use pointsman_data_plane::AllowList;
use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::pairs;
use super::scalars::{Secret, Strings};

keys! {
    /// The keys of this group. Some stand in the map `route_services`, the others at the top.
    #[serde(rename = "Config")]
    pub struct RouteServices {
        /// The map.
        route_services: RouteServiceConfig = RouteServiceConfig::default(),
        /// What signatures are made with; not empty switches route services on.
        route_services_secret: Secret = Secret::default(),
        /// A second secret that signatures may have been made with.
        route_services_secret_decrypt_only: Secret = Secret::default(),
        /// `https` in `X-CF-Forwarded-Url`.
        route_services_recommend_https: bool = false,
        /// Age at which a signature is no longer good.
        route_services_timeout: Duration = Duration::from_secs(60),
        /// A route service whose host is in the table is reached directly.
        route_services_hairpinning: bool = false,
        /// Only for these hosts: a name, or `*.` and a domain; empty: all.
        route_services_hairpinning_allowlist: Strings = Strings::default(),
        /// Port on the loopback for that.
        route_services_internal_server_port: u16 = 7070,
    }
}

keys! {
    /// `route_services`.
    pub struct RouteServiceConfig {
        /// Attempts at a route service; 0 is none at all.
        max_attempts: i64 = 0,
        /// A signature for another URL than the request's is refused.
        strict_signature_validation: bool = false,
        /// Certificate that route services are shown; used only with its key.
        cert_chain: String = String::new(),
        /// Its private key.
        private_key: Secret = Secret::default(),
        /// `WebSocket`s through route services; newer than most files.
        enable_websockets: bool = false,
    }
}

impl RouteServices {
    /// Whether route services are on (CF-126).
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        !self.route_services_secret.is_empty()
    }
}

impl Validate for RouteServices {
    fn validate(&self, check: &mut Check<'_>) {
        let map = &self.route_services;
        if !map.cert_chain.is_empty()
            && !map.private_key.is_empty()
            && let Err(error) = pairs::check(&map.cert_chain, &map.private_key)
        {
            check.refuse_plainly(
                "route_services.cert_chain",
                format!("Error loading key pair: {error}"),
            );
        }
        // Looked at even when hairpinning is off (CF-129).
        for (at, entry) in self
            .route_services_hairpinning_allowlist
            .0
            .iter()
            .enumerate()
        {
            if let Err(bad) = AllowList::parse([entry.as_str()]) {
                let key = format!("route_services_hairpinning_allowlist[{at}]");
                check.refuse_plainly(&key, bad.to_string());
            }
        }
    }
}
