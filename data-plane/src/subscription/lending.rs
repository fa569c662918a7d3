//! Lending the table that is served to a control plane that has just been born, for data planes that have nothing.
//!
//! It goes in the words in which it is kept on disk, part by part as the stream has room. A thread of its own walks a table
//! that was published, which nothing changes any more.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pointsman_proto::v1::{self, follow_request};
use pointsman_routing::{Table, Time};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info};

use super::client::Subscription;
use super::keeping::NICE;
use super::saving::{self, Sink};
use super::to_proto;

/// Parts that wait for room in the stream.
const WAITING: usize = 2;

/// The parts of a table, as they are made.
pub(super) type Parts = mpsc::Receiver<v1::FollowRequest>;

impl Subscription {
    /// What a control plane gets that asks for the table. Nothing but the end of it where that would be of no use to others:
    /// none was confirmed yet, or an operator wants that another one is served.
    pub(super) fn lend(&self) -> Parts {
        let (to, parts) = mpsc::channel(WAITING);
        let age = self.parts.status.borrow().table_age();
        let age = age.filter(|_| self.is_servable() && self.instead.is_nothing());
        let Some(age) = age else {
            info!(component = "subscription", "no-table-to-lend");
            // There is room for the only part.
            let _ = to.try_send(end(Duration::ZERO));
            return parts;
        };
        let table = Arc::clone(self.follower().table());
        info!(
            component = "subscription",
            routes = table.routes(),
            age_seconds = age.as_secs(),
            "table-lending",
        );
        let now = self.table_time();
        let began = Instant::now();
        let broken = to.clone();
        let spawned = thread::Builder::new()
            .name("table-lender".to_owned())
            .spawn(move || {
                // Where that is refused, it is done with the usual priority.
                let _ = rustix::process::nice(NICE);
                walk(&table, now, Lent { to, age, began });
            });
        if let Err(error) = spawned {
            error!(component = "subscription", %error, "table-not-lent");
            let _ = broken.try_send(end(age));
        }
        parts
    }
}

/// Says all of a table. Whoever does not want it any more drops the other end.
fn walk(table: &Table, now: Time, mut to: Lent) {
    if saving::write(table, now, &mut to).is_ok() {
        let _ = to.to.blocking_send(end(to.age()));
    }
}

/// Where the parts go.
struct Lent {
    to: mpsc::Sender<v1::FollowRequest>,
    /// How old the table was when it began.
    age: Duration,
    began: Instant,
}

impl Lent {
    fn age(&self) -> Duration {
        self.age + self.began.elapsed()
    }

    fn say(&self, left: Option<Duration>, carried: &[u8]) -> io::Result<()> {
        let part = part(v1::TablePart {
            batch: carried.to_vec(),
            left: left.and_then(to_proto::duration),
            ..of_age(self.age())
        });
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.to.blocking_send(part).map_err(gone)
    }
}

impl Sink for Lent {
    fn things(&mut self, _: u64, carried: &[u8]) -> io::Result<()> {
        self.say(None, carried)
    }

    fn orphans(&mut self, left: Duration, _: u64, carried: &[u8]) -> io::Result<()> {
        self.say(Some(left.saturating_sub(self.began.elapsed())), carried)
    }
}

fn of_age(age: Duration) -> v1::TablePart {
    v1::TablePart {
        age: to_proto::duration(age),
        ..v1::TablePart::default()
    }
}

fn end(age: Duration) -> v1::FollowRequest {
    part(v1::TablePart {
        last: true,
        ..of_age(age)
    })
}

fn part(part: v1::TablePart) -> v1::FollowRequest {
    to_proto::request(follow_request::Message::TablePart(part))
}
