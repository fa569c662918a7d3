//! One measurement of one subject.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::core::CpuTime;
use crate::load;
use crate::options::Options;
use crate::stage::{HOST, Proxy, Subject};

/// The share of its core that a proxy must have used for a round to count.
pub(crate) const BUSY: f64 = 0.95;

/// What one round says about one subject.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Round {
    pub(crate) round: usize,
    pub(crate) proxy: Proxy,
    pub(crate) access_log: bool,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) cpu_us_per_request: f64,
    pub(crate) user_us_per_request: f64,
    pub(crate) system_us_per_request: f64,
    pub(crate) p99_ms: f64,
    pub(crate) errors: u64,
    /// The share of the core that the proxy used.
    pub(crate) busy: f64,
}

/// Warms the subject up for a second, and measures.
pub(crate) fn measure(subject: Subject, options: &Options, round: usize) -> Round {
    load::run(subject.address, HOST, 1, options);
    let before = CpuTime::of(subject.pid);
    let load = load::run(subject.address, HOST, options.seconds, options);
    let used = CpuTime::of(subject.pid).since(before);
    let requests = load.requests as f64;
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / requests;
    Round {
        round,
        proxy: subject.proxy,
        access_log: subject.access_log,
        requests: load.requests,
        requests_per_second: requests / load.elapsed.as_secs_f64(),
        cpu_us_per_request: per_request(used.total()),
        user_us_per_request: per_request(used.user),
        system_us_per_request: per_request(used.system),
        p99_ms: load.p99.as_secs_f64() * 1e3,
        errors: load.errors,
        busy: used.total().as_secs_f64() / load.elapsed.as_secs_f64(),
    }
}

impl fmt::Display for Round {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = if self.access_log {
            "with log"
        } else {
            "no log"
        };
        let idle = if self.busy < BUSY {
            "  (core not busy: does not count)"
        } else {
            ""
        };
        write!(
            formatter,
            "round {:2}  {:13} {:8}  {:6.2} us/request ({:5.2} user, {:5.2} system)  {:7.0}/s  p99 {:6.2} ms  \
             {} errors  core {:3.0} %{idle}",
            self.round,
            self.proxy.name(),
            log,
            self.cpu_us_per_request,
            self.user_us_per_request,
            self.system_us_per_request,
            self.requests_per_second,
            self.p99_ms,
            self.errors,
            self.busy * 100.0,
        )
    }
}
