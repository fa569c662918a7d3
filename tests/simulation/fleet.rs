//! Everybody together, and what must hold.

use std::collections::BTreeMap;
use std::time::Duration;

use pointsman_registry::{Capabilities, Registry, Time};
use pointsman_routing::Algorithm;

use crate::control_plane::ControlPlane;
use crate::data_plane::{Came, DataPlane, key};
use crate::draw::Draw;
use crate::publishers::{
    ADDRESSES, INTERVAL, Message, Name, Publishers, SEGMENTS, THRESHOLD, URIS, address, is_tls,
};
use crate::wire::Wire;

/// What this release of the data plane can honour, of what a registry may ask for.
fn honoured() -> Capabilities {
    Capabilities::TLS_ENDPOINT | Capabilities::LEAST_CONNECTION
}

/// How long an endpoint lives that is reached over TLS, and that no control plane speaks for.
const ORPHAN: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct Fleet {
    draw: Draw,
    now: Time,
    publishers: Publishers,
    control_planes: Vec<ControlPlane>,
    data_planes: Vec<DataPlane>,
    /// By data plane.
    wires: Vec<Wire>,
    /// How many messages a reader is given at a time.
    limit: usize,
}

impl Fleet {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let now = Time::ZERO;
        let control_planes = 1 + draw.of(0..2);
        let control_planes = (0..control_planes)
            .map(|_| ControlPlane::new(draw.number(), now))
            .collect();
        let data_planes = vec![
            DataPlane::new(0, vec![]),
            DataPlane::new(1, vec!["east"]),
            DataPlane::new(2, vec!["west"]),
        ];
        Self {
            wires: data_planes.iter().map(|_| Wire::default()).collect(),
            limit: 1 + draw.of(0..8),
            draw,
            now,
            publishers: Publishers::default(),
            control_planes,
            data_planes,
        }
    }

    /// Something happens.
    pub(crate) fn step(&mut self) {
        match self.draw.of(0..100) {
            0..12 => {
                let heard = self.control_planes.iter().all(|it| !it.away);
                let messages = self.publishers.change(&mut self.draw, self.now, heard);
                self.publish(&messages);
            }
            12..27 => {
                let time = Duration::from_millis(self.draw.number() % 6_000);
                self.pass(time);
            }
            27..42 => {
                let at = self.draw.of(0..self.control_planes.len());
                self.control_planes[at].hear_one(&mut self.draw, self.now);
            }
            42..91 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.talk(at);
            }
            91..94 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.cut(at);
            }
            94..97 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.data_planes[at].stopped ^= true;
            }
            97 => self.lose_or_regain_nats(),
            98 => self.kill(),
            _ => {
                let at = self.draw.of(0..self.data_planes.len());
                self.restart(at);
            }
        }
        self.look_for_absent_routes();
    }

    fn publish(&mut self, messages: &[Message]) {
        for control_plane in &mut self.control_planes {
            for message in messages {
                control_plane.publish(message.clone());
            }
        }
    }

    /// Time passes. Nothing stays under way for longer than that.
    fn pass(&mut self, time: Duration) {
        for control_plane in &mut self.control_planes {
            control_plane.hear_all(self.now);
        }
        self.now = self.now.plus(time);
        let messages = self.publishers.repeat(self.now);
        self.publish(&messages);
        for control_plane in &mut self.control_planes {
            control_plane.hear_all(self.now);
            control_plane.expire(self.now);
        }
        let (publishers, now) = (&mut self.publishers, self.now);
        // Over TLS nothing goes stale: whoever dies there is never known to be gone.
        publishers
            .dead
            .retain(|(_, address), heard| is_tls(*address) || now.since(*heard) <= THRESHOLD * 2);
    }

    fn fleet_holds_things(&self) -> bool {
        self.data_planes
            .iter()
            .any(|it| it.follower.held().things > 0)
    }

    /// One end of one stream does something.
    fn talk(&mut self, at: usize) {
        let holds = self.fleet_holds_things();
        let Some(followed) = self.data_planes[at].follows else {
            let choice = self.draw.of(0..self.control_planes.len());
            self.data_planes[at].connect(choice, &mut self.wires[at]);
            return;
        };
        let control_plane = &mut self.control_planes[followed];
        let wire = &mut self.wires[at];
        match self.draw.of(0..12) {
            0..3 => control_plane.take(at, wire, self.now, holds),
            3..7 => {
                control_plane.say(at, wire, (self.now, holds), self.limit);
            }
            7 => control_plane.beat(at, wire),
            _ if self.data_planes[at].stopped => {}
            _ => self.read(at),
        }
    }

    fn read(&mut self, at: usize) {
        let data_plane = &mut self.data_planes[at];
        data_plane.follower.expire(table_time(self.now));
        if let Came::Closed(revision) =
            data_plane.read(&mut self.wires[at], &mut self.draw, table_time(self.now))
        {
            self.look_at_closing(at, revision);
        }
        self.note_served(at);
    }

    /// At a closing step: what is held is what the control plane has, and besides only what this
    /// life of it never knew.
    fn look_at_closing(&self, at: usize, revision: u64) {
        let data_plane = &self.data_planes[at];
        let control_plane = &self.control_planes[data_plane.follows.expect("a session")];
        let holds = data_plane.holds();
        for (uri, number) in holds.keys() {
            let name = (*uri, *number);
            let listed = control_plane.registry.route(&key(URIS[*uri]), self.now);
            let registered = listed.is_some_and(|route| {
                let mut endpoints = route.endpoints.iter();
                endpoints.any(|it| *it.endpoint.address == *address(*number))
            });
            // What was known only in segments that this data plane does not see, is told about
            // only there.
            let sent = (0..SEGMENTS.len()).any(|segment| {
                data_plane.sees(SEGMENTS[segment]) && control_plane.ever.contains(&(name, segment))
            });
            // The registry may have gone on since the step was cut.
            let removed_since = control_plane.registry.head() > revision;
            assert!(
                registered || !sent || removed_since,
                "data plane {at} holds {name:?}, which was removed at or before {revision}"
            );
        }
    }

    /// Notes which routes are served now, to miss them later.
    fn note_served(&mut self, at: usize) {
        let data_plane = &mut self.data_planes[at];
        let holds = data_plane.holds();
        for (name, registered) in &self.publishers.live {
            let segment = SEGMENTS[registered.segment];
            if holds.contains_key(name) && data_plane.sees(segment) {
                data_plane.served.insert(name.0);
            }
        }
    }

    /// A route that has been served, and has had a live endpoint ever since, is never absent.
    fn look_for_absent_routes(&mut self) {
        for (at, data_plane) in self.data_planes.iter_mut().enumerate() {
            let holds = data_plane.holds();
            let live = |uri: usize| {
                let mut endpoints = self.publishers.live.iter();
                endpoints.any(|((of, _), it)| {
                    *of == uri && data_plane.sees(SEGMENTS[it.segment]) && it.algorithm != "hash"
                })
            };
            let live: Vec<usize> = (0..URIS.len()).filter(|uri| live(*uri)).collect();
            let followed = data_plane.follows.map(|it| &self.control_planes[it]);
            let mut served = std::mem::take(&mut data_plane.served);
            served.retain(|uri| {
                if !live.contains(uri) {
                    return false;
                }
                if holds.keys().any(|(of, _)| of == uri) {
                    return true;
                }
                let name = URIS[*uri];
                let followed = followed.unwrap_or_else(|| panic!("{at} lost {name} while alone"));
                // A control plane that does not have it, has it anew, or may not give it, is not
                // at fault: it hears later than the publishers speak.
                assert!(
                    !has_closed(&followed.registry, name, data_plane, self.now),
                    "data plane {at} lost {name}, which is live and registered"
                );
                false
            });
            data_plane.served = served;
        }
    }

    fn cut(&mut self, at: usize) {
        self.wires[at] = Wire::default();
        if let Some(followed) = self.data_planes[at].follows.take() {
            self.control_planes[followed].leave(at);
        }
    }

    /// The only control plane loses NATS, or finds it again. Where there are two, a gap in what one
    /// of them has heard may become a removal until orphans are kept.
    fn lose_or_regain_nats(&mut self) {
        if let [only] = self.control_planes.as_mut_slice() {
            let unheard = only.set_away(!only.away, self.now);
            self.publishers.forget_unheard(&unheard, self.now);
        }
    }

    fn kill(&mut self) {
        let killed = self.draw.of(0..self.control_planes.len());
        self.control_planes[killed] = ControlPlane::new(self.draw.number(), self.now);
        for at in 0..self.data_planes.len() {
            if self.data_planes[at].follows == Some(killed) {
                self.cut(at);
            }
        }
    }

    fn restart(&mut self, at: usize) {
        self.cut(at);
        let segments = self.data_planes[at].segments.clone();
        self.data_planes[at] = DataPlane::new(at, segments);
    }

    /// Nothing more happens; everything that is under way arrives, and everybody hears everybody
    /// for as long as it takes to know what is gone.
    pub(crate) fn quiet(&mut self) {
        for control_plane in &mut self.control_planes {
            let unheard = control_plane.set_away(false, self.now);
            self.publishers.forget_unheard(&unheard, self.now);
        }
        for data_plane in &mut self.data_planes {
            data_plane.stopped = false;
        }
        let mut waited = Duration::ZERO;
        while waited <= THRESHOLD * 2 + INTERVAL * 2 {
            self.pass(INTERVAL / 4);
            waited += INTERVAL / 4;
            self.settle();
        }
        // No orphan lives longer than this.
        while waited <= THRESHOLD * 2 + INTERVAL * 2 + ORPHAN {
            self.pass(INTERVAL / 2);
            waited += INTERVAL / 2;
            self.settle();
        }
        for at in 0..self.data_planes.len() {
            self.look_at_the_end(at);
        }
    }

    /// Talks until nobody has anything to say.
    fn settle(&mut self) {
        for at in 0..self.data_planes.len() {
            for turn in 0.. {
                assert!(turn < 10_000, "data plane {at} does not come to rest");
                let holds = self.fleet_holds_things();
                let Some(followed) = self.data_planes[at].follows else {
                    self.data_planes[at]
                        .connect(at % self.control_planes.len(), &mut self.wires[at]);
                    continue;
                };
                let wire = &mut self.wires[at];
                self.control_planes[followed].take(at, wire, self.now, holds);
                let said =
                    self.control_planes[followed].say(at, wire, (self.now, holds), self.limit);
                self.read(at);
                if !said && self.wires[at].is_empty() {
                    break;
                }
            }
            let followed = self.data_planes[at].follows.expect("a session");
            self.control_planes[followed].beat(at, &mut self.wires[at]);
            self.read(at);
            let now = table_time(self.now);
            self.data_planes[at].follower.expire(now);
            self.data_planes[at].follower.publish();
            self.look_for_absent_routes();
        }
    }

    /// After quiet: the table is what the publishers keep alive.
    fn look_at_the_end(&self, at: usize) {
        let data_plane = &self.data_planes[at];
        let holds = data_plane.holds();
        assert_eq!(data_plane.follower.rejected().count(), 0);
        let followed = &self.control_planes[data_plane.follows.expect("a session")].registry;
        assert_eq!(
            data_plane.follower.position(),
            (followed.epoch(), followed.head())
        );
        for (uri, text) in URIS.iter().enumerate() {
            let ghosts: Vec<usize> = (0..ADDRESSES)
                .filter(|number| self.publishers.dead.contains_key(&(uri, *number)))
                .collect();
            let live = self.publishers.live.range((uri, 0)..(uri + 1, 0));
            let algorithm = live.clone().map(|(_, it)| (it.change, it.algorithm)).max();
            let withheld = algorithm.is_some_and(|(_, algorithm)| algorithm == "hash");
            let mut found: BTreeMap<Name, String> = holds
                .range((uri, 0)..(uri + 1, 0))
                .map(|(name, segment)| (*name, segment.clone()))
                .collect();
            found.retain(|(_, number), _| !ghosts.contains(number));
            if !ghosts.is_empty() && algorithm.is_none() {
                // What a dead endpoint asked for still counts, whatever that was.
                continue;
            }
            let expected: BTreeMap<Name, String> = live
                .filter(|(_, it)| data_plane.sees(SEGMENTS[it.segment]) && !withheld)
                .map(|(name, it)| (*name, SEGMENTS[it.segment].to_owned()))
                .collect();
            assert_eq!(found, expected, "data plane {at}, {text}");
            let Some(route) = data_plane.table().get(&key(text)) else {
                continue;
            };
            if ghosts.is_empty() {
                let wanted = (algorithm.map(|(_, it)| it) == Some("least-connection"))
                    .then_some(Algorithm::LeastConnection);
                assert_eq!(route.algorithm(), wanted, "data plane {at}, {text}");
                let spelled = format!(
                    "{}{}",
                    route.host_as_registered(),
                    route.path_as_registered()
                );
                assert_eq!(spelled.trim_end_matches('/'), *text);
            }
        }
        let unconfirmed = data_plane.follower.unconfirmed();
        assert_eq!(
            unconfirmed, 0,
            "an authoritative control plane leaves nothing unconfirmed"
        );
    }
}

/// A time as the data planes count it.
pub(crate) fn table_time(now: Time) -> pointsman_routing::Time {
    pointsman_routing::Time::since_origin(now.as_duration())
}

/// Whether a registry has had a route for this data plane since its last closing step.
fn has_closed(registry: &Registry, uri: &str, data_plane: &DataPlane, now: Time) -> bool {
    let (epoch, revision) = data_plane.follower.position();
    let Some(route) = registry.route(&key(uri), now) else {
        return false;
    };
    let mut endpoints = route.endpoints.iter();
    let endpoint =
        endpoints.any(|it| it.revision <= revision && data_plane.sees(&it.endpoint.segment));
    let attributes = route.attributes.iter().all(|it| {
        let granted = it
            .options()
            .is_none_or(|options| honoured().cover(options.needs()));
        granted && it.revision <= revision
    });
    epoch == registry.epoch() && endpoint && attributes
}
