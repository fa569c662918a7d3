//! What must hold at any moment.

use std::collections::BTreeSet;

use pointsman_registry::{Capabilities, Registry, Time};

use crate::data_plane::{DataPlane, Release};
use crate::fleet::{Fleet, table_time};
use crate::holdings::Holdings;
use crate::publishers::{Name, SEGMENTS, address, key};

impl Fleet {
    /// Notes which live endpoints are served now, to miss them later.
    pub(crate) fn note_served(&mut self, at: usize) {
        let data_plane = &mut self.data_planes[at];
        for (name, registered) in &self.publishers.live {
            let wanted = data_plane.sees(SEGMENTS[registered.segment])
                && data_plane.honours(registered.algorithm);
            if let Some(held) = data_plane.holds.get(*name)
                && wanted
            {
                data_plane.served.insert(*name, held.segment);
                data_plane.given_up.remove(name);
            }
        }
    }

    /// An endpoint that has been served, and has been live ever since, is never absent, unless the
    /// control plane that is followed has taken it for gone in its life, and hears later than the
    /// publishers speak; or nobody has spoken for it in all the time that an orphan lives.
    ///
    /// What was closed is told by the data plane, unless it has just read a closing step, of this
    /// revision, that does not add up.
    pub(crate) fn look_for_absent(&mut self, at: usize, diverged: Option<u64>) {
        let data_plane = &self.data_planes[at];
        let absent: Vec<(Name, usize)> = data_plane
            .served
            .iter()
            .filter(|(name, _)| !data_plane.holds.has(**name))
            .map(|(name, segment)| (*name, *segment))
            .collect();
        for (name, segment) in absent {
            assert!(
                self.may_be_absent(at, (name, segment), diverged),
                "data plane {at} lost {name:?}, which is live and registered"
            );
            self.data_planes[at].served.remove(&name);
        }
        let (data_plane, live) = (&mut self.data_planes[at], &self.publishers.live);
        let (granted, release) = (data_plane.granted, data_plane.release);
        data_plane.served.retain(|name, _| {
            live.get(name).is_some_and(|it| {
                let honours = it.algorithm != "hash" || release == Release::Able;
                granted.sees(SEGMENTS[it.segment]) && honours
            })
        });
    }

    fn may_be_absent(
        &self,
        at: usize,
        (name, segment): (Name, usize),
        diverged: Option<u64>,
    ) -> bool {
        let data_plane = &self.data_planes[at];
        let Some(live) = self.publishers.live.get(&name) else {
            return true;
        };
        let wanted = data_plane.sees(SEGMENTS[live.segment]) && data_plane.honours(live.algorithm);
        let is_granted = data_plane.sees(SEGMENTS[segment]);
        if !wanted || !is_granted || data_plane.given_up.contains(&name) {
            return true;
        }
        let Some(followed) = data_plane.follows else {
            return false;
        };
        let followed = &self.control_planes[followed];
        if needs_more(&followed.registry, name, data_plane, self.now) {
            return true;
        }
        let (epoch, revision) = data_plane.follower.position();
        let closed = (epoch, diverged.unwrap_or(revision));
        followed.left.contains(&name)
            && !has_closed(&followed.registry, name, (data_plane, closed), self.now)
    }

