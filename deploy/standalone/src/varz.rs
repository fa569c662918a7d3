//! What `/varz` of this process is made from: what the data plane counts, and what the control plane has registered.

use std::sync::{Arc, OnceLock};

use pointsman_control_plane::registry_task::Handle;
use pointsman_data_plane::Traffic;
use pointsman_process::telemetry::LogCounts;
use pointsman_process::varz::{Component, Figures, Table, Varz};
use secrecy::SecretString;

use crate::gorouter_yml::GorouterYml;

/// What the proxy counts, once there is one.
pub type Counted = Arc<OnceLock<Traffic>>;

/// What the document is made from.
#[derive(Clone, Debug)]
pub struct Document {
    varz: Arc<Varz>,
    counted: Counted,
    registry: Handle,
}

impl Document {
    /// The document of this process, whose lines are counted by `logged`; `None` where the file does not want one.
    #[must_use]
    pub fn of(
        file: &GorouterYml,
        logged: LogCounts,
        (counted, registry): (Counted, Handle),
    ) -> Option<Self> {
        let status = &file.status.status;
        if !status.is_component() {
            return None;
        }
        let host = format!("{}:{}", status.host, status.port);
        let pass = SecretString::from(status.pass.expose());
        let credentials = Some((status.user.clone(), pass));
        let component = Component::new(file.process.index, host, credentials);
        Some(Self {
            varz: Arc::new(Varz::new(component, logged)),
            counted,
            registry,
        })
    }

    /// The document now; empty when the process is about to end.
    pub async fn text(&self) -> String {
        let look = self.registry.read(|registry, now| registry.counts(now));
        let Ok(counts) = look.await else {
            return String::new();
        };
        let table = Table {
            urls: counts.routes as u64,
            droplets: counts.addresses as u64,
            since_last_update: counts.since_last_update,
        };
        self.varz.document(&self.figures(), &table)
    }

    fn figures(&self) -> Figures {
        self.counted.get().map(Traffic::figures).unwrap_or_default()
    }

    /// Keeps its rates up to date, for ever.
    pub async fn keep(self) {
        self.varz.keep(|| self.figures()).await;
    }
}
