//! One request at one endpoint.

use std::sync::Arc;

use crate::Endpoint;

/// One attempt's hold on an endpoint: counted as in flight until it is dropped.
///
/// Keep it until the response body or the tunnel has ended: a limit on connections counts until
/// then, or until [`Lease::end`].
#[derive(Debug)]
pub struct Lease {
    endpoint: Arc<Endpoint>,
    counted: bool,
}

impl Lease {
    /// Counts a request at the endpoint unless `limit` (0: none) is reached.
    pub(crate) fn reserve(endpoint: &Arc<Endpoint>, limit: u32) -> Option<Self> {
        endpoint.state().try_reserve(limit).then(|| Self {
            endpoint: Arc::clone(endpoint),
            counted: true,
        })
    }

    /// Does not count as in flight any more, whatever still happens at the endpoint.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.counted) {
            self.endpoint.state().release();
        }
    }

    /// The endpoint that was chosen.
    #[must_use]
    pub const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.end();
    }
}
