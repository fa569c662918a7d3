//! A control plane: the real registry and readers, and what the service around them says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use pointsman_control_plane::distribution::{Effective, batch, hello, to_proto};
use pointsman_proto::v1::{self, follow_request, follow_response};
use pointsman_registry::{
    Algorithm, Expired, Memory, Reader, Registry, Settings, SourceId, Standing, Step, Sum, Time,
    Unregistered, View, WhileAway,
};

use crate::draw::Draw;
use crate::grant::Grant;
use crate::publishers::{
    ADDRESSES, INTERVAL, Message, Name, SEGMENTS, THRESHOLD, URIS, key, number_of, registration,
};
use crate::wire::Wire;

/// A stream as the control plane has it.
#[derive(Debug)]
pub(crate) struct Session {
    reader: Reader,
    closed: Option<(u64, Sum)>,
    /// Earlier closing steps of the same revision said something else.
    repeated: bool,
    told: (bool, bool),
}

impl Session {
    fn close(&mut self, (revision, sum): (u64, Sum)) {
        let before = self.closed.replace((revision, sum));
        let alike = before.filter(|(at, _)| *at == revision);
        self.repeated = alike.is_some_and(|(_, other)| self.repeated || other != sum);
    }
}

/// What not every data plane is to have yet.
#[derive(Debug, Default)]
struct Staging {
    latest: u64,
    /// What is heard is part of it.
    recording: bool,
    /// Who may have it, while it is rolled out.
    admitted: Option<BTreeSet<usize>>,
}

impl Staging {
    fn admits(&self, data_plane: usize) -> u64 {
        match &self.admitted {
            Some(admitted) if !admitted.contains(&data_plane) => 0,
            _ => self.latest,
        }
    }
}

#[derive(Debug)]
pub(crate) struct ControlPlane {
    pub(crate) registry: Registry,
    source: SourceId,
    /// What is under way from each publisher: ordered by publisher, and not between them.
    heard: BTreeMap<Name, VecDeque<Message>>,
    /// Since when nothing reaches it from NATS, and whether it has noticed.
    deaf: Option<(Time, bool)>,
    /// Its process stands still.
    pub(crate) still: bool,
    /// A route whose publishers do not reach it until then, which it cannot notice.
    pub(crate) gap: Option<(usize, Time)>,
    /// By data plane.
    sessions: BTreeMap<usize, Session>,
    /// What this life ever registered, and in which segment.
    pub(crate) ever: BTreeSet<(Name, usize)>,
    /// What this life heard anything of.
    pub(crate) touched: BTreeSet<Name>,
    /// What this life may ever have told somebody to be gone: it was removed, moved to another
    /// segment, or withheld from who cannot honour its route.
    pub(crate) left: BTreeSet<Name>,
    /// What this life was told to be gone while it had not heard everybody, and did not know.
    pub(crate) buried: BTreeSet<Name>,
    staging: Staging,
}

