//! A control plane: the real registry and readers, and what the service around them says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use pointsman_control_plane::distribution::{Effective, hello, to_proto};
use pointsman_proto::v1::{self, follow_request, follow_response};
use pointsman_registry::{
    Algorithm, Reader, Registry, Settings, SourceId, Standing, Step, Sum, Time, WhileAway,
};

use crate::draw::Draw;
use crate::publishers::{INTERVAL, Message, Name, THRESHOLD, registration};
use crate::wire::Wire;

/// A stream as the control plane has it.
#[derive(Debug)]
pub(crate) struct Session {
    reader: Reader,
    closed: Option<(u64, Sum)>,
    told: (bool, bool),
}

#[derive(Debug)]
pub(crate) struct ControlPlane {
    pub(crate) registry: Registry,
    source: SourceId,
    /// What is under way from each publisher: ordered by publisher, and not between them.
    heard: BTreeMap<Name, VecDeque<Message>>,
    pub(crate) away: bool,
    /// By data plane.
    sessions: BTreeMap<usize, Session>,
    /// What this life ever registered, and in which segment.
    pub(crate) ever: BTreeSet<(Name, usize)>,
}

fn effective() -> Effective {
    Effective {
        mark_time: Duration::from_secs(30),
        empty_pool_status: 503,
        empty_pool_timeout: Duration::ZERO,
        default_algorithm: Algorithm::RoundRobin,
        registration_interval: INTERVAL,
    }
}

impl ControlPlane {
    /// A new life, which has heard nothing.
    pub(crate) fn new(epoch: u64, now: Time) -> Self {
        let settings = Settings {
            stale_threshold: THRESHOLD,
            registration_interval: INTERVAL,
            start_delay: INTERVAL,
            ..Settings::default()
        };
        let mut registry = Registry::new(settings, epoch);
        let source = registry.add_source("nats", WhileAway::Wait);
        registry.source_returned(source, now);
        Self {
            registry,
            source,
            heard: BTreeMap::new(),
            away: false,
            sessions: BTreeMap::new(),
            ever: BTreeSet::new(),
        }
    }

    /// A message is published. Who is away does not get it.
    pub(crate) fn publish(&mut self, message: Message) {
        if self.away {
            return;
        }
        let (Message::Register(name, _) | Message::Unregister(name)) = &message;
        self.heard.entry(*name).or_default().push_back(message);
    }

