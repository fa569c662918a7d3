//! What a worker does beside requests: deadlines, the wall clock, unused connections, the log.

use std::rc::Rc;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Worker;
use crate::deadlines::STEP;

/// Sweeps between two looks at the things of a second.
const SWEEPS_PER_SECOND: u32 = 20;

/// Sweeps until lines of the access log are handed over though their buffer is not full: a crash
/// may cost those of one second, the writer's part included.
const SWEEPS_PER_FLUSH: u32 = 10;

/// Sweeps between two looks at the memory of the process.
const SWEEPS_PER_LOOK: u32 = 2;

/// Runs for as long as the worker does.
pub(super) async fn run(worker: Rc<Worker>) {
    let mut ticks = interval(STEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for sweep in (0..SWEEPS_PER_SECOND).cycle() {
        ticks.tick().await;
        worker.deadlines.sweep(Instant::now());
        worker.sweep_idle();
        worker.give_table_back();
        if sweep == 0 {
            worker.each_second();
        }
        if sweep % SWEEPS_PER_LOOK == 0 {
            worker.look_at_memory();
        }
        if sweep % SWEEPS_PER_FLUSH == 0 {
            worker.flush_lines();
            worker.flush_events();
        }
    }
}

impl Worker {
    fn sweep_idle(&self) {
        let mut idle = self.idle.borrow_mut();
        let kept = idle.sweep(self.deadlines.now()) + self.trunks.resting();
        self.counters.idle_upstream.set(kept as u64);
        self.services.sweep(self.deadlines.now(), &self.settings);
    }

    /// A table that was replaced is given back also by a worker without requests, and soon: while tables follow upon
    /// one another, everything that changed since then is held twice.
    fn give_table_back(&self) {
        self.table.borrow_mut().current();
    }

    fn each_second(&self) {
        self.clock.refresh();
        self.renew_date();
        self.admission.settle();
        let http2_is_off = self.switches.disable_http2();
        if self.http2_was_off.replace(http2_is_off) != http2_is_off {
            // Connections look at it when they wake.
            self.deadlines.wake_all();
        }
    }

    fn flush_lines(&self) {
        if let Some(lines) = &mut *self.lines.borrow_mut() {
            lines.flush();
            self.counters.access_log_dropped.set(lines.dropped());
        }
    }

    /// Hands over the events that there are.
    pub(super) fn flush_events(&self) {
        if let Some(events) = &mut *self.events.borrow_mut() {
            events.flush();
            self.counters.events_dropped.set(events.dropped());
        }
    }

    /// Renews the value of `Date` (RFC 9110 §5.6.7).
    pub(super) fn renew_date(&self) {
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
        *self.date.borrow_mut() = date.to_string().into_bytes();
    }
}
