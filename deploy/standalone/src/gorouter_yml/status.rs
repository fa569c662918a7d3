//! `status`: health, `/routes`, and the old component server.

use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::pairs;
use super::scalars::Secret;

keys! {
    /// The key of this group.
    #[serde(rename = "Config")]
    pub struct StatusGroup {
        /// The map.
        status: StatusConfig = StatusConfig::default(),
    }
}

keys! {
    /// `status`.
    pub struct StatusConfig {
        /// Address of the old component server only; health listens on all addresses.
        host: String = "0.0.0.0".to_owned(),
        /// Port of `/health` without TLS.
        port: u16 = 8080,
        /// Whether `/health` is there without TLS.
        enable_nontls_health_checks: bool = true,
        /// The old component server takes the place of the health listener.
        enable_deprecated_varz_healthz_endpoints: bool = false,
        /// User of `/routes`; an empty one must be given as empty.
        user: String = String::new(),
        /// Password of `/routes`.
        pass: Secret = Secret::default(),
        /// Where `/routes` is.
        routes: StatusRoutesConfig = StatusRoutesConfig::default(),
        /// Where `/health` is over TLS.
        tls: StatusTLSConfig = StatusTLSConfig::default(),
    }
}

keys! {
    /// `status.routes`.
    pub struct StatusRoutesConfig {
        /// Port of `/routes`, on 127.0.0.1 only.
        port: u16 = 8082,
    }
}

keys! {
    /// `status.tls`.
    pub struct StatusTLSConfig {
        /// Port of `/health` over TLS; the listener is there only with a certificate.
        port: u16 = 8443,
        /// Its chain, leaf first.
        certificate: String = String::new(),
        /// Its private key.
        key: Secret = Secret::default(),
    }
}

impl StatusConfig {
    /// Whether the old component server takes the place of the health listener.
    #[must_use]
    pub fn is_component(&self) -> bool {
        self.enable_nontls_health_checks && self.enable_deprecated_varz_healthz_endpoints
    }
}

impl StatusTLSConfig {
    /// Whether any of the three keys differs from its default, which makes certificate and key mandatory.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.port != Self::default().port || !self.certificate.is_empty() || !self.key.is_empty()
    }
}

impl Validate for StatusGroup {
    fn validate(&self, check: &mut Check<'_>) {
        let tls = &self.status.tls;
        check.within("status", |check| {
            if !tls.is_wanted() && !self.status.enable_nontls_health_checks {
                check.refuse_plainly(
                    "enable_nontls_health_checks",
                    "Neither TLS nor non-TLS health endpoints are enabled. Refusing to start gorouter.",
                );
            }
            if tls.is_wanted() {
                check.within("tls", |check| tls.validate(check));
            }
        });
    }
}

impl Validate for StatusTLSConfig {
    fn validate(&self, check: &mut Check<'_>) {
        if self.key.is_empty() {
            check.refuse_plainly("key", "router.status.tls.key must be provided");
        }
        if self.certificate.is_empty() {
            check.refuse_plainly(
                "certificate",
                "router.status.tls.certificate must be provided",
            );
        }
        if self.port == 0 {
            check.refuse_plainly("port", "router.status.tls.port must not be 0");
        }
        if self.key.is_empty() || self.certificate.is_empty() {
            return;
        }
        if let Err(error) = pairs::check(&self.certificate, &self.key) {
            let text = format!("Error loading router.status.tls certificate/key pair: {error}");
            check.refuse_plainly("certificate", text);
        }
    }
}
