//! The section `tunnels`.

use pointsman_process::configuration::{Check, Interval, Validate};
use serde::Deserialize;

/// Connections that leave HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Tunnels {
    /// The protocols that a client may switch to with `Upgrade`; empty for none.
    pub protocols: Vec<String>,
    /// How long no byte may move in either direction (L-29). Absent: no bound.
    pub idle: Option<Interval>,
    /// How long a tunnel may last, give or take a tenth (L-29). Absent: no bound.
    pub life: Option<Interval>,
    /// How long no byte may move once one side has ended what it sends.
    pub half_closed: Interval,
}

impl Default for Tunnels {
    fn default() -> Self {
        let defaults = crate::Tunnels::default();
        Self {
            protocols: defaults.protocols,
            idle: None,
            life: None,
            half_closed: Interval(defaults.half_closed),
        }
    }
}

impl Validate for Tunnels {
    fn validate(&self, check: &mut Check<'_>) {
        for protocol in &self.protocols {
            if is_http(protocol) {
                check.refuse(
                    "protocols",
                    format!("has {protocol}, which would carry requests past every check"),
                    "leave it out: what a client may switch to is no HTTP",
                );
            } else if !is_protocol(protocol) {
                check.refuse(
                    "protocols",
                    format!("has {protocol:?}, which no Upgrade can name"),
                    "write names such as websocket",
                );
            }
        }
        for (key, given) in [("idle", self.idle), ("life", self.life)] {
            if given.is_some_and(|given| given.0.is_zero()) {
                check.refuse(key, "is 0", "write a time such as 1h, or leave it out");
            }
        }
    }
}

/// Whether it is HTTP, in clear text or under TLS.
fn is_http(protocol: &str) -> bool {
    let lower = protocol.to_ascii_lowercase();
    let name = lower.split('/').next().unwrap_or_default();
    matches!(name, "h2c" | "h2" | "h3" | "http" | "https" | "tls")
}

/// A name, or a name and a version (RFC 9110, section 7.8).
fn is_protocol(protocol: &str) -> bool {
    // What RFC 9110, section 5.6.2 takes for a token.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(fits);
    let (name, version) = protocol.split_once('/').unwrap_or((protocol, "1"));
    is_token(name) && is_token(version)
}

impl Tunnels {
    pub(super) fn settings(&self) -> crate::Tunnels {
        crate::Tunnels {
            protocols: self.protocols.clone(),
            idle: self.idle.map(|idle| idle.0),
            life: self.life.map(|life| life.0),
            half_closed: self.half_closed.0,
        }
    }
}
