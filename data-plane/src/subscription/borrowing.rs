//! Serving what another data plane has lent, where the control plane has just been born and this data plane had nothing.
//!
//! It is as good as a persisted table of the same age, and becomes the same: orphans, until a control plane confirms them.

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::{RestoredUntil, Thing};
use tokio::time::Instant;
use tracing::{info, warn};

use super::client::Subscription;
use super::follower::{Breach, Follower};
use super::{from_proto, restoring};
use crate::persisted::Lifetimes;

/// How far borrowing has come.
#[derive(Debug, Default)]
pub(super) struct Borrowing {
    /// Endpoints that are held since the session began.
    endpoints: u64,
    /// All of a table came, and some of it is served.
    served: bool,
}

impl Borrowing {
    /// Whether it brought anything that is served.
    pub(super) const fn has_served(&self) -> bool {
        self.served
    }

    /// Another session begins.
    pub(super) const fn begin(&mut self) {
        self.endpoints = 0;
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
        self.borrowing.endpoints += self.put_aged(things, left, Follower::borrow);
        if part.last {
            self.borrowed(age);
        }
        Ok(())
    }

    fn borrowed(&mut self, age: Duration) {
        let endpoints = self.borrowing.endpoints;
        if endpoints == 0 {
            warn!(
                component = "subscription",
                age_seconds = age.as_secs(),
                "nothing-borrowed"
            );
            return;
        }
        self.borrowing.served = true;
        info!(
            component = "subscription",
            endpoints,
            age_seconds = age.as_secs(),
            "table-borrowed"
        );
        self.parts.status.send_modify(|status| {
            status.borrowed = endpoints;
            status.taken_over = Some((Instant::now(), age));
        });
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
