//! The section `distribution`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{Address, Check, Interval, Size, Validate};
use serde::Deserialize;

use crate::app;
use crate::registry_task::RollOutSettings;

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
    /// How much of snapshots is kept for a few seconds, encoded, for others that need the same. 0: none.
    pub snapshot_cache: Size,
    /// How much of the tables of data planes is borrowed while this control plane has not heard everything: those that come
    /// with nothing are lent it. 0: none.
    pub borrow_tables: Size,
    /// How large changes of route files, and of what an operator lets go, are given to data planes.
    pub roll_out: RollOut,
    /// Isolation segments by a name in the data plane's certificate; `*` for all of them.
    pub segments: BTreeMap<String, Vec<String>>,
}

/// How a change of many routes goes from data plane to data plane.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct RollOut {
    /// A change of more than this share of the routes goes in steps; 100: none does.
    pub percent: u8,
    /// A change of so many routes, or fewer, goes at once.
    pub least: usize,
    /// The share of the data planes that is one step, in percent.
    pub step_percent: u8,
    /// For how long requests have to succeed as before, after each step.
    pub calm: Interval,
    /// How long a data plane is waited for.
    pub patience: Interval,
}

impl Default for RollOut {
    fn default() -> Self {
        let usual = RollOutSettings::default();
        Self {
            percent: usual.percent,
            least: usual.least,
            step_percent: usual.step_percent,
            calm: Interval(usual.calm),
            patience: Interval(usual.patience),
        }
    }
}

impl Validate for RollOut {
    fn validate(&self, check: &mut Check<'_>) {
        for (key, percent) in [
            ("percent", self.percent),
            ("step_percent", self.step_percent),
        ] {
            if !(1..=100).contains(&percent) {
                check.refuse(key, format!("is {percent}"), "write 1 to 100");
            }
        }
        for (key, time) in [("calm", self.calm), ("patience", self.patience)] {
            if time.0.is_zero() || time.0 > Duration::from_secs(3600) {
                check.refuse(
                    key,
                    "is no time to wait",
                    "write more than 0s, and 1h at most",
                );
            }
        }
    }
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
            snapshot_cache: Size(128 << 20),
            borrow_tables: Size(0),
            roll_out: RollOut::default(),
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
        check.within("roll_out", |check| self.roll_out.validate(check));
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
            snapshot_cache: usize::try_from(self.snapshot_cache.0).unwrap_or(usize::MAX),
            borrow_tables: usize::try_from(self.borrow_tables.0).unwrap_or(usize::MAX),
            roll_out: Some(RollOutSettings {
                percent: self.roll_out.percent,
                least: self.roll_out.least,
                step_percent: self.roll_out.step_percent,
                calm: self.roll_out.calm.0,
                patience: self.roll_out.patience.0,
            }),
        }
    }
}
