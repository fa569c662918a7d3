//! Instances in processes of their own, which can be killed and stopped, and whose requests are counted all the same.

mod record;

pub use record::{Received, Record};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::certs::Identity;
use crate::{Process, eventually, ports};

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(20);

/// What the process is told to do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Orders {
    /// The file that a line is appended to for every request.
    pub record: PathBuf,
    /// The file that the addresses go into once all of them listen.
    pub addresses: PathBuf,
    /// Where to listen in clear text.
    pub plain: Vec<SocketAddr>,
    /// Where to listen with TLS.
    pub tls: Vec<SocketAddr>,
    /// The certificate for that, as PEM.
    pub certificate: String,
    /// Its key, as PEM.
    pub key: String,
}

/// Where the process listens.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Bound {
    /// In clear text.
    pub plain: Vec<SocketAddr>,
    /// With TLS.
    pub tls: Vec<SocketAddr>,
}

/// An instance; it ends when the value is dropped.
///
/// It answers every request with 200 and the request's id, which is its path, and its own port. What it got stands in
/// its [`Record`], also after a kill.
#[derive(Debug)]
pub struct Instance {
    folder: TempDir,
    orders: Orders,
    bound: Bound,
    process: Process,
    record: Record,
}

impl Instance {
    /// Starts one on this many ports for clear text and for TLS, with this identity.
    ///
    /// # Panics
    ///
    /// When it does not listen in time.
    pub async fn start(plain: usize, tls: usize, identity: &Identity) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the instance");
        let lasting = |count| (0..count).map(|_| ports::lasting()).collect();
        let orders = Orders {
            record: folder.path().join("record"),
            addresses: folder.path().join("addresses.json"),
            plain: lasting(plain),
            tls: lasting(tls),
            certificate: identity.certificate.clone(),
            key: identity.key.clone(),
        };
        let (process, bound) = launch(&folder, &orders).await;
        Self {
            record: Record::of(&orders.record),
            folder,
            orders,
            bound,
            process,
        }
    }

    /// Where it listens, or listened before it was killed.
    #[must_use]
    pub fn addresses(&self) -> &Bound {
        &self.bound
    }

    /// What it got, from where the last reading ended.
    pub fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Ends it at once, as a crash does: its connections are reset, and connecting is refused.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    ///
    /// When it does not listen in time.
    pub async fn restart(&mut self) {
        self.kill();
        (self.process, _) = launch(&self.folder, &self.orders).await;
    }

    /// Stops it without ending it: connections are taken, and nothing is answered.
    pub fn stop(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Lets it run on.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }
}

async fn launch(folder: &TempDir, orders: &Orders) -> (Process, Bound) {
    // Nothing there says that nothing is to be removed.
    let _none_yet = std::fs::remove_file(&orders.addresses);
    let file = folder.path().join("orders.json");
    std::fs::write(&file, serde_json::to_vec(orders).expect("plain fields")).expect("the orders");
    let mut process = Process::spawn("instance", [&file]);
    let bound = eventually("an instance to listen", START, async || {
        if !process.is_running() {
            panic!("the instance ended: {}", process.log());
        }
        let text = std::fs::read(&orders.addresses).map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| error.to_string())
    })
    .await;
    (process, bound)
}
