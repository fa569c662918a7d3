//! A data plane: what is held and published, and what its clients would notice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use pointsman_data_plane::subscription::{Breach, Follower, Identity, Received};
use pointsman_proto::v1::{self, follow_request, follow_response, thing};
use pointsman_routing::{AbsenceSettings, RestoredUntil, Time};

use crate::grant::{GRANTS, Grant};
use crate::holdings::Holdings;
use crate::publishers::{Name, URIS, key, number_of, uri_of};
use crate::wire::Wire;

/// What a data plane makes of a route that is balanced by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It says that it cannot do that, and is not given such routes.
    Honest,
    /// It says that it can, and cannot: it rejects them by name.
    Mistaken,
    /// It can.
    Able,
}

#[derive(Debug)]
pub(crate) struct DataPlane {
    pub(crate) follower: Follower,
    pub(crate) release: Release,
    /// The control plane that is followed.
    pub(crate) follows: Option<usize>,
    /// It does not read.
    pub(crate) stopped: bool,
    /// What it may see, as every control plane has it.
    pub(crate) grant: Grant,
    /// What it was granted by the last welcome.
    pub(crate) granted: Grant,
    pub(crate) holds: Holdings,
    /// Endpoints that have been live and served ever since, and the segment they were held in last.
    pub(crate) served: BTreeMap<Name, usize>,
    /// Orphans that were dropped, and not held again since.
    pub(crate) given_up: BTreeSet<Name>,
    /// What the life of the control plane that is followed has sent.
    pub(crate) sent: BTreeSet<Name>,
    /// How many orphans came to be when.
    pub(crate) orphaned: VecDeque<(Time, u64)>,
    pub(crate) absence: AbsenceSettings,
    /// It was given something since the last closing step.
    pub(crate) open: bool,
    /// It was cut off in the middle of being given what was staged: what it has of that is not in its revision.
    pub(crate) may_differ: bool,
}

/// What came of a message.
pub(crate) enum Came {
    Nothing,
    /// Something that changes no more than the table shows.
    Something,
    /// Held removals were let go.
    Release,
    /// What was received does not add up.
    Diverged {
        revision: u64,
    },
    /// A closing step: the table is what the control plane had at a revision.
    Closed {
        revision: u64,
        complete: bool,
    },
}

impl DataPlane {
    /// A data plane that holds nothing.
    pub(crate) fn new(number: usize, release: Release, absence: AbsenceSettings) -> Self {
        let identity = Identity {
            id: format!("dp-{number}"),
            name: format!("dp-{number}"),
            zone: String::new(),
            filter: Grant::wish(),
            any_host: false,
        };
        let mut follower = Follower::new(identity, number as u64);
        follower.set_absence_settings(absence);
        Self {
            follower,
            release,
            follows: None,
            stopped: false,
            grant: GRANTS[number],
            granted: GRANTS[number],
            holds: Holdings::default(),
            served: BTreeMap::new(),
            given_up: BTreeSet::new(),
            sent: BTreeSet::new(),
            orphaned: VecDeque::new(),
            absence,
            open: false,
            may_differ: false,
        }
    }

    /// A data plane that begins with what this one has written down.
    pub(crate) fn restored(&self, number: usize, release: Release, now: Time) -> Self {
        let mut next = Self::new(number, release, self.absence);
        let hour = Duration::from_secs(3600);
        let until = RestoredUntil::new(hour, hour * 24, now);
        for thing in self.follower.table().things() {
            assert!(next.follower.restore(thing, until), "it stood before");
        }
        next.follower.publish();
        next.holds = Holdings::of(next.follower.table());
        assert!(next.holds.iter().all(|(_, held)| held.orphan));
        next
    }

    pub(crate) fn sees(&self, segment: &str) -> bool {
        self.granted.sees(segment)
    }

    /// Whether a route with this algorithm is served.
    pub(crate) fn honours(&self, algorithm: &str) -> bool {
        algorithm != "hash" || self.release == Release::Able
    }

    /// The routes that it serves.
    pub(crate) fn routes(&self) -> BTreeSet<usize> {
        let table = self.follower.table();
        let served = (0..URIS.len()).filter(|uri| table.get(key(*uri)).is_some());
        served.collect()
    }

    /// The routes that it rejects, and serves no endpoint of, whatever it holds.
    pub(crate) fn rejects(&self) -> BTreeSet<usize> {
        let rejected = self.follower.rejected();
        let routes = rejected.filter(|it| it.address.is_empty());
        let numbers = routes.filter_map(|it| (0..URIS.len()).find(|uri| it.key == key(*uri)));
        numbers.collect()
    }

