//! What the source counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Figures of the files, and of what they say.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) taken: Counter,
    pub(super) refused: Counter,
    pub(super) bad: Gauge,
    pub(super) unreadable: Gauge,
    pub(super) routes: Gauge,
    pub(super) conflicts: Gauge,
}

impl Metrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for (name, help, counter) in [
            (
                "pointsman_route_files_taken",
                "Contents of route files that were taken",
                &metrics.taken,
            ),
            (
                "pointsman_route_files_refused",
                "Contents of route files that were refused",
                &metrics.refused,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, gauge) in [
            (
                "pointsman_route_files_bad",
                "Route files whose content is refused; what they said last counts, if they were ever good",
                &metrics.bad,
            ),
            (
                "pointsman_route_files_unreadable",
                "1 while the file or folder itself cannot be looked at",
                &metrics.unreadable,
            ),
            (
                "pointsman_route_files_routes",
                "Routes that route files declare",
                &metrics.routes,
            ),
            (
                "pointsman_route_files_conflicts",
                "Routes that stand in several route files, of which the first counts",
                &metrics.conflicts,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        metrics
    }

    /// Shows how many there are.
    pub(super) fn show(gauge: &Gauge, count: usize) {
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
