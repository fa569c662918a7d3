//! What is shown and told of following: to people, to metrics, and to the control plane.

use std::time::Duration;

use pointsman_proto::v1;
use tokio::time::Instant;
use tracing::{info, warn};

use super::client::Subscription;
use super::report;
use super::status::{Candidate, Connection};

impl Subscription {
    /// A session began.
    pub(super) fn welcomed(&mut self) {
        let (epoch, _) = self.follower().position();
        info!(
            component = "subscription",
            control_plane = self.followed(),
            epoch,
            standing = self.worth().word(),
            "control-plane-followed",
        );
        self.parts.status.send_modify(|status| {
            status.sessions += 1;
            status.trouble = None;
        });
        self.show();
    }

    /// The control plane confirmed what is held.
    pub(super) fn confirmed(&mut self) {
        self.choice.confirmed();
        let follower = self.follower();
        let whole = follower.unconfirmed() == 0 || follower.standing().authoritative;
        self.parts.status.send_modify(|status| {
            status.agreed = true;
            if whole {
                status.confirmed = Some(Instant::now());
            }
        });
        self.show();
    }

    /// Ready is who serves a table that a control plane was fit to fill, also when it is gone, or
    /// one that was persisted.
    pub(super) fn look_ready(&mut self) {
        if self.follower().is_filled() {
            self.restoring.give_up();
        }
        if self.is_servable() && !self.follower().is_changed() {
            self.parts.ready.met();
            self.parts.status.send_if_modified(|status| {
                let first = !status.servable;
                status.servable = true;
                first
            });
        }
    }

    /// Shows how following goes.
    pub(super) fn show(&mut self) {
        let worth = self.worth();
        if let Some(at) = self.choice.current() {
            self.choice.heard(at, worth);
        }
        let follower = self.follower();
        let (epoch, revision) = follower.position();
        let connection = Connection {
            address: self.followed().to_owned(),
            worth,
            reason: follower.standing().reason.clone(),
        };
        self.parts.status.send_modify(|status| {
            status.epoch = epoch;
            status.revision = revision;
            status.rejected = follower.rejected().count() as u64;
            status.unconfirmed = follower.unconfirmed();
            status.connection = Some(connection);
        });
        // What closed may have left orphans, which end at some time.
        self.expire();
        self.show_choice();
        self.look_ready();
    }

    /// Shows what is known of the control planes.
    pub(super) fn show_choice(&self) {
        let planes = self.choice.planes().iter().zip(&self.parts.control_planes);
        let candidates: Vec<_> = planes
            .map(|(plane, control_plane)| Candidate {
                address: control_plane.name.clone(),
                worth: plane.worth,
                trouble: plane.trouble.clone(),
            })
            .collect();
        self.parts.status.send_if_modified(|status| {
            let changed = status.candidates != candidates;
            status.candidates = candidates;
            status.moves = self.choice.moves();
            changed
        });
    }

    /// Shows how many things are kept though nobody confirms them, and tells when that begins and
    /// when it ends.
    pub(super) fn show_doubted(&self) {
        let follower = self.follower();
        let now = (follower.orphans(), follower.held_removals());
        let before = {
            let status = self.parts.status.borrow();
            (status.orphans, status.held_removals)
        };
        if now == before {
            return;
        }
        tell_change("orphans", before.0, now.0);
        tell_change("held-removals", before.1, now.1);
        self.parts
            .status
            .send_modify(|status| (status.orphans, status.held_removals) = now);
    }

    /// Shows how much was taken over from the disk, and how old it was.
    pub(super) fn show_restored(&self, endpoints: u64, age: Duration) {
        self.parts.status.send_modify(|status| {
            status.restored = endpoints;
            status.taken_over = Some((Instant::now(), age));
        });
    }

    /// The answer to a question; a refusal where too many were asked.
    pub(super) fn answer(&mut self, question: v1::Question) -> v1::FollowRequest {
        let allowed = self.questions.allow(Instant::now());
        if !allowed {
            self.parts
                .status
                .send_modify(|status| status.questions_refused += 1);
        }
        self.parts.follower.answer(question, allowed)
    }

    /// What the control plane wants to know.
    pub(super) fn report(&mut self) -> v1::FollowRequest {
        let age = self.parts.status.borrow().table_age();
        let load = (self.parts.load)();
        let draining = self.parts.draining.is_cancelled();
        let doubted = (
            self.parts.follower.orphans(),
            self.parts.follower.held_removals(),
        );
        let switched = report::Switched {
            overrides: self.parts.switches.kinds(),
            frozen: !self.instead.is_nothing(),
            received_revision: self.parts.follower.position().1,
        };
        let failures = &mut self.parts.failures;
        report::report(failures, load, doubted, (age, draining), switched)
    }
}

/// Tells an operator where something begins that should not last, and where it ends.
fn tell_change(what: &str, before: u64, now: u64) {
    match (before, now) {
        (0, 1..) => warn!(component = "subscription", count = now, "{what}-begun"),
        (1.., 0) => info!(component = "subscription", "{what}-ended"),
        _ => {}
    }
}
