//! The data plane's end of the stream, without the wire.

use std::sync::Arc;

use pointsman_proto::v1::{self, follow_request, follow_response};
use pointsman_route_key::{Host, RouteKey};
use pointsman_routing::{
    AbsenceSettings, Aside, Closed, RejectedThing, Rejection, RestoredUntil, Settings, Table,
    Thing, ThingKind, Time, View, Writer,
};

use super::capabilities::{CLAIMED, lacks};
use super::from_proto::{self, Unnamed};
use super::to_proto::{self, request};

/// Who this data plane is, and what it wants.
#[derive(Clone, Debug)]
pub struct Identity {
    /// One life of one process.
    pub id: String,
    /// Its name among people.
    pub name: String,
    /// Its availability zone.
    pub zone: String,
    /// The segments that it wants.
    pub filter: v1::SegmentFilter,
    /// Whether its listeners serve routes of every host.
    pub any_host: bool,
}

/// What became of a message.
#[derive(Debug, PartialEq)]
pub enum Received {
    /// It is part of what is held.
    Applied,
    /// A session began.
    Welcomed,
    /// The table is what the control plane expects at this revision.
    Agreed,
    /// A question was asked; [`Follower::answer`] answers it.
    Asked(v1::Question),
    /// The table is asked for, so that others can be lent it.
    Wanted,
    /// A part of what another data plane serves is lent.
    Lent(v1::TablePart),
}

/// Why a session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// The first message was no welcome, or a later one was.
    #[error("the control plane sent {0} where {1} was due")]
    OutOfTurn(&'static str, &'static str),
    /// The welcome names no life of a control plane.
    #[error("the control plane named no epoch")]
    NoEpoch,
    /// A part of a table that is lent cannot be used.
    #[error("a part of the table that was lent cannot be used: {0}")]
    Part(String),
    /// The settings cannot be used.
    #[error("the control plane's settings cannot be used: {0}")]
    Settings(String),
    /// What was received does not add up to what the control plane expects; the next hello asks
    /// for everything.
    #[error("the table differs from the control plane's at revision {revision}")]
    Diverged {
        /// Where that was noticed.
        revision: u64,
    },
}

/// How many things without a usable name an acknowledgement repeats.
const UNNAMED: usize = 64;

/// What is held, and how far a session has come.
#[derive(Debug)]
pub struct Follower {
    identity: Identity,
    writer: Writer,
    table: Arc<Table>,
    /// The digest of the filter that was granted last.
    filter_digest: u64,
    welcomed: bool,
    standing: v1::Standing,
    /// A closing step of a control plane that was open has been applied, in some session.
    filled: bool,
    /// A closing step has been applied in this session.
    closed: bool,
    /// Things that came in this session and could not even be named.
    unnamed: Vec<Unnamed>,
    owes_ack: bool,
}

impl Follower {
    /// Holds nothing. `seed` keys the table's hash: draw it at random.
    #[must_use]
    pub fn new(identity: Identity, seed: u64) -> Self {
        let mut writer = Writer::new(seed);
        Self {
            identity,
            table: writer.publish(),
            writer,
            filter_digest: 0,
            welcomed: false,
            standing: v1::Standing::default(),
            filled: false,
            closed: false,
            unnamed: Vec::new(),
            owes_ack: false,
        }
    }

    /// A session begins: a welcome is due.
    pub const fn begin(&mut self) {
        self.welcomed = false;
        self.closed = false;
        self.owes_ack = false;
    }

    /// The first message of a session.
    #[must_use]
    pub fn hello(&self) -> v1::FollowRequest {
        let held = self.writer.held();
        request(follow_request::Message::Hello(v1::Hello {
            id: self.identity.id.clone(),
            name: self.identity.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_level: pointsman_proto::PROTOCOL_LEVEL,
            capabilities: self.claimed().map(Into::into).collect(),
            availability_zone: self.identity.zone.clone(),
            filter: Some(self.identity.filter.clone()),
            epoch: self.writer.epoch(),
            revision: self.writer.revision(),
            filter_digest: self.filter_digest,
            rejected: self.writer.rejected().map(to_proto::rejected).collect(),
            things: held.things.wrapping_add(self.writer.unconfirmed()),
            lends_and_borrows: true,
            // Whoever has another table to turn to says so.
            wants_table: false,
            may_hold_more: false,
        }))
    }

    /// What this data plane can honour.
    fn claimed(&self) -> impl Iterator<Item = v1::Capability> {
        let any_host = self.identity.any_host.then_some(v1::Capability::AnyHost);
        CLAIMED.into_iter().chain(any_host)
    }

    /// A thing as its listeners let it be: one of every host is rejected where they do not serve such.
    fn allowed(&self, thing: Thing) -> Thing {
        match thing {
            Thing::Route(route) if route.key.host == Host::Any && !self.identity.any_host => {
                Thing::Rejected(Rejection {
                    key: route.key,
                    segment: route.segment,
                    kind: ThingKind::Route {
                        revision: route.revision,
                        birth: route.birth,
                        generation: route.generation,
                    },
                    reason: lacks(v1::Capability::AnyHost),
                })
            }
            other => other,
        }
    }

