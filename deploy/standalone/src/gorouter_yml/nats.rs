//! `nats`: where registrations come from.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};
use serde::{Deserialize, Serialize};

use super::keys::keys;
use super::pairs;
use super::scalars::Secret;

keys! {
    /// The keys of this group.
    #[serde(rename = "Config")]
    pub struct NatsGroup {
        /// The map.
        nats: NatsConfig = NatsConfig::default(),
        /// How often the client pings, and how often a lost connection is mentioned in the log.
        nats_client_ping_interval: Duration = Duration::from_secs(20),
    }
}

keys! {
    /// `nats`.
    pub struct NatsConfig {
        /// The servers.
        hosts: NatsHosts = NatsHosts(vec![NatsHost { hostname: "localhost".to_owned(), port: 4222 }]),
        /// User; sent even when it is empty.
        user: String = String::new(),
        /// Password.
        pass: Secret = Secret::default(),
        /// Mutual TLS with the servers; there is no TLS without a client certificate.
        tls_enabled: bool = false,
        /// CAs of the servers.
        ca_certs: String = String::new(),
        /// Client certificate, leaf first.
        cert_chain: String = String::new(),
        /// Its private key.
        private_key: Secret = Secret::default(),
    }
}

keys! {
    /// One element of `nats.hosts`.
    pub struct NatsHost {
        /// Name or address.
        hostname: String = String::new(),
        /// Port.
        port: u16 = 0,
    }
}

/// `nats.hosts`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename = "[]config.NatsHost")]
pub struct NatsHosts(pub Vec<NatsHost>);

impl NatsConfig {
    /// `nats://USER:PASS@HOST:PORT` for each server, in the order of the file (CF-044); with user and password escaped
    /// as Go's `url.UserPassword` does. They hold the password.
    #[must_use]
    pub fn urls(&self) -> Vec<Secret> {
        let user = escaped(&self.user);
        let pass = escaped(self.pass.expose());
        let url = |host: &NatsHost| {
            Secret::from(format!("nats://{user}:{pass}@{}:{}", host.hostname, host.port).as_str())
        };
        self.hosts.0.iter().map(url).collect()
    }
}

/// Percent-encoding of the user information of a URL (RFC 3986 section 3.2.1), with what Go leaves as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => escaped.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b';' | b'=' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

impl Validate for NatsGroup {
    fn validate(&self, check: &mut Check<'_>) {
        let nats = &self.nats;
        if !nats.tls_enabled {
            return;
        }
        check.within("nats", |check| {
            if let Err(error) = pairs::check(&nats.cert_chain, &nats.private_key) {
                check.refuse_plainly(
                    "cert_chain",
                    format!("Error loading NATS key pair: {error}"),
                );
            }
            if !pairs::is_bundle(&nats.ca_certs) {
                // "routing-api" is what Gorouter says here, too (CF-047).
                check.refuse_plainly("ca_certs", super::routing_api::unreadable(&nats.ca_certs));
            }
        });
    }
}
