//! The last lines of the log.

use pointsman_data_plane::Traffic;
use pointsman_process::readiness::Readiness;
use pointsman_process::shutdown::{Ended, Event, Outcome};
use tokio::time::Instant;

use crate::varz::Counted;

/// Tells how the process ends, in Gorouter's words, and makes it unhealthy first.
pub(super) struct Ending {
    readiness: Readiness,
    traffic: Counted,
    stopping: Option<Instant>,
}

impl Ending {
    pub(super) fn new(readiness: Readiness, traffic: Counted) -> Self {
        Self {
            readiness,
            traffic,
            stopping: None,
        }
    }

    /// Tells what happens on the way.
    pub(super) fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Leaving(bounds) => {
                self.readiness.leave("draining");
                tracing::info!(
                    component = "router",
                    wait_seconds = bounds.wait.as_secs_f64(),
                    timeout_seconds = bounds.timeout.as_secs_f64(),
                    "gorouter-draining"
                );
            }
            Event::Closing(_) => {
                self.readiness.leave("stopping");
                self.stopping = Some(Instant::now());
                self.tell_connections();
            }
            Event::Ignored(signal) => {
                tracing::info!(component = "router", signal = %signal, "gorouter.signal.ignored");
            }
            Event::TimedOut { .. } => {
                tracing::info!(component = "router", "router.drain.timed-out");
                let error = "router: Drain timeout";
                tracing::error!(component = "router", error, "gorouter-draining-error");
            }
            Event::Failed(ended) => tell_failure(ended),
        }
    }

    fn tell_connections(&self) {
        let totals = self.traffic.get().map(Traffic::totals).unwrap_or_default();
        let active = totals.requests_in_flight;
        let idle = totals.connections_open.saturating_sub(active);
        tracing::info!(
            component = "router",
            "Draining with {active} outstanding active connections"
        );
        tracing::info!(
            component = "router",
            "Draining with {idle} outstanding idle connections"
        );
        tracing::info!(component = "router", "gorouter.stopping");
    }

    /// Tells that it is over.
    pub(super) fn told(&self, outcome: &Outcome) {
        let took = self
            .stopping
            .map(|since| since.elapsed().as_nanos())
            .unwrap_or_default();
        let took = u64::try_from(took).unwrap_or(u64::MAX);
        tracing::info!(component = "router", took, "gorouter.stopped");
        match outcome {
            Outcome::Failed(_) => tracing::error!("gorouter.exited-with-failure"),
            Outcome::Drained | Outcome::TimedOut | Outcome::EndedAtOnce => {
                tracing::info!(component = "router", "gorouter.exited");
            }
        }
    }
}

/// Gorouter's name of a failure, where the part that failed has not told it itself.
fn tell_failure(ended: &Ended) {
    let error = ended.to_string();
    match ended.task.as_str() {
        "nats" if error.contains("nats-connection-closed") => {
            tracing::error!(component = "nats", error, "nats-connection-closed");
        }
        // The source tells why it could not connect, and the router why it could not listen.
        "nats" | "routing-api" | "router" => {}
        _ => tracing::error!(component = "router", error, "Error occurred"),
    }
}
