//! What the figures should be, and whether they are.

use serde::Serialize;

use super::spread::Spread;
use super::table::{Row, ratios, rows, series};
use crate::sample::{Figure, Sample};
use crate::workload::Workload;
use crate::{capacity, convergence, storm};

/// Whose figures are judged.
pub(crate) const OURS: &str = "pointsman";

/// A figure to reach.
#[derive(Clone, Copy, Debug)]
struct Target {
    workload: Workload,
    subject: &'static str,
    what: What,
    at_most: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
enum What {
    /// CPU time per request over that of nginx at its better setting.
    CpuOverNginx,
    /// A figure over the same one of another subject.
    Over(Figure, &'static str),
    /// The figure itself.
    Itself(Figure),
}

/// Milliseconds by which a latency may be longer whatever its ratio.
const SLACK: f64 = 0.3;

/// What became of a target.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Judged {
    what: String,
    at_most: f64,
    got: Spread,
    verdict: &'static str,
}

/// The quiet state that others are measured against.
pub(crate) const QUIET: &str = "pointsman, quiet";
/// The request without any feature, that those with one are measured against.
pub(crate) const PLAIN: &str = "pointsman, plain";
/// Registrations that nobody has heard before.
pub(crate) const NEW: &str = "new registrations";
/// The same in memory that the host may still have to give.
pub(crate) const UNTOUCHED: &str = "new, untouched memory";
/// Registrations that were heard before, word for word.
pub(crate) const AGAIN: &str = "unchanged heartbeats";
/// The NATS client alone: it counts what comes.
pub(crate) const CLIENT: &str = "the client library alone";
/// Beside the heartbeats of all routes.
pub(crate) const HEARTBEATS: &str = "pointsman, 5000 heartbeats/s";

#[rustfmt::skip]
const TARGETS: [Target; 34] = [
    Target { workload: Workload::KeepAlive, subject: OURS, what: What::CpuOverNginx, at_most: 0.85 },
    Target { workload: Workload::KeepAliveWrk, subject: OURS, what: What::CpuOverNginx, at_most: 0.85 },
    Target { workload: Workload::KeepAliveLog, subject: OURS, what: What::CpuOverNginx, at_most: 0.95 },
    Target { workload: Workload::KeepAliveLogWrk, subject: OURS, what: What::CpuOverNginx, at_most: 0.95 },
    Target { workload: Workload::NewConnection, subject: OURS, what: What::CpuOverNginx, at_most: 0.95 },
    Target { workload: Workload::Download, subject: OURS, what: What::CpuOverNginx, at_most: 0.65 },
    Target { workload: Workload::Upload, subject: OURS, what: What::CpuOverNginx, at_most: 0.65 },
    Target { workload: Workload::KeepAlive, subject: OURS, what: What::Over(Figure::Cpu, "pointsman, previous"), at_most: 1.05 },
    Target { workload: Workload::KeepAliveLog, subject: OURS, what: What::Over(Figure::Cpu, "pointsman, previous"), at_most: 1.05 },
    Target { workload: Workload::NewConnection, subject: OURS, what: What::Over(Figure::Cpu, "pointsman, previous"), at_most: 1.05 },
    Target { workload: Workload::Registrations, subject: "fresh", what: What::Itself(Figure::Seconds), at_most: 1.5 },
    Target { workload: Workload::Registrations, subject: "stranger epoch", what: What::Itself(Figure::Seconds), at_most: 1.5 },
    Target { workload: Workload::Registrations, subject: "beside 5000 heartbeats/s", what: What::Itself(Figure::Seconds), at_most: 1.5 },
    Target { workload: Workload::Beside, subject: HEARTBEATS, what: What::Over(Figure::Cpu, QUIET), at_most: 1.05 },
    Target { workload: Workload::Beside, subject: HEARTBEATS, what: What::Itself(Figure::TableMessages), at_most: 0.0 },
    Target { workload: Workload::Latency, subject: HEARTBEATS, what: What::Over(Figure::P99, QUIET), at_most: 1.25 },
    Target { workload: Workload::Latency, subject: HEARTBEATS, what: What::Itself(Figure::TableMessages), at_most: 0.0 },
    Target { workload: Workload::Memory, subject: "routes", what: What::Itself(Figure::DataPlaneRoute), at_most: 800.0 },
    Target { workload: Workload::Memory, subject: "routes", what: What::Itself(Figure::ControlPlaneRoute), at_most: 1600.0 },
    Target { workload: Workload::Memory, subject: "routes", what: What::Itself(Figure::SnapshotPeak), at_most: 2.0 },
    Target { workload: Workload::Memory, subject: OURS, what: What::Itself(Figure::IdleConnection), at_most: 4096.0 },
    Target { workload: Workload::Absorb, subject: NEW, what: What::Itself(Figure::MessageCpu), at_most: 3.33 },
    Target { workload: Workload::Absorb, subject: NEW, what: What::Itself(Figure::Dropped), at_most: 0.0 },
    Target { workload: Workload::Absorb, subject: AGAIN, what: What::Itself(Figure::MessageCpu), at_most: 1.0 },
    Target { workload: Workload::Absorb, subject: AGAIN, what: What::Over(Figure::MessageCpu, CLIENT), at_most: 2.0 },
    Target { workload: Workload::Absorb, subject: AGAIN, what: What::Itself(Figure::Dropped), at_most: 0.0 },
    Target { workload: Workload::Capacity, subject: capacity::SUBJECT, what: What::Itself(Figure::Peak), at_most: 1638.4 },
    Target { workload: Workload::Capacity, subject: capacity::SUBJECT, what: What::Itself(Figure::Dropped), at_most: 0.0 },
    Target { workload: Workload::Convergence, subject: convergence::WIRE, what: What::Itself(Figure::P99), at_most: 10.0 },
    Target { workload: Workload::Convergence, subject: convergence::WIRE, what: What::Itself(Figure::Errors), at_most: 0.0 },
    Target { workload: Workload::Convergence, subject: convergence::ANSWER, what: What::Itself(Figure::P99), at_most: 50.0 },
    Target { workload: Workload::Convergence, subject: convergence::ANSWER, what: What::Itself(Figure::Errors), at_most: 0.0 },
    Target { workload: Workload::Storm, subject: storm::SUBJECT, what: What::Itself(Figure::Seconds), at_most: 30.0 },
    Target { workload: Workload::Storm, subject: storm::SUBJECT, what: What::Itself(Figure::StormPeak), at_most: 2.0 },
];

/// Every target that something was measured for.
pub(super) fn judged(samples: &[Sample]) -> Vec<Judged> {
    let judge = |target: &Target| {
        let rows = rows(target.workload, samples);
        let row = rows.iter().find(|row| row.subject == target.subject)?;
        Some(target.judge(row, samples))?
    };
    TARGETS.iter().filter_map(judge).collect()
}

impl Target {
    fn judge(&self, row: &Row, samples: &[Sample]) -> Option<Judged> {
        let (got, name) = match self.what {
            What::CpuOverNginx => (row.cpu_ratio?, "CPU x nginx".to_owned()),
            What::Itself(figure) => (*row.figures.get(&figure)?, figure.name().to_owned()),
            What::Over(figure, other) => {
                let of: Vec<_> = series(self.workload, self.subject, samples).collect();
                let over = series(self.workload, other, samples);
                let got = Spread::of(ratios(figure, &of, over))?;
                (got, format!("{} x {other}", figure.name()))
            }
        };
        let [counting, all] = row.counting;
        let verdict = match () {
            () if 2 * counting <= all => "does not count",
            () if got.median <= self.at_most => "met",
            () if self.is_within_slack(row, samples) => "met",
            () => "MISSED",
        };
        Some(Judged {
            what: format!("{}, {}: {name}", self.workload.name(), self.subject),
            at_most: self.at_most,
            got,
            verdict,
        })
    }
}

impl Target {
    /// A latency is met as well when it is longer by no more than a figure that no client notices.
    fn is_within_slack(&self, row: &Row, samples: &[Sample]) -> bool {
        let What::Over(Figure::P99, other) = self.what else {
            return false;
        };
        let theirs = series(self.workload, other, samples).filter_map(|one| one.get(Figure::P99));
        let (Some(ours), Some(theirs)) = (row.figures.get(&Figure::P99), Spread::of(theirs)) else {
            return false;
        };
        ours.median - theirs.median <= SLACK
    }
}

/// The targets as a table.
pub(super) fn table(samples: &[Sample]) -> String {
    let judged = judged(samples);
    if judged.is_empty() {
        return String::new();
    }
    let mut text = "\n| target | at most | got |  |\n| --- | --: | --: | --- |\n".to_owned();
    for one in judged {
        let digits = if one.at_most >= 100.0 { 0 } else { 2 };
        let (what, at_most, got) = (one.what, one.at_most, one.got);
        text += &format!(
            "| {what} | {at_most} | {got:.digits$} | {} |\n",
            one.verdict
        );
    }
    text
}
