//! The turns of the task: what came in, what is due, who wants to look.

use std::pin::pin;
use std::time::Duration;

use pointsman_registry::{SourceId, Time};
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::handle::{Event, Failing, Read};
use super::{RegistryTask, log};

/// Events of one turn.
const EVENTS_PER_TURN: usize = 512;

/// Looks of one turn. They come from sessions and people, whom a flood of events must not starve, nor they it.
const READS_PER_TURN: usize = 16;

/// Entries of one turn that are due.
const DUE_PER_TURN: usize = 512;

/// What becomes due within this time is looked at together.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// How often figures are renewed, and the standing is considered.
const FIGURES: Duration = Duration::from_secs(1);

/// What the clock asks for.
#[derive(Debug)]
pub(super) struct Timers {
    /// Not before this is anything looked at for its age.
    expiry_allowed: Instant,
    figures: Instant,
}

impl Timers {
    pub(super) fn new(clock: Clock) -> Self {
        let now = clock.instant(clock.now());
        Self {
            expiry_allowed: now,
            figures: now,
        }
    }
}

/// What woke the task.
enum Woken {
    Events,
    Read(Read),
    Failing(Failing),
    Clock,
    End,
}

impl RegistryTask {
    /// Runs until `end` resolves.
    pub async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        self.renew_figures();
        loop {
            let due = self.next_wake();
            let woken = tokio::select! {
                () = &mut end => Woken::End,
                // The task holds a sender itself, so there is always something to wait for.
                _ = self.events.recv_many(&mut events, EVENTS_PER_TURN) => Woken::Events,
                Some(read) = self.reads.recv() => Woken::Read(read),
                Some(failing) = self.failing.recv() => Woken::Failing(failing),
                () = sleep_until(due) => Woken::Clock,
            };
            let now = self.clock.now();
            for (source, event) in events.drain(..) {
                self.apply(source, event, now);
            }
            match woken {
                Woken::Read(read) => self.answer(read, now),
                Woken::Failing(failing) => self.fail(&failing, now),
                Woken::Events | Woken::Clock => {}
                Woken::End => return,
            }
            self.expire(now);
            self.tell_head();
            if Instant::now() >= self.timers.figures {
                self.renew_figures();
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let now = self.clock.now();
        let due = self
            .registry
            .next_due(now)
            .map(|due| self.clock.instant(due));
        let due = due.map(|due| due.max(self.timers.expiry_allowed));
        due.map_or(self.timers.figures, |due| due.min(self.timers.figures))
    }

    fn apply(&mut self, source: SourceId, event: Event, now: Time) {
        match event {
            Event::Register(message) => self.register(source, &message, now),
            Event::Heard {
                fingerprint,
                otherwise,
            } => {
                if self.registry.heard(source, fingerprint, now) {
                    self.metrics.heard();
                } else if let Some(message) = otherwise() {
                    self.register(source, &message, now);
                }
            }
            Event::Unregister(message) => {
                let outcomes = self.registry.unregister(&message, now);
                self.metrics.unregistered(&message, &outcomes);
                log::unregistered(&message, &outcomes);
            }
            Event::Lost { last_heard } => {
                self.registry
                    .source_lost(source, self.clock.time(last_heard));
                self.consider_standing();
            }
            Event::Returned => {
                self.registry.source_returned(source, now);
                self.consider_standing();
            }
        }
    }

    fn register(
        &mut self,
        source: SourceId,
        message: &pointsman_registry::Registration,
        now: Time,
    ) {
        let outcomes = self.registry.register(source, message, now);
        self.metrics.registered(message, &outcomes);
        log::registered(message, &outcomes);
    }

    fn answer(&mut self, first: Read, now: Time) {
        first(&self.registry, now);
        for _ in 1..READS_PER_TURN {
            let Ok(read) = self.reads.try_recv() else {
                return;
            };
            read(&self.registry, now);
        }
    }

    fn fail(&mut self, failing: &Failing, now: Time) {
        if self
            .registry
            .reported_failing(&failing.route, &failing.address, now)
        {
            self.metrics.pruned(1);
            log::removed_as_failing(failing);
        }
    }

    fn expire(&mut self, now: Time) {
        let instant = self.clock.instant(now);
        let due = self.registry.next_due(now).is_some_and(|due| due <= now);
        if !due || instant < self.timers.expiry_allowed {
            return;
        }
        let expiry = self.registry.expire(now, DUE_PER_TURN);
        if !expiry.more {
            self.timers.expiry_allowed = instant + BETWEEN_LOOKS;
        }
        self.metrics.expired(&expiry.expired);
        log::expired(&expiry.expired);
    }

    fn tell_head(&self) {
        let head = self.registry.head();
        self.head
            .send_if_modified(|told| std::mem::replace(told, head) != head);
    }

    fn renew_figures(&mut self) {
        self.timers.figures = Instant::now() + FIGURES;
        self.consider_standing();
        let counts = self.registry.counts(self.clock.now());
        self.metrics.figures(&counts, self.registry.head());
    }

    fn consider_standing(&self) {
        let fleet_holds_things = self.handle.replicas.hold_things();
        let standing = self.registry.standing(self.clock.now(), fleet_holds_things);
        self.standing.send_if_modified(|told| {
            let changed = *told != standing;
            if (told.open, told.authoritative) != (standing.open, standing.authoritative) {
                log::standing(&standing);
            }
            *told = standing;
            changed
        });
    }
}
