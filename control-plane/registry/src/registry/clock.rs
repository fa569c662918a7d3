//! The clock of a source, which stands while the source is away.
//!
//! Ages of endpoints are measured on it, so an outage rewrites no deadline: time simply did not pass. After a return
//! it stands for a grace of up to one registration interval, in which every publisher repeats itself. The grace is
//! paid from a purse that fills at half the speed of the running clock: a source that comes and goes all the time
//! still ages, so a dead endpoint is not immortal.
//!
//! The clock of a source that declares never moves: what such a source said does not age.

use std::time::Duration;

use crate::time::Time;

use super::WhileAway;

#[derive(Debug)]
pub(super) struct Clock {
    kind: Kind,
    state: State,
    /// What the clock showed when the state began.
    reading: Time,
    /// How long the source had been connected when the state began.
    connected: Duration,
    /// How long the clock may stand after a return.
    purse: Duration,
    interval: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ageing(WhileAway),
    Lasting,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Away,
    /// There, and standing for a grace at first.
    Connected {
        since: Time,
        grace: Duration,
    },
}

impl Clock {
    pub(super) const fn new(while_away: WhileAway, interval: Duration) -> Self {
        Self::of(Kind::Ageing(while_away), interval)
    }

    /// The clock of a source that declares.
    pub(super) const fn lasting(interval: Duration) -> Self {
        Self::of(Kind::Lasting, interval)
    }

    const fn of(kind: Kind, interval: Duration) -> Self {
        Self {
            kind,
            state: State::Away,
            reading: Time::ZERO,
            connected: Duration::ZERO,
            purse: interval,
            interval,
        }
    }

    /// What the clock shows.
    pub(super) fn at(&self, now: Time) -> Time {
        match self.kind {
            Kind::Ageing(WhileAway::Age) => return now,
            Kind::Ageing(WhileAway::Wait) => {}
            Kind::Lasting => return Time::ZERO,
        }
        match self.state {
            State::Away => self.reading,
            State::Connected { since, grace } => self.reading.plus(now.since(since.plus(grace))),
        }
    }

    /// When the clock will show `reading`, as long as the source stays.
    pub(super) fn when(&self, reading: Time, now: Time) -> Option<Time> {
        let ahead = reading.since(self.at(now));
        match self.kind {
            Kind::Ageing(WhileAway::Age) => return Some(now.plus(ahead)),
            Kind::Ageing(WhileAway::Wait) => {}
            Kind::Lasting => return None,
        }
        match self.state {
            State::Away => None,
            State::Connected { since, grace } => Some(now.max(since.plus(grace)).plus(ahead)),
        }
    }

    /// Whether what the source says counts until it says otherwise.
    pub(super) fn is_lasting(&self) -> bool {
        self.kind == Kind::Lasting
    }

