//! The turns of the task: what came in, what is due, who wants to look.

use std::pin::pin;
use std::time::Duration;

use pointsman_process::wall_clock::at_one_moment;
use pointsman_registry::{Declaration, SourceId, Time};
use tokio::time::{Instant, sleep_until};

use super::clock::Clock;
use super::handle::{Batch, Event, Failing, Message, Read};
use super::history::Why;
use super::orders::{Order, Refused, Release};
use super::{RegistryTask, log};

/// Events of one turn, each of which may be a batch of messages.
const EVENTS_PER_TURN: usize = 16;

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
    Order(Order),
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
                Some(order) = self.orders.recv() => Woken::Order(order),
                () = sleep_until(due) => Woken::Clock,
            };
            let now = self.clock.now();
            self.registry.awake(now);
            for (source, event) in events.drain(..) {
                self.registry.record_staged(self.stager.stages(source));
                self.apply(source, event, now);
                self.registry.record_staged(false);
            }
            match woken {
                Woken::Read(read) => self.answer(read, now),
                Woken::Failing(failing) => self.fail(&failing, now),
                Woken::Order(order) => self.follow(order),
                Woken::Events | Woken::Clock => {}
                Woken::End => return,
            }
            self.expire(now);
            self.tell_guard();
            if self.stager.due().is_some_and(|due| Instant::now() >= due) {
                self.look_at_roll_out();
            }
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
        let others = [due, self.stager.due()].into_iter().flatten();
        others.fold(self.timers.figures, Instant::min)
    }

    fn apply(&mut self, source: SourceId, event: Event, now: Time) {
        match event {
            Event::Received(batch) => self.apply_batch(source, batch, now),
            Event::Register(message) => self.register(source, &message, now),
            Event::Unregister(message) => self.unregister(source, &message, now),
            Event::Declare(declaration) => {
                let declared = self.registry.declare(source, &declaration, now);
                self.metrics.declared(declared);
                log::declared(&declaration, declared);
                self.recorder.declared(&self.registry, source);
            }
            Event::Withdraw(declaration) => {
                let Declaration { uri, segment, .. } = &declaration;
                if self.registry.withdraw(source, uri.key(), segment, now) {
                    log::route_gone(uri.key());
                }
                self.recorder
                    .changed(&self.registry, Why::Withdrawn, Some(source));
            }
            Event::Lapse(message, absence) => {
                let outcomes = self.registry.lapse(source, &message, absence, now);
                self.metrics.lapsed(&outcomes);
                log::lapsed(&message, &outcomes);
                self.recorder
                    .changed(&self.registry, Why::Withdrawn, Some(source));
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
            Event::Changing { routes } => self.change_begins(source, routes),
            Event::Changed => {
                for (route, endpoint) in self.registry.settle(source, now) {
                    log::unsaid(&route, &endpoint);
                }
                self.recorder
                    .changed(&self.registry, Why::Withdrawn, Some(source));
                self.change_ends(source);
            }
        }
    }

    fn apply_batch(&mut self, source: SourceId, batch: Batch, now: Time) {
        let mut heard = 0;
        for message in batch.messages {
            match message {
                Message::Repeated(fingerprint, payload) => {
                    if self.registry.heard(source, fingerprint, now) {
                        heard += 1;
                    } else if let Some(message) = (batch.otherwise)(&payload, fingerprint) {
                        self.register(source, &message, now);
                    }
                }
                Message::Register(message) => self.register(source, &message, now),
                Message::Unregister(message) => self.unregister(source, &message, now),
            }
        }
        self.metrics.heard(heard);
    }

    fn unregister(
        &mut self,
        source: SourceId,
        message: &pointsman_registry::Registration,
        now: Time,
    ) {
        let outcomes = self.registry.unregister(message, now);
        at_one_moment(|| {
            self.metrics.unregistered(message, &outcomes);
            log::unregistered(message, &outcomes);
            self.recorder
                .unregistered(&self.registry, source, message, &outcomes);
        });
    }

    fn register(
        &mut self,
        source: SourceId,
        message: &pointsman_registry::Registration,
        now: Time,
    ) {
        let outcomes = self.registry.register(source, message, now);
        at_one_moment(|| {
            self.metrics.registered(message, &outcomes);
            log::registered(message, &outcomes);
            self.recorder
                .registered(&self.registry, source, message, &outcomes);
        });
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
        self.recorder.changed(&self.registry, Why::Failing, None);
    }

    /// Does what an operator orders. Whoever ordered may have left meanwhile.
    fn follow(&mut self, order: Order) {
        match order {
            Order::Release {
                epoch,
                up_to_revision,
                answer,
            } => {
                let _ = answer.send(self.release(epoch, up_to_revision));
            }
            Order::FinishRollOut {
                epoch,
                number,
                answer,
            } => {
                let _ = answer.send(self.finish_roll_out(epoch, number));
            }
            Order::ConfirmEmptiness { epoch, answer } => {
                let _ = answer.send(self.confirm_emptiness(epoch));
            }
            Order::Place { new, answer } => {
                let _ = answer.send(self.place_override(new));
            }
            Order::EndOverride { id, answer } => {
                let _ = answer.send(self.end_override(&id));
            }
        }
    }

    pub(super) fn check_epoch(&self, given: u64) -> Result<(), Refused> {
        let epoch = self.registry.epoch();
        if given == epoch {
            Ok(())
        } else {
            Err(Refused::OtherEpoch { given, epoch })
        }
    }

    fn release(&mut self, epoch: u64, up_to_revision: u64) -> Result<u64, Refused> {
        self.check_epoch(epoch)?;
        let head = self.registry.head();
        if up_to_revision > head {
            return Err(Refused::Future {
                given: up_to_revision,
                head,
            });
        }
        let part = self.stage_release(up_to_revision);
        let released = self.registry.release(up_to_revision);
        self.release.send_modify(|latest| {
            let number = latest.map_or(1, |latest| latest.number + 1);
            *latest = Some(Release::new(number, up_to_revision, part).with(*latest));
        });
        Ok(released)
    }

    fn confirm_emptiness(&mut self, epoch: u64) -> Result<(), Refused> {
        self.check_epoch(epoch)?;
        if !self.registry.confirm_emptiness() {
            let routes = self.registry.counts(self.clock.now()).routes;
            return Err(Refused::NotEmpty { routes });
        }
        self.consider_standing();
        Ok(())
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
        self.recorder.expired(&self.registry, &expiry.expired);
    }

    /// Tells once when the guard begins to hold something, and once when it holds nothing any more.
    fn tell_guard(&mut self) {
        let held = self.registry.held_expiries();
        if (held > 0) == self.guard_told {
            return;
        }
        self.guard_told = held > 0;
        if held > 0 {
            let guard = self.registry.settings().guard;
            log::guard_holds(held, guard);
        } else {
            log::guard_holds_nothing();
        }
    }

    fn tell_head(&self) {
        let head = self.registry.head();
        self.head
            .send_if_modified(|told| std::mem::replace(told, head) != head);
    }

    fn renew_figures(&mut self) {
        self.timers.figures = Instant::now() + FIGURES;
        self.end_overrides();
        self.consider_standing();
        let counts = self.registry.counts(self.clock.now());
        self.metrics.figures(&counts, self.registry.head());
        self.metrics.ejected(self.registry.ejected());
        self.metrics.held(
            self.registry.held_expiries(),
            self.handle.replicas.kept(),
            &self.standing.borrow(),
        );
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
