//! How many lines were logged, by level.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::gorouter::number;

/// How many lines were logged, by the number that their level has in the log.
#[derive(Clone, Debug, Default)]
pub struct LogCounts(Arc<[AtomicU64; 4]>);

impl LogCounts {
    /// The levels that had any, each with its count.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        let some = counts.enumerate().filter(|(_, count)| *count > 0);
        let object: Map<_, _> = some
            .map(|(level, count)| (level.to_string(), count.into()))
            .collect();
        Value::Object(object)
    }
}

impl<S: Subscriber> Layer<S> for LogCounts {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = usize::from(number(*event.metadata().level()));
        if let Some(count) = self.0.get(level) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
