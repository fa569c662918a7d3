//! What the source counts. Names that Gorouter has are Gorouter's.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    pub(super) token_errors: Counter,
    pub(super) subscription_errors: Counter,
    pub(super) lists: Counter,
    pub(super) list_errors: Counter,
    pub(super) events: Counter,
    pub(super) ignored: Counter,
    pub(super) listed: Gauge,
    pub(super) subscribed: Gauge,
    pub(super) routes: Gauge,
}

impl Metrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for (name, help, counter) in [
            (
                "token_fetch_errors",
                "Tokens for the Routing API that could not be fetched",
                &metrics.token_errors,
            ),
            (
                "subscribe_events_errors",
                "Streams of the Routing API that could not be had, or broke off",
                &metrics.subscription_errors,
            ),
            (
                "pointsman_routing_api_lists",
                "Lists of the Routing API that were taken",
                &metrics.lists,
            ),
            (
                "pointsman_routing_api_list_errors",
                "Lists of the Routing API that could not be had",
                &metrics.list_errors,
            ),
            (
                "pointsman_routing_api_events",
                "Events of the Routing API that were taken",
                &metrics.events,
            ),
            (
                "pointsman_routing_api_ignored_events",
                "Events of the Routing API that are neither Upsert nor Delete",
                &metrics.ignored,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, gauge) in [
            (
                "pointsman_routing_api_connected",
                "1 while the list of the Routing API can be had",
                &metrics.listed,
            ),
            (
                "pointsman_routing_api_subscribed",
                "1 while the stream of the Routing API is open",
                &metrics.subscribed,
            ),
            (
                "pointsman_routing_api_routes",
                "Routes that the Routing API has",
                &metrics.routes,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        metrics
    }
}
