//! Who may call: hosts that are only for clients who have shown who they are, and routes that are only for some of them
//! (D-643 to D-649).

use pointsman_routing::{Caller, Policy};

use super::choose::Chosen;
use super::{Journey, Refusal};
use crate::downstream::client::Secured;
use crate::downstream::tls::Front;

impl Journey<'_, '_> {
    /// Refuses a request for another identity domain than its connection was made for, in either direction: a
    /// connection that was let in by one domain's authorities is worth nothing in another.
    pub(super) fn check_domain(&self) -> Result<(), Refusal> {
        match &self.worker.front {
            Some(front) if front.has_domains() => {
                within_domain(front, self.secured(), self.exchange.request.host())
            }
            _ => Ok(()),
        }
    }

    /// Refuses a caller that may not have the chosen endpoint.
    #[inline]
    pub(super) fn authorize(&self, chosen: &Chosen) -> Result<(), Refusal> {
        match chosen.route.policy() {
            None => Ok(()),
            Some(policy) => self.enforce(policy, chosen),
        }
    }

    #[cold]
    fn enforce(&self, policy: &Policy, chosen: &Chosen) -> Result<(), Refusal> {
        let endpoint = chosen.lease.endpoint();
        let caller: Option<&Caller> = self.secured().and_then(|tls| tls.caller.as_ref());
        if caller.is_some_and(|caller| policy.allows(caller, endpoint)) {
            return Ok(());
        }
        tracing::debug!(
            route = %chosen.route.key(),
            endpoint = %endpoint.address(),
            scope = policy.scope(),
            caller = caller.map_or("", |caller| &caller.app),
            "caller-not-allowed"
        );
        Err(Refusal::Forbidden)
    }
}

#[cold]
fn within_domain(front: &Front, tls: Option<&Secured>, host: &[u8]) -> Result<(), Refusal> {
    let entered = tls.and_then(|tls| tls.domain);
    if front.domain_of(host) == entered {
        Ok(())
    } else {
        Err(Refusal::Misdirected)
    }
}