/// How long it takes to notice that NATS is gone.
const NOTICED: Duration = Duration::from_secs(10);

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
    pub(crate) fn new(epoch: u64, memory: Memory, now: Time) -> Self {
        let settings = Settings {
            memory,
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
            deaf: None,
            still: false,
            gap: None,
            sessions: BTreeMap::new(),
            ever: BTreeSet::new(),
            touched: BTreeSet::new(),
            left: BTreeSet::new(),
            buried: BTreeSet::new(),
            staging: Staging::default(),
        }
    }

    /// What is heard from here on is a large change, which is rolled out with what is under way already.
    pub(crate) fn begin_staging(&mut self) {
        self.staging = Staging {
            latest: self.registry.begin_staging(),
            recording: true,
            admitted: Some(BTreeSet::new()),
        };
    }

    /// The change is made.
    pub(crate) const fn stop_recording(&mut self) {
        self.staging.recording = false;
    }

    /// It is a data plane's turn to be given it.
    pub(crate) fn admit(&mut self, data_plane: usize) {
        if !self.staging.recording
            && let Some(admitted) = &mut self.staging.admitted
        {
            admitted.insert(data_plane);
        }
    }

    /// Everybody is to have it.
    pub(crate) fn end_staging(&mut self, now: Time) {
        self.registry.end_staging(now);
        self.staging.admitted = None;
        self.staging.recording = false;
    }

    /// Whether something was ever staged in this life.
    pub(crate) const fn has_staged(&self) -> bool {
        self.staging.latest > 0
    }

    /// A message is published. Who is away does not get it.
    pub(crate) fn publish(&mut self, message: Message) {
        if self.deaf.is_some() {
            return;
        }
        let (Message::Register(name, _) | Message::Unregister(name)) = &message;
        self.heard.entry(*name).or_default().push_back(message);
    }

    /// Whether messages of a publisher do not reach it.
    pub(crate) fn misses(&self, (uri, _): Name, now: Time) -> bool {
        self.gap
            .is_some_and(|(missed, until)| missed == uri && now < until)
    }

    /// Hears one message of some publisher.
    pub(crate) fn hear_one(&mut self, draw: &mut Draw, now: Time) {
        if self.still {
            return;
        }
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
    fn hear_all(&mut self, now: Time) {
        let names: Vec<Name> = self.heard.keys().copied().collect();
        for name in names {
            while self.hear(name, now) {}
        }
    }

    fn hear(&mut self, name: Name, now: Time) -> bool {
        let Some(message) = self.heard.get_mut(&name).and_then(VecDeque::pop_front) else {
            return false;
        };
        self.registry.record_staged(self.staging.recording);
        self.apply(message, now);
        self.registry.record_staged(false);
        true
    }

    fn apply(&mut self, message: Message, now: Time) {
        match message {
            Message::Register(name, registered) => {
                self.touched.insert(name);
                self.buried.remove(&name);
                let message = registration(name, Some(&registered));
                self.registry.register(self.source, &message, now);
                let mut others = (0..SEGMENTS.len()).filter(|it| *it != registered.segment);
                if others.any(|it| self.ever.contains(&(name, it))) {
                    self.left.insert(name);
                }
                if registered.algorithm == "hash" {
                    self.left.extend((0..ADDRESSES).map(|it| (name.0, it)));
                }
                self.ever.insert((name, registered.segment));
            }
            Message::Unregister(name) => {
                self.touched.insert(name);
                self.left.insert(name);
                let outcome = self.registry.unregister(&registration(name, None), now);
                let known = matches!(outcome.as_slice(), [Unregistered::Removed { .. }]);
                if !known && !self.registry.standing(now, false).authoritative {
                    self.buried.insert(name);
                }
            }
        }
    }

    pub(crate) const fn is_deaf(&self) -> bool {
        self.deaf.is_some()
    }

    /// NATS is gone. What was under way is lost with it: who said that it leaves, is returned.
    pub(crate) fn lose_nats(&mut self, now: Time) -> Vec<Name> {
        self.deaf.get_or_insert((now, false));
        let lost = std::mem::take(&mut self.heard).into_values().flatten();
        lost.filter_map(|message| match message {
            Message::Unregister(name) => Some(name),
            Message::Register(..) => None,
        })
        .collect()
    }

    /// NATS is back. Whoever stands still does not come back to it before it goes on.
    pub(crate) fn regain_nats(&mut self, now: Time) {
        if self.still {
            return;
        }
        self.notice(now, Duration::ZERO);
        if self.deaf.take().is_some() {
            self.registry.source_returned(self.source, now);
        }
    }

    /// Nothing was heard for so long: NATS must be gone.
    fn notice(&mut self, now: Time, after: Duration) {
        if let Some((since, noticed @ false)) = &mut self.deaf
            && now.since(*since) >= after
        {
            *noticed = true;
            self.registry.source_lost(self.source, *since);
        }
    }

    /// The process stands still, or goes on: then it knows of that before anything else.
    pub(crate) fn set_still(&mut self, still: bool, draw: &mut Draw, now: Time) {
        self.still = still;
        if still {
            return;
        }
        self.registry.awake(now);
        if draw.percent(50) {
            self.expire(now);
        }
    }

    /// Time passes, in which it is awake unless it stands still.
    pub(crate) fn live_through(&mut self, time: Duration, from: Time) {
        let second = Duration::from_secs(1);
        let mut passed = Duration::ZERO;
        while !self.still && passed < time {
            passed += second;
            self.registry.awake(from.plus(passed.min(time)));
        }
    }

    /// Time has passed: what was said until now is heard.
    pub(crate) fn turn(&mut self, now: Time) {
        if self.still {
            return;
        }
        self.registry.awake(now);
        self.hear_all(now);
        self.notice(now, NOTICED);
        self.expire(now);
    }

    fn expire(&mut self, now: Time) {
        self.registry.awake(now);
        loop {
            let expiry = self.registry.expire(now, 64);
            for expired in expiry.expired {
                if let Expired::Endpoint { route, address, .. } = expired {
                    let uri = (0..URIS.len()).find(|it| *key(*it) == *route);
                    let name = (uri.expect("a known route"), number_of(&address));
                    self.left.insert(name);
                }
            }
            if !expiry.more {
                return;
            }
        }
    }

    fn standing(&self, now: Time, fleet_holds_things: bool) -> Standing {
        self.registry.standing(now, fleet_holds_things)
    }

    /// A data plane's stream ended.
    pub(crate) fn leave(&mut self, data_plane: usize) {
        self.sessions.remove(&data_plane);
    }

    /// Takes one message of a data plane.
    pub(crate) fn take(
        &mut self,
        data_plane: (usize, Grant),
        wire: &mut Wire,
        now: Time,
        holds: bool,
    ) {
        if self.still {
            return;
        }
        let (data_plane, grant) = data_plane;
        let Some(message) = wire.take_up() else {
            return;
        };
        match message.message {
            Some(follow_request::Message::Hello(_)) => {
                let standing = self.standing(now, holds);
                self.welcome((data_plane, grant), message, wire, &standing);
            }
            Some(follow_request::Message::Ack(ack)) => {
                let session = &self.sessions[&data_plane];
                let (closed, sum) = session.closed.expect("an ack follows a closing step");
                assert!(ack.revision <= closed, "an ack from the future");
                assert_eq!(ack.epoch, self.registry.epoch());
                if ack.revision == closed && !session.repeated && ack.rejected.is_empty() {
                    assert_eq!((ack.things, ack.digest), (sum.things, sum.digest));
                }
            }
            _ => {}
        }
    }

    fn welcome(
        &mut self,
        (data_plane, grant): (usize, Grant),
        message: v1::FollowRequest,
        wire: &mut Wire,
        standing: &Standing,
    ) {
        let caller = hello::read(Some(message)).expect("a good hello");
        let (default, degraded) = caller.default_algorithm(Algorithm::RoundRobin);
        assert_eq!(degraded, "");
        let filter = grant.filter();
        let view = View {
            filter: filter.clone(),
            ..caller.view
        };
        let (reader, transfer) = Reader::new(&self.registry, view, caller.held);
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
            repeated: false,
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
        if !wire.has_room() || self.still {
            return false;
        }
        let stands = (standing.open, standing.authoritative);
        if session.told != stands {
            session.told = stands;
            let standing = follow_response::Message::Standing(to_proto::standing(&standing));
            wire.send_down(&to_proto::response(standing));
            return true;
        }
        session.reader.admit(self.staging.admits(data_plane));
        match session.reader.next(&self.registry, limit) {
            Step::Idle => return false,
            Step::Batch(things) if things.is_empty() => {}
            Step::Batch(things) => {
                // Before an endpoint come the attributes of its route.
                assert!(things.len() <= limit + 1, "a batch is bounded");
                wire.send_down_encoded(&batch::encode(&things));
            }
            Step::Closing(closing) => {
                assert!(closing.removals.len() <= limit, "a closing step is bounded");
                if !closing.continues {
                    session.close((closing.revision, closing.sum));
                }
                wire.send_down(&to_proto::closing(&closing));
            }
        }
        true
    }

    /// An operator lets go what the data plane holds of this life.
    pub(crate) fn release(&self, data_plane: usize, wire: &mut Wire) {
        if !self.still && self.sessions.contains_key(&data_plane) && wire.has_room() {
            wire.send_down(&to_proto::response(follow_response::Message::Release(
                v1::Release {
                    epoch: self.registry.epoch(),
                    up_to_revision: self.registry.head(),
                },
            )));
        }
    }

    /// A sign of life.
    pub(crate) fn beat(&self, data_plane: usize, wire: &mut Wire) {
        if let Some(Session {
            closed: Some((revision, sum)),
            ..
        }) = self.sessions.get(&data_plane)
            && wire.has_room()
            && !self.still
        {
            wire.send_down(&to_proto::heartbeat(*revision, *sum));
        }
    }
}
