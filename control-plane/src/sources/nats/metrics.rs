//! What the source counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::backlog::{Kind, Level};

/// The metrics of the NATS source. Names that Gorouter has are Gorouter's.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) connected: Gauge,
    pub(super) connections: Counter,
    pub(super) announcements: Counter,
    pub(super) greetings: Counter,
    pub(super) ignored: Counter,
    pub(super) unknown_keys: Counter,
    received: Family<Labels, Counter>,
    /// Those of `received`, found once: there may be a million of them in a second.
    registers: Counter,
    unregisters: Counter,
    buffered_messages: Gauge,
    buffered_bytes: Gauge,
    total_dropped_messages: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    subject: &'static str,
}

impl Metrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let received = Family::<Labels, Counter>::default();
        let counter = |kind: Kind| {
            let subject = kind.subject();
            received.get_or_create(&Labels { subject }).clone()
        };
        let metrics = Self {
            registers: counter(Kind::Register),
            unregisters: counter(Kind::Unregister),
            connected: Gauge::default(),
            connections: Counter::default(),
            announcements: Counter::default(),
            greetings: Counter::default(),
            ignored: Counter::default(),
            unknown_keys: Counter::default(),
            received,
            buffered_messages: Gauge::default(),
            buffered_bytes: Gauge::default(),
            total_dropped_messages: Gauge::default(),
        };
        metrics.register(registry);
        metrics
    }

    fn register(&self, registry: &mut Registry) {
        for (name, help, gauge) in [
            (
                "buffered_messages",
                "Messages that wait to be handled",
                &self.buffered_messages,
            ),
            (
                "total_dropped_messages",
                "Messages dropped since the start because too many waited",
                &self.total_dropped_messages,
            ),
            (
                "pointsman_nats_buffered_bytes",
                "Bytes of the messages that wait",
                &self.buffered_bytes,
            ),
            (
                "pointsman_nats_connected",
                "1 while a server is connected",
                &self.connected,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, counter) in [
            (
                "pointsman_nats_connections",
                "Connections that were made",
                &self.connections,
            ),
            (
                "pointsman_nats_announcements",
                "router.start messages published",
                &self.announcements,
            ),
            (
                "pointsman_nats_greetings",
                "router.greet requests answered",
                &self.greetings,
            ),
            (
                "pointsman_nats_ignored_messages",
                "Messages on other router subjects, and greetings that cannot be answered",
                &self.ignored,
            ),
            (
                "pointsman_nats_unknown_keys",
                "Keys of messages that this version does not know",
                &self.unknown_keys,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "pointsman_nats_messages",
            "Registrations and unregistrations received, by subject",
            self.received.clone(),
        );
    }

    pub(super) fn received(&self, kind: Kind) {
        match kind {
            Kind::Register => self.registers.inc(),
            Kind::Unregister => self.unregisters.inc(),
        };
    }

    pub(super) fn show(&self, level: Level) {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.buffered_messages.set(signed(level.pending));
        self.buffered_bytes.set(signed(level.bytes));
        self.total_dropped_messages
            .set(i64::try_from(level.dropped).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C-020: what waits is shown as `buffered_messages`
    /// C-021: what was dropped is shown as `total_dropped_messages`
    #[test]
    fn the_level_is_shown_under_gorouters_names() {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry);
        metrics.show(Level {
            pending: 1000,
            bytes: 3,
            dropped: 2000,
        });
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "buffered_messages 1000",
            "total_dropped_messages 2000",
            "pointsman_nats_buffered_bytes 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in {text}");
        }
    }
}
