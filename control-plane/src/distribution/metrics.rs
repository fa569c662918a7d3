//! What distribution counts.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Where the buckets of the time to an ack end, in seconds.
const ACKS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

#[derive(Debug)]
pub(super) struct Metrics {
    sessions: Gauge,
    welcomed: Family<How, Counter>,
    refused: Family<Code, Counter>,
    things: Counter,
    removals: Counter,
    mismatches: Counter,
    overtaken: Counter,
    aged: Counter,
    admitted: Counter,
    editions: Counter,
    passed_on: Counter,
    shared: Counter,
    borrowed: Counter,
    lent: Counter,
    acks: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct How {
    transfer: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

/// A session that is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<Metrics>);

impl Metrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            sessions: Gauge::default(),
            welcomed: Family::default(),
            refused: Family::default(),
            things: Counter::default(),
            removals: Counter::default(),
            mismatches: Counter::default(),
            overtaken: Counter::default(),
            aged: Counter::default(),
            admitted: Counter::default(),
            editions: Counter::default(),
            passed_on: Counter::default(),
            shared: Counter::default(),
            borrowed: Counter::default(),
            lent: Counter::default(),
            acks: Histogram::new(ACKS),
        };
        metrics.register(registry);
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(
            "pointsman_distribution_sessions",
            "Data planes that follow",
            self.sessions.clone(),
        );
        registry.register(
            "pointsman_distribution_welcomed",
            "Sessions that began, by what they began with",
            self.welcomed.clone(),
        );
        registry.register(
            "pointsman_distribution_refused",
            "Sessions that were refused, by gRPC code",
            self.refused.clone(),
        );
        registry.register(
            "pointsman_distribution_ack_seconds",
            "From a closing step to its ack",
            self.acks.clone(),
        );
        for (name, help, counter) in self.counters() {
            registry.register(
                format!("pointsman_distribution_{name}"),
                help,
                counter.clone(),
            );
        }
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counter); 11] {
        [
            (
                "things",
                "Routes and endpoints that were sent",
                &self.things,
            ),
            ("removals", "Removals that were sent", &self.removals),
            (
                "mismatches",
                "Tables that differed at the same revision",
                &self.mismatches,
            ),
            (
                "overtaken",
                "Live sessions that got a snapshot because removals were forgotten that they had not been told of",
                &self.overtaken,
            ),
            (
                "aged",
                "Sessions that ended because they had reached their greatest age",
                &self.aged,
            ),
            ("snapshots", "Snapshots whose turn has come", &self.admitted),
            (
                "editions",
                "Deltas that were read and encoded once for all data planes that see the same",
                &self.editions,
            ),
            (
                "passed_on",
                "Closing steps that a data plane got from such a delta, without a look of its own",
                &self.passed_on,
            ),
            (
                "pages_shared",
                "Pieces of snapshots that a data plane got from what was read and encoded for another one",
                &self.shared,
            ),
            (
                "tables_borrowed",
                "Tables of data planes that were borrowed while this control plane had not heard everything",
                &self.borrowed,
            ),
            (
                "tables_lent",
                "Data planes that came with nothing and were lent such a table",
                &self.lent,
            ),
        ]
    }

    pub(super) fn count_session(self: &Arc<Self>) -> Counted {
        self.sessions.inc();
        Counted(Arc::clone(self))
    }

    pub(super) fn welcomed(&self, snapshot: bool) {
        let transfer = if snapshot { "snapshot" } else { "delta" };
        self.welcomed.get_or_create(&How { transfer }).inc();
    }

    pub(super) fn refused(&self, code: tonic::Code) {
        self.refused
            .get_or_create(&Code {
                code: format!("{code:?}"),
            })
            .inc();
    }

    pub(super) fn sent(&self, things: usize) {
        self.things.inc_by(things as u64);
    }

    pub(super) fn removed(&self, removals: usize) {
        self.removals.inc_by(removals as u64);
    }

    pub(super) fn mismatch(&self) {
        self.mismatches.inc();
    }

    pub(super) fn overtaken(&self) {
        self.overtaken.inc();
    }

    pub(super) fn aged(&self) {
        self.aged.inc();
    }

    pub(super) fn edition(&self) {
        self.editions.inc();
    }

    pub(super) fn passed_on(&self) {
        self.passed_on.inc();
    }

    pub(super) fn shared(&self) {
        self.shared.inc();
    }

    pub(super) fn borrowed(&self) {
        self.borrowed.inc();
    }

    pub(super) fn lent(&self) {
        self.lent.inc();
    }

    pub(super) fn admitted(&self) {
        self.admitted.inc();
    }

    pub(super) fn acked(&self, after: Duration) {
        self.acks.observe(after.as_secs_f64());
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.sessions.dec();
    }
}