    /// Takes a message of the control plane.
    ///
    /// # Errors
    ///
    /// Where the session cannot go on. What was applied before stays, and is served.
    pub fn receive(&mut self, message: v1::FollowResponse, now: Time) -> Result<Received, Breach> {
        use follow_response::Message;
        let Some(message) = message.message else {
            // A kind of message that this release does not know; it names none that matters here.
            return Ok(Received::Applied);
        };
        match (self.welcomed, message) {
            (false, Message::Welcome(welcome)) => self.welcome(welcome),
            (false, _) => Err(Breach::OutOfTurn("something else", "a welcome")),
            (true, Message::Welcome(_)) => {
                Err(Breach::OutOfTurn("a second welcome", "something else"))
            }
            (true, Message::Batch(batch)) => {
                self.apply(batch);
                Ok(Received::Applied)
            }
            (true, Message::ClosingStep(step)) => {
                let closed = self.writer.close(from_proto::closing(step), now);
                self.owes_ack |= closed.is_some();
                self.closed |= closed.is_some();
                self.filled |= self.closed && self.standing.open;
                closed.map_or(Ok(Received::Applied), |closed| self.verdict(closed))
            }
            (true, Message::Heartbeat(beat)) => {
                let expected = View {
                    things: beat.things,
                    digest: beat.digest,
                };
                let compared = self.writer.compare(beat.revision, expected, now);
                compared.map_or(Ok(Received::Applied), |closed| self.verdict(closed))
            }
            (true, Message::Standing(standing)) => {
                self.stand(standing);
                Ok(Received::Applied)
            }
            (true, Message::Settings(settings)) => self.settle(&settings),
            (true, Message::Question(question)) => Ok(Received::Asked(question)),
            (true, Message::TableRequest(v1::TableRequest {})) => Ok(Received::Wanted),
            (true, Message::TablePart(part)) => Ok(Received::Lent(part)),
            (true, Message::Release(release)) => {
                self.writer
                    .release(release.epoch, release.up_to_revision, now);
                Ok(Received::Applied)
            }
        }
    }

    fn welcome(&mut self, welcome: v1::Welcome) -> Result<Received, Breach> {
        if welcome.epoch == 0 {
            return Err(Breach::NoEpoch);
        }
        let settings = welcome.settings.unwrap_or_default();
        self.settle(&settings)?;
        self.writer.begin(welcome.epoch);
        if welcome.transfer() == v1::Transfer::Snapshot {
            // A snapshot that is cut leaves things that no earlier revision vouches for.
            self.writer.ask_anew();
        }
        let granted = welcome.filter.unwrap_or_default();
        self.writer.set_granted(from_proto::granted(granted));
        self.stand(welcome.standing.unwrap_or_default());
        self.filter_digest = welcome.filter_digest;
        self.unnamed.clear();
        self.welcomed = true;
        Ok(Received::Welcomed)
    }

    fn settle(&mut self, settings: &v1::Settings) -> Result<Received, Breach> {
        let settings = from_proto::settings(settings).map_err(Breach::Settings)?;
        self.writer.set_settings(settings);
        Ok(Received::Applied)
    }

    fn stand(&mut self, standing: v1::Standing) {
        self.writer.set_authoritative(standing.authoritative);
        self.filled |= self.closed && standing.open;
        self.standing = standing;
    }

    fn apply(&mut self, batch: v1::Batch) {
        for thing in batch.things {
            match from_proto::thing(thing) {
                Ok(thing) => {
                    let thing = self.allowed(thing);
                    self.writer.upsert(thing);
                }
                Err(unnamed) if self.unnamed.len() < UNNAMED => self.unnamed.push(*unnamed),
                Err(_) => {}
            }
        }
    }

    fn verdict(&mut self, closed: Closed) -> Result<Received, Breach> {
        // What could not be named is in the control plane's sum and in none of ours.
        if closed.agrees || !self.unnamed.is_empty() {
            return Ok(Received::Agreed);
        }
        self.writer.ask_anew();
        Err(Breach::Diverged {
            revision: closed.revision,
        })
    }

    /// The answer to a question, which is a refusal where no more are allowed now.
    #[must_use]
    pub fn answer(&self, question: v1::Question, allowed: bool) -> v1::FollowRequest {
        if allowed {
            super::answer::to(question, &self.table, &self.writer)
        } else {
            super::answer::refusal(question.id)
        }
    }

    /// The settings of a persisted table, which count until a control plane says its own.
    pub fn restore_settings(&mut self, settings: Settings) {
        self.writer.set_settings(settings);
    }

