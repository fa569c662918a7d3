//! The section `distribution`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{Address, Check, Interval, Validate};
use serde::Deserialize;

use crate::app;

/// How data planes get the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Distribution {
    /// Where data planes connect to.
    pub listen: Address,
    /// Mutual TLS. Absent: clear text, on a loopback address only.
    pub tls: Option<Tls>,
    /// How often either side shows a sign of life.
    pub heartbeat: Interval,
    /// How long changes are gathered after one went out.
    pub gather: Interval,
    /// About how long a session lasts, give or take a fifth; 0s: for ever.
    pub max_session_age: Interval,
    /// How many data planes get a snapshot at once; the others wait in their order.
    pub snapshots_at_once: usize,
    /// Isolation segments by a name in the data plane's certificate; `*` for all of them.
    pub segments: BTreeMap<String, Vec<String>>,
}

/// Mutual TLS between the planes.
#[derive(Clone, Debug, Deserialize)]
pub struct Tls {
    /// The file of our certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities whose data planes may connect.
    pub client_ca: PathBuf,
}

impl Default for Distribution {
    fn default() -> Self {
        Self {
            listen: Address((Ipv4Addr::LOCALHOST, 7600).into()),
            tls: None,
            heartbeat: Interval(Duration::from_secs(5)),
            gather: Interval(Duration::from_millis(5)),
            max_session_age: Interval(Duration::from_secs(30 * 60)),
            snapshots_at_once: 16,
            segments: BTreeMap::new(),
        }
    }
}

impl Validate for Distribution {
    fn validate(&self, check: &mut Check<'_>) {
        if self.tls.is_none() && !self.listen.0.ip().is_loopback() {
            check.refuse(
                "listen",
                format!(
                    "{} would hand out the table in clear text to anybody",
                    self.listen
                ),
                "add distribution.tls, or listen on a loopback address",
            );
        }
        if self.tls.is_none() && !self.segments.is_empty() {
            check.refuse(
                "segments",
                "has no certificates to look at, so every data plane would see every segment",
                "add distribution.tls, or leave it out",
            );
        }
        if self.heartbeat < Interval(Duration::from_millis(100)) {
            check.refuse(
                "heartbeat",
                "is too short",
                "write 100ms or more, such as 5s",
            );
        }
        if self.gather > Interval(Duration::from_secs(1)) {
            check.refuse(
                "gather",
                "would delay every change",
                "write 1s or less, such as 5ms",
            );
        }
        let age = self.max_session_age.0;
        if !age.is_zero() && age < Duration::from_secs(1) {
            check.refuse(
                "max_session_age",
                "would let data planes do nothing but reconnect",
                "write 1s or more, such as 30m, or 0s for no bound",
            );
        }
        if self.snapshots_at_once == 0 {
            check.refuse(
                "snapshots_at_once",
                "is 0, so no data plane would ever get a table",
                "write 1 or more",
            );
        }
    }
}

impl Distribution {
    /// The settings of distribution over the network.
    pub(super) fn settings(&self) -> app::Distribution {
        app::Distribution {
            listener: Some(app::DistributionListener {
                address: self.listen.0,
                tls: self.tls.as_ref().map(|tls| app::DistributionTls {
                    certificate: tls.certificate.clone(),
                    key: tls.key.clone(),
                    client_ca: tls.client_ca.clone(),
                    segments: self.segments.clone(),
                }),
            }),
            heartbeat: self.heartbeat.0,
            gather: self.gather.0,
            max_age: Some(self.max_session_age.0).filter(|age| !age.is_zero()),
            snapshots: self.snapshots_at_once,
        }
    }
}
