//! Serving what another data plane has lent, where the control plane has just been born and this data plane had nothing.
//!
//! It is as good as a persisted table of the same age, and becomes the same: orphans, until a control plane confirms them. It
//! is served once the control plane has given everything that it knows itself, and above all what was removed meanwhile.

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::{RestoredUntil, Thing};
use tokio::time::Instant;
use tracing::info;

use super::client::Subscription;
use super::follower::{Breach, Follower};
use super::{from_proto, restoring};
use crate::persisted::Lifetimes;

/// How far borrowing has come.
#[derive(Debug, Default)]
pub(super) struct Borrowing {
    state: State,
    /// Some of a table that was lent is served.
    served: bool,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing is being lent.
    #[default]
    Nothing,
    /// So many endpoints were put.
    Parts { endpoints: u64 },
    /// All of them came, and the table was so old then.
    Whole {
        endpoints: u64,
        age: Duration,
        came: Instant,
    },
}

impl Borrowing {
    /// Whether it brought anything that is served.
    pub(super) const fn has_served(&self) -> bool {
        self.served
    }

    /// Whether something was put that may have been removed since.
    pub(super) const fn is_under_way(&self) -> bool {
        !matches!(self.state, State::Nothing)
    }

    /// The session has ended. What was put is kept as what any orphan is.
    pub(super) fn end(&mut self) {
        self.state = State::Nothing;
    }
}

impl Subscription {
    /// Takes over a part of a table that is lent.
    ///
    /// # Errors
    ///
    /// What is wrong with it. What came before stays.
    pub(super) fn borrow(&mut self, part: &v1::TablePart) -> Result<(), Breach> {
        let things = restoring::decode(&part.batch);
        let things = things.map_err(|error| Breach::Part(error.to_string()))?;
        let age = part.age.map(from_proto::duration).transpose();
        let left = part.left.map(from_proto::duration).transpose();
        let (Ok(Some(age)), Ok(left)) = (age, left) else {
            return Err(Breach::Part("it does not say how old it is".to_owned()));
        };
        let life = self.parts.lifetimes;
        let left = Lifetimes {
            plain: life.plain.saturating_sub(age),
            tls: life.tls.saturating_sub(age),
        }
        .at_most(left.unwrap_or(Duration::MAX));
        let before = match self.borrowing.state {
            State::Parts { endpoints } => endpoints,
            State::Nothing | State::Whole { .. } => 0,
        };
        self.follower_mut().begin_to_borrow();
        let endpoints = before + self.put_aged(things, left, Follower::borrow);
        self.borrowing.state = if part.last {
            State::Whole {
                endpoints,
                age,
                came: Instant::now(),
            }
        } else {
            State::Parts { endpoints }
        };
        Ok(())
    }

    /// The control plane has given everything that it knows: where all of a table was lent before that, it is served now.
    pub(super) fn borrowed(&mut self) {
        let State::Whole {
            endpoints,
            age,
            came,
        } = self.borrowing.state
        else {
            return;
        };
        self.borrowing.state = State::Nothing;
        self.follower_mut().drop_deserted();
        info!(
            component = "subscription",
            endpoints,
            age_seconds = age.as_secs(),
            "table-borrowed"
        );
        if endpoints > 0 {
            self.borrowing.served = true;
            self.parts.status.send_modify(|status| {
                status.borrowed += endpoints;
                status.taken_over = Some((came, age));
            });
        }
        self.publish();
        self.expire();
    }

    /// Puts things that no control plane of this process has confirmed, as orphans that live so long. Says how many endpoints
    /// are held by that.
    pub(super) fn put_aged(
        &mut self,
        things: Vec<Thing>,
        left: Lifetimes,
        put: fn(&mut Follower, Thing, RestoredUntil) -> bool,
    ) -> u64 {
        let until = RestoredUntil::new(left.plain, left.tls, self.table_time());
        let mut endpoints = 0;
        for thing in things {
            let life = match &thing {
                Thing::Endpoint(endpoint) if endpoint.tls.is_some() => Some(left.tls),
                Thing::Endpoint(_) => Some(left.plain),
                Thing::Route(_) | Thing::Rejected(_) => None,
            };
            if life.is_none_or(|life| !life.is_zero()) {
                let held = put(self.follower_mut(), thing, until);
                endpoints += u64::from(held && life.is_some());
            }
        }
        endpoints
    }
}
