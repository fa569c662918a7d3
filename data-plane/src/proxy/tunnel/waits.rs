//! How long a tunnel waits, and for whom: the pure arithmetic behind L-29, and behind L-09 and L-28 where
//! there are no messages any more.

use std::time::Duration;

use crate::deadlines::Tick;
use crate::proxy::patience::{STANDS_STILL, Watch};
use crate::settings::{Settings, Timeouts};

/// How a tunnel stands at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// A number that grows with every byte in either direction.
    pub(super) moved: u64,
    /// Whether one side has ended what it sends.
    pub(super) half_closed: bool,
    /// What the client took, where something waits for it.
    pub(super) client_to_take: Option<u64>,
    /// What the endpoint took, where something waits for it.
    pub(super) endpoint_to_take: Option<u64>,
}

/// What it is time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Its own time is over: the client is told.
    Farewell,
    /// Nothing more is to come.
    End,
    /// The client takes nothing (L-09).
    ClientStalled,
    /// The endpoint takes nothing (L-28).
    EndpointStalled,
}

/// The waits of one tunnel.
#[derive(Debug)]
pub(super) struct Waits<'a> {
    timeouts: &'a Timeouts,
    idle: Option<Duration>,
    half_closed: Duration,
    /// When it is old enough to end.
    ends_by: Tick,
    /// When it ends after the client was told.
    farewell_ends: Option<Tick>,
    quiet: Watch,
    client: Watch,
    endpoint: Watch,
    stands_still: bool,
}

impl<'a> Waits<'a> {
    /// A tunnel that begins at `now`, and may be silent and last for so long.
    pub(super) fn new(
        settings: &'a Settings,
        (idle, life): (Option<Duration>, Option<Duration>),
        now: Tick,
    ) -> Self {
        Self {
            timeouts: &settings.timeouts,
            idle,
            half_closed: settings.tunnels.half_closed,
            ends_by: life.map_or(Tick::NEVER, |life| now.after(life)),
            farewell_ends: None,
            quiet: Watch::new(now),
            client: Watch::new(now),
            endpoint: Watch::new(now),
            stands_still: false,
        }
    }

    /// The client is told that its tunnel ends, and has a while to agree.
    pub(super) fn bid_farewell(&mut self, now: Tick) {
        self.farewell_ends = Some(now.after(self.timeouts.linger));
    }

    /// Whether what was read waits for somebody who has taken nothing for a while.
    pub(super) fn stands_still(&self) -> bool {
        self.stands_still
    }

    /// Until when to wait on.
    pub(super) fn until(&mut self, now: Tick, standing: Standing) -> Result<Tick, Due> {
        self.stands_still = false;
        let quiet_since = self.quiet.since(standing.moved, now);
        let mut by = self.own_end(now, quiet_since)?;
        if let Some(took) = standing.client_to_take {
            let since = self.client.since(took, now);
            let stall = self.timeouts.client_stall;
            by = by.min(self.stall(now, since, stall).ok_or(Due::ClientStalled)?);
        }
        if let Some(took) = standing.endpoint_to_take {
            let since = self.endpoint.since(took, now);
            let stall = self.timeouts.stream_idle;
            by = by.min(self.stall(now, since, stall).ok_or(Due::EndpointStalled)?);
        }
        let waits_for_nobody =
            standing.client_to_take.is_none() && standing.endpoint_to_take.is_none();
        if standing.half_closed && waits_for_nobody {
            let end = quiet_since.after(self.half_closed);
            by = by.min(not_yet(now, end).ok_or(Due::End)?);
        }
        Ok(by)
    }

    /// When its own time is over.
    fn own_end(&self, now: Tick, quiet_since: Tick) -> Result<Tick, Due> {
        if let Some(end) = self.farewell_ends {
            return not_yet(now, end).ok_or(Due::End);
        }
        let idle_by = self
            .idle
            .map_or(Tick::NEVER, |idle| quiet_since.after(idle));
        not_yet(now, idle_by.min(self.ends_by)).ok_or(Due::Farewell)
    }

