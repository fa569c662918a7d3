//! What the control thread shows of itself: the table, and how following goes.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use crate::failing::Ejected;
use crate::overrides::Overrides;
use crate::start::Proxy;
use crate::subscription::{Kept, Served, Status};
use crate::table::TableHandle;

/// Adds the metrics of the data plane to those of the process.
pub(super) fn register(
    metrics: &mut Registry,
    proxy: &Proxy,
    (table, ejected): (&TableHandle, &Ejected),
    (status, kept): (&watch::Sender<Status>, &watch::Sender<Kept>),
    overrides: &Overrides,
) {
    metrics.register_collector(Box::new(proxy.traffic().clone()));
    metrics.register_collector(Box::new(Serving {
        table: table.clone(),
        ejected: ejected.clone(),
        status: status.subscribe(),
        kept: kept.subscribe(),
        overrides: overrides.clone(),
    }));
}

#[derive(Debug)]
struct Serving {
    table: TableHandle,
    ejected: Ejected,
    status: watch::Receiver<Status>,
    kept: watch::Receiver<Kept>,
    overrides: Overrides,
}

impl Collector for Serving {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let status = self.status.borrow().clone();
        self.encode_gauges(&mut encoder, &status)?;
        self.encode_overrides(&mut encoder, &status)?;
        encode_counters(&mut encoder, &status, &self.kept.borrow())
    }
}

impl Serving {
    /// What operators have switched.
    fn encode_overrides(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        status: &Status,
    ) -> fmt::Result {
        let (name, help) = (
            "pointsman_overrides",
            "What operators have put over the rules here for a while",
        );
        let count = self.overrides.list().len() as u64;
        gauge(encoder, (name, help), float(count))?;
        let (name, help) = (
            "pointsman_table_frozen",
            "Whether an operator has something else served than what is received",
        );
        let frozen = u64::from(status.served != Served::Received);
        gauge(encoder, (name, help), float(frozen))
    }

    /// What is served now, and how sure it is.
    fn encode_gauges(&self, encoder: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
        let table = self.table.load();
        let age = status.table_age().map(|age| age.as_secs_f64());
        for (name, help, value) in [
            ("total_routes", "Routes that are served", table.routes()),
            (
                "pointsman_endpoints",
                "Endpoints, each once per route",
                table.endpoints(),
            ),
            (
                "pointsman_ejected_endpoints",
                "Endpoints that are out for behaving worse than their siblings",
                self.ejected.list().len() as u64,
            ),
            (
                "pointsman_control_plane_connected",
                "Whether a control plane is followed",
                u64::from(status.connection.is_some()),
            ),
            (
                "pointsman_table_revision",
                "The revision of the table",
                status.revision,
            ),
            (
                "pointsman_rejected_things",
                "Things that are not held, by name",
                status.rejected,
            ),
            (
                "pointsman_unconfirmed_things",
                "Things kept though the control plane has not sent them",
                status.unconfirmed,
            ),
            (
                "pointsman_orphans",
                "Endpoints kept for a while though nobody confirms them",
                status.orphans,
            ),
            (
                "pointsman_held_removals",
                "Endpoints that seem gone, kept because too many do",
                status.held_removals,
            ),
        ] {
            gauge(encoder, (name, help), float(value))?;
        }
        if let Some(age) = age {
            let name = "pointsman_table_age_seconds";
            gauge(
                encoder,
                (name, "Since a control plane confirmed the table"),
                age,
            )?;
        }
        Ok(())
    }
}

/// What has happened since the process started.
fn encode_counters(
    encoder: &mut DescriptorEncoder<'_>,
    status: &Status,
    kept: &Kept,
) -> fmt::Result {
    for (name, help, value) in [
        (
            "pointsman_sessions",
            "Sessions with control planes",
            status.sessions,
        ),
        (
            "pointsman_divergences",
            "Times that the table differed from the control plane's",
            status.divergences,
        ),
        (
            "pointsman_table_publications",
            "Tables published",
            status.publications,
        ),
        (
            "pointsman_control_plane_moves",
            "Times that a control plane that worked was left for another",
            status.moves,
        ),
        (
            "pointsman_questions_refused",
            "Questions of control planes that were too many",
            status.questions_refused,
        ),
        (
            "pointsman_table_writes",
            "Times that the table was written to disk",
            kept.writes,
        ),
        (
            "pointsman_table_write_failures",
            "Times that the table could not be written to disk",
            kept.failures,
        ),
    ] {
        let counter = ConstCounter::new(value);
        counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no count of ours comes near 2^53"
)]
fn float(value: u64) -> f64 {
    value as f64
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    value: f64,
) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}