    /// Orphans come to be only where an authoritative control plane lacks them, and no more of them
    /// within a minute than the guard lets pass. Those of a route that was rejected until now only
    /// come to be seen.
    pub(crate) fn look_at_new_orphans(
        &mut self,
        at: usize,
        (before, hidden, routes): (&Holdings, &BTreeSet<usize>, &BTreeSet<usize>),
    ) {
        let now = table_time(self.now);
        let data_plane = &mut self.data_planes[at];
        let orphans = data_plane.holds.iter().filter(|(_, held)| held.orphan);
        let is_new = |name: Name| !before.is_orphan(name) && !hidden.contains(&name.0);
        let new = orphans.filter(|(name, _)| is_new(*name)).count() as u64;
        if new == 0 {
            return;
        }
        assert!(
            data_plane.follower.standing().authoritative,
            "data plane {at} took something for gone because a young control plane lacks it"
        );
        data_plane.orphaned.push_back((now, new));
        let within = data_plane.absence.within;
        data_plane
            .orphaned
            .retain(|(then, _)| now.since(*then) < within);
        let all: u64 = data_plane.orphaned.iter().map(|(_, count)| count).sum();
        // What was added is counted, and what is removed only then is counted as well.
        let routes = routes.union(&data_plane.routes()).count() as u64;
        let share = routes * u64::from(data_plane.absence.removable_percent) / 100;
        let most = share.max(data_plane.absence.always_removable);
        assert!(all <= most, "{all} of {routes} routes, and {most} may");
    }

    /// At a closing step: what is held is what the control plane has, and besides only what this
    /// life of it never knew.
    pub(crate) fn look_at_closing(&self, at: usize, revision: u64, complete: bool) {
        let data_plane = &self.data_planes[at];
        let followed = &self.control_planes[data_plane.follows.expect("a session")];
        for (name, held) in data_plane.holds.iter() {
            assert!(
                !complete || data_plane.sees(SEGMENTS[held.segment]),
                "data plane {at} holds {name:?} of a segment that it is not granted"
            );
            // The registry may have gone on since the step was cut.
            let removed_since = followed.registry.head() > revision;
            if removed_since || is_registered(&followed.registry, name, self.now) {
                continue;
            }
            assert!(
                !data_plane.sent.contains(&name),
                "data plane {at} holds {name:?}, which was sent and is gone at {revision}"
            );
            // What was known only in segments that this data plane does not see, is told about
            // only there.
            let told = (0..SEGMENTS.len())
                .any(|it| data_plane.sees(SEGMENTS[it]) && followed.ever.contains(&(name, it)));
            let told = told || (data_plane.sees("") && followed.buried.contains(&name));
            assert!(
                !told || !self.remembers(),
                "data plane {at} holds {name:?}, which was removed at or before {revision} {:?} {:?} {:?} {:?} ever {:?}",
                followed.buried.contains(&name),
                data_plane.granted,
                held,
                data_plane.release,
                followed
                    .ever
                    .iter()
                    .filter(|x| x.0 == name)
                    .collect::<Vec<_>>()
            );
        }
    }
}

fn is_registered(registry: &Registry, (uri, number): Name, now: Time) -> bool {
    registry.route(key(uri), now).is_some_and(|route| {
        let mut endpoints = route.endpoints.iter();
        endpoints.any(|it| *it.endpoint.address == *address(number))
    })
}

/// Whether a registry has something of a route that this data plane cannot honour.
fn needs_more(registry: &Registry, (uri, _): Name, data_plane: &DataPlane, now: Time) -> bool {
    let honoured = Capabilities::TLS_ENDPOINT | Capabilities::LEAST_CONNECTION;
    let able = data_plane.release == Release::Able;
    registry.route(key(uri), now).is_some_and(|route| {
        let mut options = route.attributes.iter().filter_map(|it| it.options());
        !able && options.any(|options| !honoured.cover(options.needs()))
    })
}

/// Whether a registry has had an endpoint for this data plane since its last closing step.
fn has_closed(
    registry: &Registry,
    (uri, number): Name,
    (data_plane, (epoch, revision)): (&DataPlane, (u64, u64)),
    now: Time,
) -> bool {
    let Some(route) = registry.route(key(uri), now) else {
        return false;
    };
    let mut endpoints = route.endpoints.iter();
    let endpoint = endpoints.any(|it| {
        it.revision <= revision
            && data_plane.sees(&it.endpoint.segment)
            && *it.endpoint.address == *address(number)
    });
    let attributes = route.attributes.iter().all(|it| it.revision <= revision);
    epoch == registry.epoch() && endpoint && attributes
}
