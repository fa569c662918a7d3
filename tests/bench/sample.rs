//! What one measurement says.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::client::Tally;
use crate::workload::Workload;

/// The share of its core that a proxy must have used for a measurement of saturated load to count.
pub(crate) const BUSY: f64 = 0.95;

/// One measurement of one subject in one round.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) workload: Workload,
    /// Who, or in which circumstances.
    pub(crate) subject: String,
    pub(crate) round: usize,
    pub(crate) figures: BTreeMap<Figure, f64>,
    /// Whether it is saturated load, which counts only on a busy core.
    pub(crate) is_saturated: bool,
}

/// What a number is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// Microseconds of the proxy's CPU time per request.
    Cpu,
    /// Of these, in user mode.
    User,
    /// Of these, in the kernel.
    System,
    /// Requests per second.
    Rate,
    /// Milliseconds.
    P50,
    /// Milliseconds.
    P99,
    /// Milliseconds.
    P999,
    /// Tables that the data plane published, which is what it got from its control plane.
    TableMessages,
    /// NATS messages per second beside it.
    MessageRate,
    /// Seconds.
    Seconds,
    /// Bytes of the data plane per route.
    DataPlaneRoute,
    /// Bytes of the control plane per route.
    ControlPlaneRoute,
    /// Microseconds of the subject's CPU time per NATS message.
    MessageCpu,
    /// Of these, in user mode.
    MessageUser,
    /// Of these, in the kernel.
    MessageSystem,
    /// Messages that one core would take in a second at that price.
    PerCore,
    /// Messages that were dropped.
    Dropped,
    /// Routes that are registered.
    Routes,
    /// MiB that the control plane holds at rest.
    Resident,
    /// The most MiB that it held.
    Peak,
    /// Snapshots that were taken meanwhile.
    Snapshots,
    /// CPU time of the control plane, as a share of one core.
    ControlPlaneShare,
    /// The same of the data plane.
    DataPlaneShare,
    /// The same of the replicas that are played.
    ReplicasShare,
    /// The same of who publishes and asks.
    LoadShare,
    /// The most memory over what is held at rest.
    StormPeak,
    /// The most memory of a data plane while it takes a snapshot, over what it holds afterwards.
    SnapshotPeak,
    /// Bytes per idle client connection.
    IdleConnection,
    /// Requests that were not answered with 200, or routes that were not answered.
    Errors,
    /// Microseconds that load and backend of our own used per request: above the proxy's own, they are the limit.
    Load,
    /// The share of its core that the proxy could have.
    Share,
    /// The share of that that the proxy used.
    Busy,
}

impl Figure {
    /// The head of its column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU us/request",
            Self::User => "user us",
            Self::System => "system us",
            Self::Rate => "requests/s",
            Self::P50 => "p50 ms",
            Self::P99 => "p99 ms",
            Self::P999 => "p99.9 ms",
            Self::TableMessages => "table messages",
            Self::MessageRate => "NATS messages/s",
            Self::Seconds => "seconds",
            Self::DataPlaneRoute => "data plane B/route",
            Self::ControlPlaneRoute => "control plane B/route",
            Self::MessageCpu => "CPU us/message",
            Self::MessageUser => "user us/message",
            Self::MessageSystem => "system us/message",
            Self::PerCore => "messages/s of one core",
            Self::Dropped => "dropped",
            Self::Routes => "routes",
            Self::Resident => "MiB at rest",
            Self::Peak => "MiB at most",
            Self::Snapshots => "snapshots",
            Self::ControlPlaneShare => "control plane cores",
            Self::DataPlaneShare => "data plane cores",
            Self::ReplicasShare => "replicas cores",
            Self::LoadShare => "load cores",
            Self::StormPeak => "peak / at rest",
            Self::SnapshotPeak => "peak / held in a snapshot",
            Self::IdleConnection => "B/connection",
            Self::Errors => "errors",
            Self::Load => "load us",
            Self::Share => "of the core",
            Self::Busy => "core busy",
        }
    }

    /// How many digits behind the point are worth reading.
    pub(crate) fn digits(self) -> usize {
        match self {
            Self::Cpu | Self::User | Self::System | Self::P50 | Self::P99 | Self::P999 => 2,
            Self::MessageCpu | Self::MessageUser | Self::MessageSystem => 2,
            Self::ControlPlaneShare
            | Self::DataPlaneShare
            | Self::ReplicasShare
            | Self::LoadShare => 2,
            Self::StormPeak
            | Self::Load
            | Self::Share
            | Self::SnapshotPeak
            | Self::Seconds
            | Self::Busy => 2,
            Self::Rate
            | Self::TableMessages
            | Self::MessageRate
            | Self::DataPlaneRoute
            | Self::ControlPlaneRoute
            | Self::IdleConnection
            | Self::PerCore
            | Self::Dropped
            | Self::Routes
            | Self::Resident
            | Self::Peak
            | Self::Snapshots
            | Self::Errors => 0,
        }
    }
}

impl Sample {
    /// A measurement without figures yet.
    pub(crate) fn new(workload: Workload, subject: impl Into<String>, round: usize) -> Self {
        Self {
            workload,
            subject: subject.into(),
            round,
            figures: BTreeMap::new(),
            is_saturated: false,
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, figure: Figure, value: f64) -> Self {
        self.figures.insert(figure, value);
        self
    }

    /// With what a stretch of load saw.
    #[must_use]
    pub(crate) fn with_tally(self, tally: &Tally) -> Self {
        let (requests, elapsed) = (tally.requests as f64, tally.elapsed.as_secs_f64());
        let micros = |time: std::time::Duration| time.as_secs_f64() * 1e6 / requests.max(1.0);
        self.with(Figure::Cpu, micros(tally.used.total()))
            .with(Figure::User, micros(tally.used.user))
            .with(Figure::System, micros(tally.used.system))
            .with(Figure::Rate, requests / elapsed)
            .with(Figure::Errors, tally.errors as f64)
            .with(Figure::Load, micros(tally.load.total()))
            .with(Figure::Busy, tally.used.total().as_secs_f64() / elapsed)
    }

    /// As one of saturated load, on this share of a core.
    #[must_use]
    pub(crate) fn saturated(mut self, share: f64) -> Self {
        self.is_saturated = true;
        if let Some(busy) = self.figures.get_mut(&Figure::Busy) {
            *busy /= share;
        }
        self.with(Figure::Share, share)
    }

    pub(crate) fn get(&self, figure: Figure) -> Option<f64> {
        self.figures.get(&figure).copied()
    }

    /// Whether it counts: of saturated load, the proxy's core must have been busy.
    pub(crate) fn counts(&self) -> bool {
        !self.is_saturated || self.get(Figure::Busy).is_none_or(|busy| busy >= BUSY)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:2}  {:22} {:24}",
            self.round,
            self.workload.name(),
            self.subject
        )?;
        for (figure, value) in &self.figures {
            write!(formatter, "  {value:.*} {}", figure.digits(), figure.name())?;
        }
        if !self.counts() {
            write!(formatter, "  (core not busy: does not count)")?;
        }
        Ok(())
    }
}
