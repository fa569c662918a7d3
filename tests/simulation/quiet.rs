//! After quiet: everybody agrees with a naive model.

use std::collections::BTreeMap;
use std::time::Duration;

use pointsman_routing::Algorithm;

use crate::data_plane::{DataPlane, Release};
use crate::fleet::{Fleet, table_time};
use crate::publishers::{ADDRESSES, INTERVAL, Name, SEGMENTS, THRESHOLD, URIS, key};

/// How long an endpoint lives that is reached over TLS, and that no control plane speaks for.
const ORPHAN: Duration = Duration::from_secs(600);

impl Fleet {
    /// Nothing more happens; everything that is under way arrives, and everybody hears everybody
    /// for as long as it takes to know what is gone. An operator lets go what is held.
    pub(crate) fn quiet(&mut self) {
        let (draw, now) = (&mut self.draw, self.now);
        for control_plane in &mut self.control_planes {
            if control_plane.still {
                control_plane.set_still(false, draw, now);
            }
            control_plane.regain_nats(now);
            control_plane.gap = None;
            control_plane.end_staging(now);
        }
        for data_plane in &mut self.data_planes {
            data_plane.stopped = false;
        }
        let somebody = self.publishers.somebody(self.now);
        self.publish(somebody.as_slice());
        // What is under way may still be lost, and not add up.
        self.pass(INTERVAL);
        self.settle();
        self.is_quiet = true;
        self.wait(THRESHOLD * 2 + INTERVAL * 4, INTERVAL);
        for at in 0..self.data_planes.len() {
            self.look_at_held(at);
            let followed = self.data_planes[at].follows.expect("a session");
            self.control_planes[followed].release(at, &mut self.wires[at]);
            self.read(at);
            assert_eq!(self.data_planes[at].follower.held_removals(), 0);
        }
        // No orphan lives longer than this.
        self.wait(ORPHAN + INTERVAL, INTERVAL * 4);
        for at in 0..self.data_planes.len() {
            self.look_at_the_end(at);
        }
    }

    fn wait(&mut self, time: Duration, step: Duration) {
        let mut waited = Duration::ZERO;
        while waited <= time {
            self.pass(step);
            waited += step;
            self.settle();
        }
    }

    /// Talks until nobody has anything to say.
    fn settle(&mut self) {
        let holds = self.fleet_holds_things();
        for at in 0..self.data_planes.len() {
            for turn in 0.. {
                assert!(turn < 10_000, "data plane {at} does not come to rest");
                let Some(followed) = self.data_planes[at].follows else {
                    let choice = at % self.control_planes.len();
                    self.data_planes[at].connect(choice, &mut self.wires[at]);
                    continue;
                };
                let grant = self.data_planes[at].grant;
                let wire = &mut self.wires[at];
                let control_plane = &mut self.control_planes[followed];
                control_plane.take((at, grant), wire, self.now, holds);
                let said = control_plane.say(at, wire, (self.now, holds), self.limit);
                self.read(at);
                if !said && self.wires[at].is_empty() {
                    break;
                }
            }
            let Some(followed) = self.data_planes[at].follows else {
                continue;
            };
            self.control_planes[followed].beat(at, &mut self.wires[at]);
            self.read(at);
            self.data_planes[at].expire(table_time(self.now));
        }
    }

    /// What seems to be gone and is held, is nothing that is live, and is there.
    fn look_at_held(&self, at: usize) {
        let data_plane = &self.data_planes[at];
        if data_plane.release == Release::Mistaken {
            // What is held may stand under a route that was rejected since, where nobody sees it.
            return;
        }
        let held = data_plane.follower.held_removals();
        let beyond = data_plane.holds.iter().filter(|(name, _)| {
            let live = self.publishers.live.get(name);
            live.is_none_or(|it| {
                !data_plane.sees(SEGMENTS[it.segment]) || !data_plane.honours(it.algorithm)
            })
        });
        assert!(held <= beyond.count() as u64, "somebody live is held");
    }

    /// After quiet: the table is what the publishers keep alive.
    fn look_at_the_end(&self, at: usize) {
        let data_plane = &self.data_planes[at];
        let followed = &self.control_planes[data_plane.follows.expect("a session")].registry;
        assert_eq!(
            data_plane.follower.position(),
            (followed.epoch(), followed.head())
        );
        for uri in 0..URIS.len() {
            self.look_at_route(at, uri);
        }
        let follower = &data_plane.follower;
        assert_eq!(
            (
                follower.unconfirmed(),
                follower.orphans(),
                follower.held_removals()
            ),
            (0, 0, 0),
            "an authoritative control plane leaves nothing unconfirmed, of {:?}",
            data_plane.holds
        );
    }

    fn look_at_route(&self, at: usize, uri: usize) {
        let data_plane = &self.data_planes[at];
        let ghosts: Vec<usize> = (0..ADDRESSES)
            .filter(|number| self.publishers.dead.contains_key(&(uri, *number)))
            .collect();
        let live = self.publishers.live.range((uri, 0)..(uri + 1, 0));
        let algorithm = live.clone().map(|(_, it)| (it.change, it.algorithm)).max();
        let algorithm = algorithm.map(|(_, algorithm)| algorithm);
        let honoured = algorithm.is_none_or(|algorithm| data_plane.honours(algorithm));
        let rejects = data_plane.release == Release::Mistaken && !honoured;
        let rejects = rejects || data_plane.rejects().contains(&uri);
        if !ghosts.is_empty() && (algorithm.is_none() || rejects) {
            // What a dead endpoint asked for still counts, whatever that was; also where that is
            // rejected, or what the live ones of another segment ask for.
            return;
        }
        let found: BTreeMap<Name, &str> = data_plane
            .holds
            .iter()
            .filter(|((of, number), _)| *of == uri && !ghosts.contains(number))
            .map(|(name, held)| (name, SEGMENTS[held.segment]))
            .collect();
        let expected: BTreeMap<Name, &str> = live
            .filter(|(_, it)| data_plane.sees(SEGMENTS[it.segment]) && honoured)
            .map(|(name, it)| (*name, SEGMENTS[it.segment]))
            .collect();
        assert_eq!(found, expected, "data plane {at}, {}", URIS[uri]);
        if !ghosts.is_empty() {
            return;
        }
        look_at_rejected(data_plane, uri, honoured, at);
        let Some(route) = data_plane.follower.table().get(key(uri)) else {
            return;
        };
        let wanted = (algorithm == Some("least-connection")).then_some(Algorithm::LeastConnection);
        assert_eq!(route.algorithm(), wanted, "data plane {at}, {}", URIS[uri]);
        let hashed = route.hashed_by().is_some();
        assert_eq!(hashed, algorithm == Some("hash"), "{at}, {}", URIS[uri]);
        let spelled = format!(
            "{}{}",
            route.host_as_registered(),
            route.path_as_registered()
        );
        assert_eq!(spelled.trim_end_matches('/'), URIS[uri]);
    }
}

/// What is rejected is named, and nothing else is.
fn look_at_rejected(data_plane: &DataPlane, uri: usize, honoured: bool, at: usize) {
    let mut rejected = data_plane.follower.rejected();
    let named = rejected.any(|it| it.key == key(uri) && it.address.is_empty());
    let may = data_plane.release == Release::Mistaken && !honoured;
    assert!(!named || may, "data plane {at} rejects {}", URIS[uri]);
}
