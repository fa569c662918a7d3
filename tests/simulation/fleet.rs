//! Everybody together, and what happens to them.

use std::time::Duration;

use pointsman_registry::{Memory, Time};
use pointsman_routing::AbsenceSettings;

use crate::control_plane::ControlPlane;
use crate::data_plane::{Came, DataPlane, Release};
use crate::draw::Draw;
use crate::grant::GRANTS;
use crate::publishers::{ADDRESSES, Message, Name, Publishers, THRESHOLD, URIS, is_tls};
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) draw: Draw,
    pub(crate) now: Time,
    pub(crate) publishers: Publishers,
    pub(crate) control_planes: Vec<ControlPlane>,
    pub(crate) data_planes: Vec<DataPlane>,
    /// By data plane.
    pub(crate) wires: Vec<Wire>,
    /// How many messages a reader is given at a time.
    pub(crate) limit: usize,
    /// How long control planes remember what is gone.
    memory: Memory,
    /// Nothing happens any more.
    pub(crate) is_quiet: bool,
}

/// Of a hundred messages to one control plane.
const LOST: u64 = 3;

/// More removals than there can be.
const ALL: usize = 100_000;

impl Fleet {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Draw::new(seed);
        let now = Time::ZERO;
        let forgetful = draw.percent(40);
        let memory = Memory {
            age: Duration::from_secs(if forgetful { 30 } else { 86_400 }),
            removals: if forgetful { draw.of(0..6) } else { ALL },
        };
        let control_planes = (0..1 + draw.of(0..2))
            .map(|_| born(&mut draw, memory, now))
            .collect();
        let absence = AbsenceSettings {
            removable_percent: [0, 20, 100][draw.of(0..3)],
            always_removable: [0, 1, 5, 50][draw.of(0..4)],
            ..AbsenceSettings::default()
        };
        let releases = [Release::Honest, Release::Mistaken, Release::Able];
        let data_planes: Vec<_> = (0..3)
            .map(|at| DataPlane::new(at, releases[draw.of(0..3)], absence))
            .collect();
        Self {
            wires: data_planes.iter().map(|_| Wire::default()).collect(),
            limit: 1 + draw.of(0..8),
            draw,
            now,
            publishers: Publishers::default(),
            control_planes,
            data_planes,
            memory,
            is_quiet: false,
        }
    }

    /// Whether control planes remember everything that is gone.
    pub(crate) const fn remembers(&self) -> bool {
        self.memory.removals == ALL
    }

    /// Something happens.
    pub(crate) fn step(&mut self) {
        match self.draw.of(0..1060) {
            0..120 => {
                let heard = self.control_planes.iter().all(|it| !it.is_deaf());
                let messages = self.publishers.change(&mut self.draw, self.now, heard);
                self.publish(&messages);
            }
            120..260 => {
                let time = Duration::from_millis(self.draw.number() % 12_000);
                self.recover();
                self.pass(time);
            }
            260..410 => {
                let at = self.draw.of(0..self.control_planes.len());
                self.control_planes[at].hear_one(&mut self.draw, self.now);
            }
            410..880 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.talk(at);
            }
            880..910 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.cut(at);
            }
            910..930 => {
                let at = self.draw.of(0..self.data_planes.len());
                self.data_planes[at].stopped ^= true;
            }
            930..1000 => self.step_seldom(),
            _ => self.roll_out(),
        }
        for at in 0..self.data_planes.len() {
            self.look_for_absent(at, None);
        }
    }

    /// A large change begins, is made, goes on to somebody, or to all.
    fn roll_out(&mut self) {
        let data_plane = self.draw.of(0..self.data_planes.len());
        let at = self.draw.of(0..self.control_planes.len());
        let control_plane = &mut self.control_planes[at];
        match self.draw.of(0..12) {
            0..3 => control_plane.begin_staging(),
            3..6 => control_plane.stop_recording(),
            6..11 => control_plane.admit(data_plane),
            _ => control_plane.end_staging(self.now),
        }
    }

    fn step_seldom(&mut self) {
        let data_plane = self.draw.of(0..self.data_planes.len());
        let control_plane = self.draw.of(0..self.control_planes.len());
        match self.draw.of(0..70) {
            0..12 => self.lose_or_regain_nats(control_plane),
            12..15 => self.kill(control_plane),
            15..21 => self.restart(data_plane),
            21..27 => {
                self.data_planes[data_plane].grant = GRANTS[self.draw.of(0..GRANTS.len())];
                self.cut(data_plane);
            }
            27..34 => {
                let still = !self.control_planes[control_plane].still;
                let (draw, now) = (&mut self.draw, self.now);
                self.control_planes[control_plane].set_still(still, draw, now);
            }
            34..50 => {
                for _ in 0..self.draw.of(0..40) {
                    self.pass(Duration::from_secs(10));
                }
            }
            50..56 => self.fail(data_plane),
            56..62 => self.fail_over_into_a_gap(data_plane),
            _ => {
                if let Some(followed) = self.data_planes[data_plane].follows {
                    let wire = &mut self.wires[data_plane];
                    self.control_planes[followed].release(data_plane, wire);
                }
            }
        }
    }

    /// Everybody is told. Now and then somebody does not get a message, and nobody notices.
    pub(crate) fn publish(&mut self, messages: &[Message]) {
        let mut unheard = Vec::new();
        for control_plane in &mut self.control_planes {
            for message in messages {
                let (Message::Register(name, _) | Message::Unregister(name)) = message;
                let lost = !self.is_quiet
                    && (control_plane.misses(*name, self.now) || self.draw.percent(LOST));
                match message {
                    Message::Unregister(name) if lost => unheard.push(*name),
                    Message::Register(..) if lost => {}
                    _ => control_plane.publish(message.clone()),
                }
            }
        }
        self.publishers.forget_unheard(&unheard, self.now);
    }

    /// Whoever stands still, or hears nothing, does so for a while and not half of the time.
    fn recover(&mut self) {
        for at in 0..self.control_planes.len() {
            let (draw, now) = (&mut self.draw, self.now);
            if self.control_planes[at].still && draw.percent(15) {
                self.control_planes[at].set_still(false, draw, now);
            }
            if self.control_planes[at].is_deaf() && self.draw.percent(15) {
                self.control_planes[at].regain_nats(now);
            }
        }
        for data_plane in &mut self.data_planes {
            data_plane.stopped &= !self.draw.percent(10);
        }
    }

    /// Time passes. Nothing stays under way for longer than that, except to whom stands still.
    pub(crate) fn pass(&mut self, time: Duration) {
        for control_plane in &mut self.control_planes {
            control_plane.turn(self.now);
            control_plane.live_through(time, self.now);
        }
        self.now = self.now.plus(time);
        let messages = self.publishers.repeat(self.now);
        self.publish(&messages);
        for control_plane in &mut self.control_planes {
            control_plane.turn(self.now);
        }
        let (publishers, now) = (&mut self.publishers, self.now);
        // Over TLS nothing goes stale: whoever dies there is never known to be gone.
        publishers
            .dead
            .retain(|(_, address), heard| is_tls(*address) || now.since(*heard) <= THRESHOLD * 2);
        for at in 0..self.data_planes.len() {
            if !self.data_planes[at].stopped {
                self.data_planes[at].expire(table_time(self.now));
                self.look_for_absent(at, None);
            }
        }
    }

    pub(crate) fn fleet_holds_things(&self) -> bool {
        let mut holding = self.data_planes.iter();
        holding.any(|it| it.follower.held().things + it.follower.unconfirmed() > 0)
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
        let grant = self.data_planes[at].grant;
        match self.draw.of(0..12) {
            0..3 => control_plane.take((at, grant), wire, self.now, holds),
            3..7 => {
                control_plane.say(at, wire, (self.now, holds), self.limit);
            }
            7 => control_plane.beat(at, wire),
            _ if self.data_planes[at].stopped => {}
            _ => self.read(at),
        }
    }

    pub(crate) fn read(&mut self, at: usize) {
        let before = self.data_planes[at].holds.clone();
        let routes = self.data_planes[at].routes();
        let hidden = self.data_planes[at].rejects();
        let before = (&before, &hidden, &routes);
        let publishes = self.draw.percent(70);
        let now = table_time(self.now);
        let came = self.data_planes[at].read(&mut self.wires[at], now, publishes);
        match came {
            Came::Nothing => return,
            Came::Release => {}
            Came::Diverged { revision } => {
                self.look_for_absent(at, Some(revision));
                return self.repair(at, revision);
            }
            Came::Something => self.look_at_new_orphans(at, before),
            Came::Closed { revision, complete } => {
                self.look_at_new_orphans(at, before);
                self.look_at_closing(at, revision, complete);
            }
        }
        self.look_for_absent(at, None);
        self.note_served(at);
    }

    /// What was received does not add up. That is so only where a control plane has forgotten what
    /// was removed in the middle of a snapshot, or where nobody knows how much the data plane was
    /// given of what was staged; and another snapshot puts it right.
    fn repair(&mut self, at: usize, revision: u64) {
        let is_quiet = self.is_quiet;
        let may_differ = std::mem::take(&mut self.data_planes[at].may_differ);
        assert!(
            may_differ || !is_quiet && !self.remembers(),
            "data plane {at} differs at revision {revision}"
        );
        self.cut(at);
    }

    pub(crate) fn cut(&mut self, at: usize) {
        self.wires[at] = Wire::default();
        let data_plane = &mut self.data_planes[at];
        if let Some(followed) = data_plane.follows.take() {
            let control_plane = &mut self.control_planes[followed];
            control_plane.leave(at);
            data_plane.may_differ |= data_plane.open && control_plane.has_staged();
        }
    }

    fn lose_or_regain_nats(&mut self, at: usize) {
        if self.control_planes[at].is_deaf() {
            self.control_planes[at].regain_nats(self.now);
        } else {
            let unheard = self.control_planes[at].lose_nats(self.now);
            self.publishers.forget_unheard(&unheard, self.now);
        }
    }

    /// Somebody registers whom one of two control planes does not hear, and a data plane that has
    /// heard of him turns to that one.
    fn fail_over_into_a_gap(&mut self, at: usize) {
        let (2, Some(from)) = (self.control_planes.len(), self.data_planes[at].follows) else {
            return;
        };
        let to = 1 - from;
        let untouched: Vec<Name> = (0..URIS.len() * ADDRESSES)
            .map(|it| (it / ADDRESSES, it % ADDRESSES))
            .filter(|name| !self.control_planes[to].touched.contains(name))
            .collect();
        if untouched.is_empty() {
            return;
        }
        let name = untouched[self.draw.of(0..untouched.len())];
        let until = self.now.plus(THRESHOLD);
        self.control_planes[to].gap = Some((name.0, until));
        let message = self.publishers.put(name, self.now);
        self.publish(&[message]);
        self.pass(Duration::from_secs(1));
        for _ in 0..60 {
            self.talk(at);
        }
        self.cut(at);
        self.data_planes[at].connect(to, &mut self.wires[at]);
        for _ in 0..60 {
            self.talk(at);
        }
    }

    fn kill(&mut self, killed: usize) {
        self.control_planes[killed] = born(&mut self.draw, self.memory, self.now);
        for at in 0..self.data_planes.len() {
            if self.data_planes[at].follows == Some(killed) {
                self.cut(at);
            }
        }
    }

    /// A data plane ends, and the next one begins: as another release, where that is drawn, and
    /// with what was written down, or without.
    fn restart(&mut self, at: usize) {
        self.cut(at);
        let old = &self.data_planes[at];
        let release = match (old.release, self.draw.percent(50)) {
            (Release::Mistaken, true) => Release::Able,
            (release, _) => release,
        };
        let grant = old.grant;
        let mut new = if self.draw.percent(50) {
            old.restored(at, release, table_time(self.now))
        } else {
            DataPlane::new(at, release, old.absence)
        };
        new.grant = grant;
        new.granted = grant;
        self.data_planes[at] = new;
        self.note_served(at);
    }

    /// A request to an orphan fails where nobody is.
    fn fail(&mut self, at: usize) {
        let live = &self.publishers.live;
        let holds = self.data_planes[at].holds.iter();
        let dead: Vec<Name> = holds
            .filter(|(name, held)| held.orphan && !live.contains_key(name))
            .map(|(name, _)| name)
            .collect();
        if !dead.is_empty() {
            let name = dead[self.draw.of(0..dead.len())];
            self.data_planes[at].fail(name);
        }
    }
}

/// A new life of a control plane, which some publishers may not reach at first.
fn born(draw: &mut Draw, memory: Memory, now: Time) -> ControlPlane {
    let mut control_plane = ControlPlane::new(draw.number(), memory, now);
    if draw.percent(40) {
        let seconds = 60 + draw.number() % 400;
        let until = now.plus(Duration::from_secs(seconds));
        control_plane.gap = Some((draw.of(0..URIS.len()), until));
    }
    control_plane
}

/// A time as the data planes count it.
pub(crate) fn table_time(now: Time) -> pointsman_routing::Time {
    pointsman_routing::Time::since_origin(now.as_duration())
}