    /// Begins a session.
    pub(crate) fn connect(&mut self, control_plane: usize, wire: &mut Wire) {
        self.follows = Some(control_plane);
        self.follower.begin();
        let mut hello = self.follower.hello();
        if let Some(follow_request::Message::Hello(hello)) = &mut hello.message
            && self.release == Release::Honest
        {
            let hash = i32::from(v1::Capability::HashBalancing);
            hello.capabilities.retain(|claimed| *claimed != hash);
        }
        wire.send_up(&hello);
    }

    /// Reads one message, and says what follows from it.
    pub(crate) fn read(&mut self, wire: &mut Wire, now: Time, publishes: bool) -> Came {
        let Some(mut message) = wire.take_down() else {
            return Came::Nothing;
        };
        let came = self.look_into(&mut message);
        let is_batch = matches!(message.message, Some(follow_response::Message::Batch(_)));
        let received = match self.follower.receive(message, now) {
            Ok(received) => received,
            Err(Breach::Diverged { revision }) => {
                // What the closing step says is done all the same.
                self.show();
                return Came::Diverged { revision };
            }
            Err(breach) => panic!("{breach}"),
        };
        let mut rejected = self.follower.rejected();
        assert!(
            rejected.all(|it| self.release == Release::Mistaken && it.address.is_empty()),
            "an endpoint came before the attributes of its route"
        );
        drop(rejected);
        let closed = matches!(came, Came::Closed { .. });
        self.open |= matches!(came, Came::Something);
        if closed {
            assert_eq!(received, Received::Agreed);
            self.open = false;
            self.may_differ = false;
        }
        if publishes || !is_batch {
            self.follower.publish();
        }
        let before = std::mem::replace(&mut self.holds, Holdings::of(self.follower.table()));
        if is_batch && self.release != Release::Mistaken {
            let mut names = before.iter().map(|(name, _)| name);
            assert!(
                names.all(|name| self.holds.has(name)),
                "a batch removed something"
            );
        }
        if let Some(ack) = self.follower.ack() {
            wire.send_up(&ack);
        }
        came
    }

    /// Notes what a message says, and makes of it what this release would have read.
    fn look_into(&mut self, message: &mut v1::FollowResponse) -> Came {
        match &mut message.message {
            Some(follow_response::Message::Welcome(welcome)) => {
                if welcome.epoch != self.follower.position().0 {
                    self.sent.clear();
                }
                self.granted = self.grant;
                Came::Something
            }
            Some(follow_response::Message::Batch(batch)) => {
                for thing in &mut batch.things {
                    self.look_into_thing(thing);
                }
                Came::Something
            }
            Some(follow_response::Message::ClosingStep(step)) if !step.continues => Came::Closed {
                revision: step.revision,
                complete: step.complete,
            },
            Some(follow_response::Message::Release(_)) => Came::Release,
            _ => Came::Something,
        }
    }

    fn look_into_thing(&mut self, thing: &mut v1::Thing) {
        match &mut thing.kind {
            Some(thing::Kind::Endpoint(endpoint)) => {
                let uri = uri_of(endpoint.route.as_ref().expect("a key"));
                self.sent.insert((uri, number_of(&endpoint.address)));
            }
            Some(thing::Kind::Route(route)) if self.release == Release::Mistaken => {
                let pools = route.groups.iter_mut().filter_map(|it| it.pool.as_mut());
                for balancing in pools.filter_map(|pool| pool.balancing.as_mut()) {
                    // Without a field there is nothing to hash, so that it is rejected.
                    balancing.hash_header.clear();
                }
            }
            _ => {}
        }
    }

    /// Time passes.
    pub(crate) fn expire(&mut self, now: Time) {
        self.show();
        self.follower.expire(now);
        self.drop_orphans();
    }

    /// A request to an orphan failed.
    pub(crate) fn fail(&mut self, (uri, number): Name) {
        let address = crate::publishers::address(number);
        self.show();
        assert!(self.follower.failed(key(uri), &address), "an orphan");
        self.drop_orphans();
        assert!(!self.holds.has((uri, number)), "the first failure drops it");
    }

    fn show(&mut self) {
        self.follower.publish();
        self.holds = Holdings::of(self.follower.table());
    }

    fn drop_orphans(&mut self) {
        let before = self.holds.clone();
        self.show();
        for (name, held) in before.iter() {
            if !self.holds.has(name) {
                assert!(held.orphan, "only orphans are dropped");
                self.given_up.insert(name);
            }
        }
    }
}
