//! One request at one endpoint.

use std::sync::Arc;

use crate::Endpoint;

/// One attempt's hold on an endpoint: counted as in flight until it is dropped.
///
/// Keep it until the response body or the tunnel has ended: a limit on connections counts until
/// then, or until [`Lease::pass_head`].
#[derive(Debug)]
pub struct Lease {
    endpoint: Arc<Endpoint>,
    /// Whether it is counted against the limit, and not beside it.
    limited: bool,
}

impl Lease {
    /// Counts a request at the endpoint unless `limit` (0: none) is reached.
    pub(crate) fn reserve(endpoint: &Arc<Endpoint>, limit: u32) -> Option<Self> {
        endpoint.state().try_reserve(limit).then(|| Self {
            endpoint: Arc::clone(endpoint),
            limited: true,
        })
    }

    /// Takes no place of the endpoint's limit any more, whatever still happens there. It is one of
    /// its requests as before ([`EndpointState::requests`]).
    ///
    /// [`EndpointState::requests`]: crate::EndpointState::requests
    pub fn pass_head(&mut self) {
        if std::mem::take(&mut self.limited) {
            self.endpoint.state().pass_head();
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
        if self.limited {
            self.endpoint.state().release();
        } else {
            self.endpoint.state().release_beyond();
        }
    }
}
