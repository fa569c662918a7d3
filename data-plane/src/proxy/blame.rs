//! What becomes of an endpoint that has failed.

use std::sync::Arc;

use pointsman_routing::{Endpoint, Route};
use tokio::time::Instant;

use super::reason::{Blame, Reason};
use crate::worker::Worker;

/// Writes one event about an endpoint, with Gorouter's name and attributes (C-230 to C-247).
macro_rules! tell {
    ($event:literal, $route:expr, $endpoint:expr, $reason:expr) => {{
        let endpoint: &Endpoint = $endpoint;
        tracing::error!(
            route = %$route.key(),
            reason = $reason.word(),
            "route-endpoint.ApplicationId" = endpoint.app_id(),
            "route-endpoint.Addr" = endpoint.address().as_str(),
            "route-endpoint.Tags" = tags(endpoint),
            "route-endpoint.RouteServiceUrl" = has_route_service(endpoint),
            "route-endpoint.AZ" = endpoint.availability_zone(),
            $event
        );
    }};
}

impl Worker {
    /// Marks an endpoint that has failed, or sets it aside, and lets the control plane know. It is told where that
    /// changes who is chosen: a failure more of what is passed over already is no news.
    #[cold]
    pub(super) fn hold_against(
        &self,
        route: &Arc<Route>,
        endpoint: &Arc<Endpoint>,
        reason: Reason,
    ) {
        let now = self.table_time(Instant::now());
        let settings = *self.table.borrow_mut().current().settings();
        match reason.blame() {
            Blame::None => return,
            Blame::SetAside if endpoint.tls().is_some() => {
                if !endpoint.is_set_aside(now, &settings) {
                    tell!("prune-failed-endpoint", route, endpoint, reason);
                }
                endpoint.set_aside(now);
            }
            Blame::SetAside | Blame::Mark => {
                if !endpoint.state().is_marked(now, settings.mark_time) {
                    tell!("endpoint-marked-as-ineligible", route, endpoint, reason);
                }
                endpoint.mark_failed(now);
            }
        }
        self.failures.note(route, endpoint, reason.word());
    }
}

/// The tags, as `name=value`.
fn tags(endpoint: &Endpoint) -> String {
    let tags = endpoint.tags().into_iter().flat_map(|tags| tags.iter());
    let pairs: Vec<_> = tags
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

/// Whether there is a route service; its URL may hold a secret.
fn has_route_service(endpoint: &Endpoint) -> &'static str {
    if endpoint.route_service_url().is_empty() {
        ""
    } else {
        "***"
    }
}
