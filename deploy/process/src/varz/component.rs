//! Who a process is, to collectors.

use std::num::NonZeroUsize;
use std::thread;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::{cpu, text};

/// Who a process is, to collectors.
#[derive(Debug)]
pub struct Component {
    index: u64,
    host: String,
    credentials: Option<(String, SecretString)>,
    uuid: String,
    start: Timestamp,
    begun: Instant,
}

impl Component {
    /// A process that has just started, the `index`th of its kind, which is asked at `host`. With credentials, whoever
    /// gets the document learns them: that is how collectors of Cloud Foundry come to know them.
    #[must_use]
    pub fn new(index: u64, host: String, credentials: Option<(String, SecretString)>) -> Self {
        Self {
            index,
            host,
            credentials,
            uuid: format!("{index}-{}", Uuid::new_v4()),
            start: Timestamp::now(),
            begun: Instant::now(),
        }
    }

    /// Its part of the document.
    pub(super) fn document(&self, now: Instant) -> Map<String, Value> {
        let credentials = self
            .credentials
            .as_ref()
            .map(|(user, password)| json!([user, password.expose_secret()]));
        let parts = [
            ("type", json!("Router")),
            ("index", json!(self.index)),
            ("host", json!(self.host)),
            ("credentials", credentials.unwrap_or_default()),
            ("uuid", json!(self.uuid)),
            ("start", json!(text::moment(self.start))),
            (
                "uptime",
                json!(text::duration(now.saturating_duration_since(self.begun))),
            ),
            (
                "num_cores",
                json!(thread::available_parallelism().map_or(1, NonZeroUsize::get)),
            ),
            ("mem", json!(cpu::peak_resident_kib())),
        ];
        let parts = parts.map(|(name, value)| (name.to_owned(), value));
        parts.into_iter().collect()
    }
}
