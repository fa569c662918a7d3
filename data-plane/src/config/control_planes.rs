//! The section `control_planes`.

use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{Check, HostPort, Interval, Validate};
use serde::Deserialize;

use crate::app;
use crate::subscription::HEARTBEAT;

/// Where the table comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct ControlPlanes {
    /// The control planes, as `HOST:PORT`. One is followed at a time; which one first is a stable
    /// choice of this data plane's name.
    pub addresses: Vec<HostPort>,
    /// How often either side shows a sign of life; three missed ones, and another control plane is
    /// followed.
    pub heartbeat: Interval,
    /// Mutual TLS. Absent: clear text, to loopback addresses only.
    pub tls: Option<Tls>,
}

/// Mutual TLS between the planes.
#[derive(Clone, Debug, Deserialize)]
pub struct Tls {
    /// The file of our certificate chain, leaf first. Its names bound the segments that are
    /// granted.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities of control planes.
    pub ca: PathBuf,
}

impl Default for ControlPlanes {
    fn default() -> Self {
        Self {
            addresses: vec![HostPort {
                host: "127.0.0.1".to_owned(),
                port: 7600,
            }],
            heartbeat: Interval(HEARTBEAT),
            tls: None,
        }
    }
}

impl Validate for ControlPlanes {
    fn validate(&self, check: &mut Check<'_>) {
        if self.addresses.is_empty() {
            check.refuse(
                "addresses",
                "is empty, so there would never be a table",
                "name at least one, as 127.0.0.1:7600",
            );
        }
        if self.heartbeat < Interval(Duration::from_millis(100)) {
            check.refuse(
                "heartbeat",
                "is too short",
                "write 100ms or more, such as 5s",
            );
        }
        for (at, address) in self.addresses.iter().enumerate() {
            let key = format!("addresses[{at}]");
            if self.tls.is_none() && !is_loopback(&address.host) {
                check.refuse(
                    &key,
                    format!("{address} would be followed in clear text over a network"),
                    "add control_planes.tls, or name a loopback address",
                );
            }
        }
    }
}

/// Whether a host is surely this machine. Where it resolves to is looked at again when it is
/// connected to.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.to_canonical().is_loopback())
}

impl ControlPlanes {
    pub(super) fn settings(&self) -> app::ControlPlanes {
        app::ControlPlanes::Network {
            addresses: self.addresses.clone(),
            tls: self.tls.as_ref().map(|tls| app::ControlPlaneTls {
                certificate: tls.certificate.clone(),
                key: tls.key.clone(),
                ca: tls.ca.clone(),
            }),
        }
    }
}