    /// Hears one message of some publisher.
    pub(crate) fn hear_one(&mut self, draw: &mut Draw, now: Time) {
        let waiting: Vec<Name> = self
            .heard
            .iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(name, _)| *name)
            .collect();
        if waiting.is_empty() {
            return;
        }
        let name = waiting[draw.of(0..waiting.len())];
        self.hear(name, now);
    }

    /// Hears everything that is under way.
    pub(crate) fn hear_all(&mut self, now: Time) {
        let names: Vec<Name> = self.heard.keys().copied().collect();
        for name in names {
            while self.hear(name, now) {}
        }
    }

    fn hear(&mut self, name: Name, now: Time) -> bool {
        let Some(message) = self.heard.get_mut(&name).and_then(VecDeque::pop_front) else {
            return false;
        };
        match message {
            Message::Register(name, registered) => {
                let message = registration(name, Some(&registered));
                self.registry.register(self.source, &message, now);
                self.ever.insert((name, registered.segment));
            }
            Message::Unregister(name) => {
                self.registry.unregister(&registration(name, None), now);
            }
        }
        true
    }

    /// The connection to NATS is lost, or back. What was under way is lost with it: who said that it
    /// leaves, is returned.
    pub(crate) fn set_away(&mut self, away: bool, now: Time) -> Vec<Name> {
        if away == self.away {
            return Vec::new();
        }
        self.away = away;
        if away {
            self.registry.source_lost(self.source, now);
        } else {
            self.registry.source_returned(self.source, now);
        }
        let lost = std::mem::take(&mut self.heard).into_values().flatten();
        lost.filter_map(|message| match message {
            Message::Unregister(name) => Some(name),
            Message::Register(..) => None,
        })
        .collect()
    }

    pub(crate) fn expire(&mut self, now: Time) {
        while self.registry.expire(now, 64).more {}
    }

    fn standing(&self, now: Time, fleet_holds_things: bool) -> Standing {
        self.registry.standing(now, fleet_holds_things)
    }

    /// A data plane's stream ended.
    pub(crate) fn leave(&mut self, data_plane: usize) {
        self.sessions.remove(&data_plane);
    }

    /// Takes one message of a data plane.
    pub(crate) fn take(&mut self, data_plane: usize, wire: &mut Wire, now: Time, holds: bool) {
        let Some(message) = wire.take_up() else {
            return;
        };
        match message.message {
            Some(follow_request::Message::Hello(_)) => {
                let standing = self.standing(now, holds);
                self.welcome(data_plane, message, wire, &standing);
            }
            Some(follow_request::Message::Ack(ack)) => {
                let session = &self.sessions[&data_plane];
                let (closed, sum) = session.closed.expect("an ack follows a closing step");
                assert!(ack.revision <= closed, "an ack from the future");
                assert_eq!(ack.epoch, self.registry.epoch());
                assert!(
                    ack.rejected.is_empty(),
                    "what cannot be honoured is withheld"
                );
                if ack.revision == closed {
                    assert_eq!((ack.things, ack.digest), (sum.things, sum.digest));
                }
            }
            _ => {}
        }
    }

    fn welcome(
        &mut self,
        data_plane: usize,
        message: v1::FollowRequest,
        wire: &mut Wire,
        standing: &Standing,
    ) {
        let caller = hello::read(Some(message)).expect("a good hello");
        let (default, degraded) = caller.default_algorithm(Algorithm::RoundRobin);
        assert_eq!(degraded, "");
        let filter = caller.view.filter.clone();
        let (reader, transfer) = Reader::new(&self.registry, caller.view, caller.held);
        wire.send_down(&to_proto::response(follow_response::Message::Welcome(
            v1::Welcome {
                epoch: self.registry.epoch(),
                name: String::new(),
                version: String::new(),
                protocol_level: 1,
                standing: Some(to_proto::standing(standing)),
                settings: Some(to_proto::settings(&effective(), default)),
                transfer: to_proto::transfer(transfer).into(),
                filter: Some(to_proto::filter(&filter)),
                filter_digest: filter.digest(),
            },
        )));
        let told = (standing.open, standing.authoritative);
        let session = Session {
            reader,
            closed: None,
            told,
        };
        self.sessions.insert(data_plane, session);
    }

    /// Says the next thing, if there is one and room for it. Whether it said something.
    pub(crate) fn say(
        &mut self,
        data_plane: usize,
        wire: &mut Wire,
        (now, holds): (Time, bool),
        limit: usize,
    ) -> bool {
        let standing = self.standing(now, holds);
        let Some(session) = self.sessions.get_mut(&data_plane) else {
            return false;
        };
        if !wire.has_room() {
            return false;
        }
        let stands = (standing.open, standing.authoritative);
        if session.told != stands {
            session.told = stands;
            let standing = follow_response::Message::Standing(to_proto::standing(&standing));
            wire.send_down(&to_proto::response(standing));
            return true;
        }
        match session.reader.next(&self.registry, limit) {
            Step::Idle => return false,
            Step::Batch(things) if things.is_empty() => {}
            Step::Batch(things) => wire.send_down(&to_proto::batch(&things)),
            Step::Closing(closing) => {
                if !closing.continues {
                    session.closed = Some((closing.revision, closing.sum));
                }
                wire.send_down(&to_proto::closing(&closing));
            }
        }
        true
    }

    /// A sign of life.
    pub(crate) fn beat(&self, data_plane: usize, wire: &mut Wire) {
        if let Some(Session {
            closed: Some((revision, sum)),
            ..
        }) = self.sessions.get(&data_plane)
            && wire.has_room()
        {
            wire.send_down(&to_proto::heartbeat(*revision, *sum));
        }
    }
}