    /// A new table, if anything changed since the last one.
    pub fn publish(&mut self) -> Option<Arc<Table>> {
        if !self.writer.is_changed() {
            return None;
        }
        self.table = self.writer.publish();
        Some(Arc::clone(&self.table))
    }

    /// Frees what no table refers to any more.
    pub fn tidy(&mut self) {
        self.writer.tidy();
    }

    /// Whether there is a change that no table shows yet.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.writer.is_changed()
    }

    /// The acknowledgement that is due, once what it acknowledges is published.
    pub fn ack(&mut self) -> Option<v1::FollowRequest> {
        if !self.owes_ack || self.writer.is_changed() {
            return None;
        }
        self.owes_ack = false;
        let View { things, digest } = self.writer.held();
        let mut rejected: Vec<_> = self.writer.rejected().map(to_proto::rejected).collect();
        rejected.extend(self.unnamed.iter().cloned());
        Some(request(follow_request::Message::Ack(v1::Ack {
            epoch: self.writer.epoch(),
            revision: self.writer.revision(),
            rejected,
            things,
            digest,
        })))
    }

    /// A sign of life.
    #[must_use]
    pub fn heartbeat(&self) -> v1::FollowRequest {
        request(follow_request::Message::Heartbeat(to_proto::heartbeat(
            &self.writer,
        )))
    }

    /// The table that was published last.
    #[must_use]
    pub const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The control plane's life that is followed, and the revision that is held of it.
    #[must_use]
    pub const fn position(&self) -> (u64, u64) {
        (self.writer.epoch(), self.writer.revision())
    }

    /// What is held of what this epoch sent.
    #[must_use]
    pub fn held(&self) -> View {
        self.writer.held()
    }

    /// How many things are kept though this epoch has not sent them.
    #[must_use]
    pub const fn unconfirmed(&self) -> u64 {
        self.writer.unconfirmed()
    }

    /// How many endpoints are kept for a while though no control plane says that they are there.
    #[must_use]
    pub const fn orphans(&self) -> u64 {
        self.writer.orphans()
    }

    /// How many endpoints seem to be gone, and stay because too many did at once.
    #[must_use]
    pub const fn held_removals(&self) -> u64 {
        self.writer.held_removals()
    }

    /// An endpoint failed at a request; says whether it was an orphan, which is dropped by that.
    pub fn failed(&mut self, key: &RouteKey, address: &str) -> bool {
        self.writer.failed(key, address)
    }

    /// Drops the orphans whose time is over, and says when to look again.
    pub fn expire(&mut self, now: Time) -> Option<Time> {
        self.writer.expire(now)
    }

    /// How carefully things are given up that nobody says are gone.
    pub const fn set_absence_settings(&mut self, settings: AbsenceSettings) {
        self.writer.set_absence_settings(settings);
    }

    /// Puts a thing of a persisted table, before the first session.
    pub fn restore(&mut self, thing: Thing, until: RestoredUntil) -> bool {
        let thing = self.allowed(thing);
        self.writer.restore(thing, until)
    }

    /// What another data plane lends is put from now on: what this control plane removed before it is to be told of again, so
    /// everything is asked for anew where the session breaks before that.
    pub fn begin_to_borrow(&mut self) {
        self.writer.ask_anew();
    }

    /// Drops the attributes of routes for which nobody speaks, and that have no endpoints.
    pub fn drop_deserted(&mut self) {
        self.writer.drop_deserted();
    }

    /// Puts a thing of a table that another data plane lends.
    pub fn borrow(&mut self, thing: Thing, until: RestoredUntil) -> bool {
        let thing = self.allowed(thing);
        self.writer.borrow(thing, until)
    }

    /// Room for a table that is served in the place of what is held.
    #[must_use]
    pub fn aside(&self) -> Aside {
        self.writer.aside()
    }

    /// Puts things into it.
    pub fn fill_aside(&mut self, aside: &mut Aside, things: Vec<Thing>) {
        let things: Vec<_> = things.into_iter().map(|it| self.allowed(it)).collect();
        self.writer.fill_aside(aside, things);
    }

    /// The table of what is in it, which is what is served from now on.
    pub fn serve_aside(&mut self, aside: &mut Aside, settings: Settings) -> Arc<Table> {
        self.table = self.writer.table_aside(aside, settings);
        Arc::clone(&self.table)
    }

    /// Lets go of it: the next table is one of what is held.
    pub fn drop_aside(&mut self, aside: Aside) {
        self.writer.drop_aside(aside);
    }

    /// What is rejected under a name.
    pub fn rejected(&self) -> impl Iterator<Item = RejectedThing<'_>> {
        self.writer.rejected()
    }

    /// What the control plane's word is worth, as it said last.
    #[must_use]
    pub const fn standing(&self) -> &v1::Standing {
        &self.standing
    }

    /// Whether the table was filled by a control plane that was fit to fill it.
    #[must_use]
    pub const fn is_filled(&self) -> bool {
        self.filled
    }
}

#[cfg(test)]
mod tests;
