//! What a control plane is built from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use pointsman_registry::WhileAway;

use crate::admin;
use crate::distribution::{self, Effective, SegmentBounds};
use crate::registry_task::RollOutSettings;
use crate::sources::{file, message, nats, routing_api};

/// The settings of every part. They come from a configuration file of ours, or from a `gorouter.yml`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of this control plane among people.
    pub name: String,
    /// The beginning of its id in `router.start`.
    pub index: u32,
    /// The NATS source, which is none where no server is named.
    pub nats: nats::Settings,
    /// How often the apps that had requests are published there; `None`: never.
    pub active_apps: Option<Duration>,
    /// The source of the Routing API, if it is asked.
    pub routing_api: Option<routing_api::Settings>,
    /// The source of route files, if there are any.
    pub route_files: Option<file::Settings>,
    /// What messages may say.
    pub messages: message::Policy,
    /// The table.
    pub registry: pointsman_registry::Settings,
    /// What becomes of the ages of endpoints while their source is away.
    pub while_away: WhileAway,
    /// What every data plane uses alike.
    pub effective: Effective,
    /// How data planes get the table.
    pub distribution: Distribution,
    /// How people and scripts look inside.
    pub admin: Option<admin::Settings>,
}

/// How data planes get the table.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// Where they connect to; `None`: a pipe within the process.
    pub listener: Option<DistributionListener>,
    /// How often either side shows a sign of life.
    pub heartbeat: Duration,
    /// How long changes are gathered after one went out.
    pub gather: Duration,
    /// About how long a session lasts; `None`: for ever.
    pub max_age: Option<Duration>,
    /// How many data planes get a snapshot at once.
    pub snapshots: usize,
    /// How many bytes of snapshots are kept for others that need the same; 0: none.
    pub snapshot_cache: usize,
    /// How many bytes of the tables of data planes are borrowed at first; 0: none.
    pub borrow_tables: usize,
    /// How large changes of route files and of operators are given to them; `None`: to all at once.
    pub roll_out: Option<RollOutSettings>,
}

/// A socket for data planes.
#[derive(Clone, Debug)]
pub struct DistributionListener {
    /// The address to bind.
    pub address: SocketAddr,
    /// Mutual TLS; `None`: clear text, which is for loopback addresses.
    pub tls: Option<DistributionTls>,
}

/// Mutual TLS between the planes.
#[derive(Clone, Debug)]
pub struct DistributionTls {
    /// The file of our certificate chain.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities whose data planes may connect.
    pub client_ca: PathBuf,
    /// Isolation segments by a name in the data plane's certificate; `*` for all of them.
    pub segments: BTreeMap<String, Vec<String>>,
}

impl Distribution {
    /// The settings of the service.
    pub(super) fn service(&self, name: &str, effective: &Effective) -> distribution::Settings {
        let tls = self
            .listener
            .as_ref()
            .and_then(|listener| listener.tls.as_ref());
        distribution::Settings {
            name: name.to_owned(),
            heartbeat: self.heartbeat,
            gather: self.gather,
            max_age: self.max_age,
            snapshots: self.snapshots.max(1),
            snapshot_cache: self.snapshot_cache,
            borrow_tables: self.borrow_tables,
            segments: tls.map_or(SegmentBounds::Open, |tls| SegmentBounds::Certificate {
                mapping: tls.segments.clone(),
            }),
            effective: effective.clone(),
        }
    }
}
