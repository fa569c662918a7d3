//! What is served in the place of what is received, while an operator wants that.
//!
//! Everything is received and held as ever, so that what comes afterwards is a small step. It is not acknowledged
//! meanwhile, because an acknowledgement says what is served; the reports say that the table is frozen.

use std::future::pending;
use std::thread;
use std::time::Duration;

use pointsman_routing::{Aside, Settings, Thing};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use super::client::Subscription;
use super::restoring::{Piece, Restore, WAITING, hand_over};
use super::status::Served;
use crate::overrides::Serving;
use crate::persisted::{Folder, Lifetimes, Moment};

/// What is served instead.
#[derive(Debug)]
pub(super) struct Instead {
    wanted: watch::Receiver<Serving>,
    restore: Option<Restore>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing: what is received is served.
    Nothing,
    /// What was served when that was wanted.
    Frozen,
    /// The same, until this is read.
    Reading(Box<Reading>),
    /// A generation of the persisted table.
    Generation(Box<Aside>),
}

#[derive(Debug)]
struct Reading {
    number: u8,
    at_any_age: bool,
    pieces: mpsc::Receiver<Piece>,
    aside: Aside,
    settings: Settings,
    age: Duration,
    left: Lifetimes,
    endpoints: u64,
}

/// Something is to be done.
#[derive(Debug)]
pub(super) enum News {
    /// Something else is wanted.
    Wanted(Serving),
    /// A piece of the persisted table was read.
    Read(Piece),
}

impl Instead {
    pub(super) const fn new(wanted: watch::Receiver<Serving>, restore: Option<Restore>) -> Self {
        Self {
            wanted,
            restore,
            state: State::Nothing,
        }
    }

    /// Whether what is received is what is served.
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self.state, State::Nothing)
    }

    /// What is to be done next; it may never come.
    pub(super) async fn next(&mut self) -> News {
        let read = async {
            match &mut self.state {
                State::Reading(reading) => {
                    let died = || Piece::Failed("the thread that reads it has died".to_owned());
                    reading.pieces.recv().await.unwrap_or_else(died)
                }
                State::Nothing | State::Frozen | State::Generation(_) => pending().await,
            }
        };
        tokio::select! {
            changed = self.wanted.changed() => match changed {
                Ok(()) => News::Wanted(*self.wanted.borrow_and_update()),
                // Nobody is left who could want anything.
                Err(_) => pending().await,
            },
            piece = read => News::Read(piece),
        }
    }
}

impl Subscription {
    /// Does what is to be done.
    pub(super) fn hear_instead(&mut self, news: News) {
        match news {
            News::Wanted(serving) => self.serve_instead(serving),
            News::Read(piece) => self.read_instead(piece),
        }
    }

    fn serve_instead(&mut self, serving: Serving) {
        match std::mem::replace(&mut self.instead.state, State::Nothing) {
            State::Nothing | State::Frozen => {}
            State::Reading(reading) => self.follower_mut().drop_aside(reading.aside),
            State::Generation(aside) => self.follower_mut().drop_aside(*aside),
        }
        match serving {
            Serving::Received => {
                self.show_served(Served::Received);
                info!(component = "subscription", "table-released");
                self.publish();
            }
            Serving::Frozen => {
                self.instead.state = State::Frozen;
                self.show_served(Served::Frozen);
                warn!(component = "subscription", "table-frozen");
            }
            Serving::Generation { number, at_any_age } => self.begin_reading(number, at_any_age),
        }
    }