    /// How long the source has been connected, all in all. One that declares has said everything when it comes.
    pub(super) fn connected(&self, now: Time) -> Duration {
        match self.state {
            State::Connected { .. } if self.is_lasting() => Duration::MAX,
            State::Away => self.connected,
            State::Connected { since, .. } => self.connected + now.since(since),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        matches!(self.state, State::Away)
    }

    /// How much longer the source has to stay until all who repeat themselves have been heard since it came: what was
    /// said while it was away is not known before.
    pub(super) fn unsettled(&self, now: Time) -> Duration {
        match self.state {
            State::Away => self.interval,
            State::Connected { .. } if self.is_lasting() => Duration::ZERO,
            State::Connected { since, .. } => self.interval.saturating_sub(now.since(since)),
        }
    }

    /// The source is away since it was last heard.
    pub(super) fn lost(&mut self, last_heard: Time) {
        let reading = self.at(last_heard);
        let ran = reading.since(self.reading);
        let stood = self
            .connected(last_heard)
            .saturating_sub(self.connected)
            .saturating_sub(ran);
        self.connected = self.connected(last_heard);
        self.purse = (self.purse.saturating_sub(stood) + ran / 2).min(self.interval);
        self.reading = reading.max(self.reading);
        self.state = State::Away;
    }

    /// The source is back. Says nothing new where it was not away.
    pub(super) fn returned(&mut self, now: Time) {
        if self.is_away() {
            self.state = State::Connected {
                since: now,
                grace: self.purse,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(20);

    fn at(seconds: u64) -> Time {
        Time::since_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn it_stands_while_the_source_is_away_and_for_an_interval_after() {
        let mut clock = Clock::new(WhileAway::Wait, INTERVAL);
        assert_eq!(clock.at(at(50)), at(0));
        clock.returned(at(100));
        assert_eq!(clock.at(at(120)), at(0));
        assert_eq!(clock.at(at(220)), at(100));
        // What was heard last counts, not when the loss was noticed.
        clock.lost(at(190));
        assert_eq!(clock.at(at(220)), at(70));
        clock.returned(at(1000));
        assert_eq!(clock.at(at(1020)), at(70));
        assert_eq!(clock.at(at(1021)), at(71));
        assert_eq!(clock.connected(at(1021)), Duration::from_secs(111));
    }

    #[test]
    fn a_deadline_is_known_only_while_the_source_is_there() {
        let mut clock = Clock::new(WhileAway::Wait, INTERVAL);
        assert_eq!(clock.when(at(10), at(5)), None);
        clock.returned(at(100));
        assert_eq!(clock.when(at(10), at(105)), Some(at(130)));
        assert_eq!(clock.when(at(10), at(125)), Some(at(130)));
        clock.lost(at(125));
        assert_eq!(clock.when(at(10), at(126)), None);
    }

    #[test]
    fn it_is_settled_once_everybody_had_the_time_to_repeat_himself() {
        let mut clock = Clock::new(WhileAway::Wait, INTERVAL);
        assert_eq!(clock.unsettled(at(0)), INTERVAL);
        clock.returned(at(10));
        assert_eq!(clock.unsettled(at(15)), Duration::from_secs(15));
        assert_eq!(clock.unsettled(at(30)), Duration::ZERO);
        clock.lost(at(90));
        assert_eq!(clock.unsettled(at(500)), INTERVAL);
    }

    #[test]
    fn a_source_that_flaps_still_ages() {
        let mut clock = Clock::new(WhileAway::Wait, INTERVAL);
        for round in 0..1000 {
            clock.returned(at(round * 16));
            clock.lost(at(round * 16 + 15));
        }
        let connected = clock.connected(at(16_000));
        let aged = clock.at(at(16_000)).since(at(0));
        assert_eq!(connected, Duration::from_secs(15_000));
        assert!(aged >= connected / 2, "{aged:?} of {connected:?}");
    }

    #[test]
    fn without_waiting_it_is_the_common_clock() {
        let mut clock = Clock::new(WhileAway::Age, INTERVAL);
        assert_eq!(clock.at(at(7)), at(7));
        clock.returned(at(8));
        clock.lost(at(9));
        assert_eq!(clock.at(at(99)), at(99));
        assert_eq!(clock.when(at(100), at(99)), Some(at(100)));
    }

    #[test]
    fn what_a_declaring_source_said_never_ages_and_is_whole_at_once() {
        let mut clock = Clock::lasting(INTERVAL);
        assert_eq!(clock.connected(at(5)), Duration::ZERO);
        assert_eq!(clock.unsettled(at(5)), INTERVAL);
        clock.returned(at(10));
        assert_eq!(clock.connected(at(10)), Duration::MAX);
        assert_eq!(clock.unsettled(at(10)), Duration::ZERO);
        clock.lost(at(20));
        assert_eq!(clock.connected(at(30)), Duration::MAX, "it was heard");
        assert_eq!(clock.unsettled(at(30)), INTERVAL);
        clock.returned(at(40));
        assert_eq!(clock.unsettled(at(40)), Duration::ZERO);
        assert_eq!(clock.at(at(1 << 40)), Time::ZERO);
        assert_eq!(clock.when(at(1), at(1 << 40)), None);
    }

    #[test]
    fn a_second_return_changes_nothing() {
        let mut clock = Clock::new(WhileAway::Wait, INTERVAL);
        clock.returned(at(0));
        clock.returned(at(15));
        assert_eq!(clock.at(at(30)), at(10));
    }
}
