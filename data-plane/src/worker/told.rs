//! What is told of route services, each thing at most once a second.

use tokio::time::Instant;

use super::seldom::Seldom;

/// What was told of route services.
#[derive(Debug, Default)]
pub(crate) struct Told {
    unsupported: Seldom,
    refused: Seldom,
    failed: Seldom,
    unsuccessful: Seldom,
}

impl Told {
    /// A request for a route with a service cannot pass through it.
    #[cold]
    pub(crate) fn unsupported(&self, why: &str) {
        if let Some(unsaid) = self.unsupported.say(Instant::now()) {
            tracing::info!(why, unsaid, "route-service-unsupported");
        }
    }

    /// A request has a signature that proves nothing.
    #[cold]
    pub(crate) fn refused(&self, host: &[u8], error: &str) {
        if let Some(unsaid) = self.refused.say(Instant::now()) {
            let host = String::from_utf8_lossy(host);
            tracing::warn!(%host, error, unsaid, "signature-validation-failed");
        }
    }

    /// An attempt at a service has failed.
    #[cold]
    pub(crate) fn failed(&self, service: &str, (attempt, error): (u32, &str)) {
        if let Some(unsaid) = self.failed.say(Instant::now()) {
            tracing::error!(
                "route-service-endpoint" = service,
                attempt,
                error,
                unsaid,
                "route-service-connection-failed"
            );
        }
    }

    /// A service has answered, and not with success.
    #[cold]
    pub(crate) fn unsuccessful(&self, service: &str, status: u16) {
        if let Some(unsaid) = self.unsuccessful.say(Instant::now()) {
            tracing::info!(
                "route-service-endpoint" = service,
                "status-code" = status,
                unsaid,
                "route-service-response"
            );
        }
    }
}