    /// When somebody will have taken nothing for `most`, or for so long that memory is given back.
    fn stall(&mut self, now: Tick, since: Tick, most: Duration) -> Option<Tick> {
        let end = not_yet(now, since.after(most))?;
        match not_yet(now, since.after(STANDS_STILL)) {
            Some(still) => Some(end.min(still)),
            None => {
                self.stands_still = true;
                Some(end)
            }
        }
    }
}

fn not_yet(now: Tick, by: Tick) -> Option<Tick> {
    (now < by).then_some(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Tick = Tick::START;

    const QUIET: Standing = Standing {
        moved: 0,
        half_closed: false,
        client_to_take: None,
        endpoint_to_take: None,
    };

    fn at(seconds: u64) -> Tick {
        START.after(Duration::from_secs(seconds))
    }

    /// D-523: no wait of an answer cuts a tunnel.
    /// L-29: nothing does, unless it is asked for.
    #[test]
    fn a_tunnel_lasts() {
        let mut settings = Settings::default();
        settings.timeouts.attempt = Some(Duration::from_secs(1));
        let mut waits = Waits::new(&settings, (None, None), START);
        assert_eq!(waits.until(START, QUIET), Ok(Tick::NEVER));
        assert_eq!(waits.until(at(1_000_000), QUIET), Ok(Tick::NEVER));
    }

    /// L-29: a bound on silence, and one on life.
    #[test]
    fn a_tunnel_is_idle_or_old() {
        let settings = Settings::default();
        let mut waits = Waits::new(&settings, (Some(Duration::from_secs(10)), None), START);
        assert!(waits.until(at(9), QUIET).is_ok());
        let moved = Standing { moved: 1, ..QUIET };
        assert!(waits.until(at(9), moved).is_ok());
        assert!(waits.until(at(18), moved).is_ok(), "it is counted anew");
        assert_eq!(waits.until(at(20), moved), Err(Due::Farewell));
        waits.bid_farewell(at(20));
        assert!(waits.until(at(20), moved).is_ok());
        assert_eq!(waits.until(at(22), moved), Err(Due::End));
        let life = Some(Duration::from_secs(10));
        let mut waits = Waits::new(&settings, (None, life), START);
        assert!(waits.until(at(9), QUIET).is_ok());
        let moved = Standing { moved: 9, ..QUIET };
        assert_eq!(waits.until(at(11), moved), Err(Due::Farewell));
    }

    /// what one side has ended ends soon, unless it goes on in the other direction.
    #[test]
    fn a_half_closed_tunnel_ends_when_nothing_moves() {
        let settings = Settings::default();
        let mut waits = Waits::new(&settings, (None, None), START);
        let half = |moved| Standing {
            moved,
            half_closed: true,
            ..QUIET
        };
        assert!(waits.until(at(10), half(1)).is_ok());
        assert!(waits.until(at(11), half(2)).is_ok());
        assert_eq!(waits.until(at(13), half(2)), Err(Due::End));
        let slow = Standing {
            client_to_take: Some(1),
            ..half(3)
        };
        assert!(waits.until(at(13), slow).is_ok());
        assert!(waits.until(at(20), slow).is_ok(), "the client has its time");
        assert!(waits.stands_still());
    }

    /// L-09: a client that takes nothing is cut.
    /// L-28: and so is an endpoint.
    #[test]
    fn whoever_takes_nothing_is_cut() {
        let settings = Settings::default();
        let mut waits = Waits::new(&settings, (None, None), START);
        let client = |took| Standing {
            client_to_take: Some(took),
            ..QUIET
        };
        assert!(waits.until(START, client(0)).is_ok());
        assert!(waits.until(at(29), client(1)).is_ok());
        assert!(waits.until(at(58), client(1)).is_ok());
        assert_eq!(waits.until(at(60), client(1)), Err(Due::ClientStalled));
        let endpoint = Standing {
            endpoint_to_take: Some(0),
            ..QUIET
        };
        assert!(waits.until(at(60), endpoint).is_ok());
        assert_eq!(waits.until(at(361), endpoint), Err(Due::EndpointStalled));
    }
}