    /// What is served stays until the generation is read.
    fn begin_reading(&mut self, number: u8, at_any_age: bool) {
        self.instead.state = State::Frozen;
        let Some(restore) = self.instead.restore.clone() else {
            return self.not_read(number, "no table is kept on disk".to_owned());
        };
        let (to, pieces) = mpsc::channel(WAITING);
        let spawned = thread::Builder::new()
            .name("table-reader".to_owned())
            .spawn(move || {
                let read = read(&restore, (number, at_any_age), &to);
                // Nobody waits where something else is wanted by now.
                let _ = to.blocking_send(match read {
                    Ok(()) => Piece::Ended,
                    Err(why) => Piece::Failed(why),
                });
            });
        if let Err(error) = spawned {
            return self.not_read(number, error.to_string());
        }
        self.instead.state = State::Reading(Box::new(Reading {
            number,
            at_any_age,
            pieces,
            aside: self.follower().aside(),
            settings: Settings::default(),
            age: Duration::ZERO,
            left: Lifetimes::FOR_EVER,
            endpoints: 0,
        }));
        self.show_served(Served::Reading(number));
    }

    fn read_instead(&mut self, piece: Piece) {
        let State::Reading(mut reading) = std::mem::replace(&mut self.instead.state, State::Frozen)
        else {
            return;
        };
        match piece {
            Piece::Found {
                age,
                left,
                settings,
                ..
            } => {
                (reading.age, reading.left) = (age, left);
                reading.settings = settings;
                self.instead.state = State::Reading(reading);
            }
            Piece::Things { mut things, left } => {
                things.retain(|thing| reading.may_serve(thing, left));
                let is_endpoint = |thing: &&Thing| matches!(thing, Thing::Endpoint(_));
                reading.endpoints += things.iter().filter(is_endpoint).count() as u64;
                self.parts.follower.fill_aside(&mut reading.aside, things);
                self.instead.state = State::Reading(reading);
            }
            Piece::Ended if reading.endpoints > 0 => self.serve_generation(*reading),
            Piece::Ended => {
                self.follower_mut().drop_aside(reading.aside);
                let why = "none of its endpoints may still be served";
                self.not_read(reading.number, why.to_owned());
            }
            Piece::Failed(why) => {
                self.follower_mut().drop_aside(reading.aside);
                self.not_read(reading.number, why);
            }
        }
    }

    fn serve_generation(&mut self, reading: Reading) {
        let Reading {
            number,
            mut aside,
            settings,
            age,
            endpoints,
            ..
        } = reading;
        let table = self.parts.follower.serve_aside(&mut aside, settings);
        self.serve(table);
        self.instead.state = State::Generation(Box::new(aside));
        self.show_served(Served::Generation { number, age });
        warn!(
            component = "subscription",
            generation = number,
            age_seconds = age.as_secs(),
            endpoints,
            "earlier-table-served"
        );
    }

    /// What is served stays as it is, frozen.
    fn not_read(&self, number: u8, why: String) {
        error!(
            component = "subscription",
            generation = number,
            reason = why,
            "earlier-table-not-read"
        );
        self.show_served(Served::NotRead(number, why));
    }

    fn show_served(&self, served: Served) {
        self.parts
            .status
            .send_modify(|status| status.served = served);
    }
}

impl Reading {
    /// Whether a thing may still be served; `left` is what an orphan had left when the table was written.
    fn may_serve(&self, thing: &Thing, left: Option<Duration>) -> bool {
        let life = match thing {
            Thing::Route(_) => return true,
            Thing::Rejected(_) => return false,
            Thing::Endpoint(endpoint) if endpoint.tls.is_some() => self.left.tls,
            Thing::Endpoint(_) => self.left.plain,
        };
        self.at_any_age || !life.min(left.unwrap_or(Duration::MAX)).is_zero()
    }
}

/// Reads a generation, and hands it over.
fn read(
    restore: &Restore,
    (number, at_any_age): (u8, bool),
    to: &mpsc::Sender<Piece>,
) -> Result<(), String> {
    let lifetimes = if at_any_age {
        Lifetimes::FOR_EVER
    } else {
        Lifetimes {
            plain: restore.plain,
            tls: restore.tls,
        }
    };
    let folder = Folder::new(restore.folder.clone());
    let found = folder.generation(number, (restore.filter, lifetimes), &Moment::now());
    let found = found.map_err(|why| why.to_string())?;
    let found = found.ok_or_else(|| "there is no such file".to_owned())?;
    hand_over(found, to).map_err(|error| error.to_string())
}
