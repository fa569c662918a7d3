//! Which server is tried next, and after which wait.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::{ReconnectToServer, Server, ServerAddr};

/// The bound of the first wait (L-37).
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The order in which servers are tried: each once in random order, at once; then again after a wait that grows with
/// every round. Knows which one was tried last.
#[derive(Debug)]
pub(super) struct Servers {
    max_wait: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Rounds that ended without a connection.
    rounds: u32,
    /// Servers that were tried in this round.
    tried: Vec<ServerAddr>,
    last: Option<ServerAddr>,
}

impl Servers {
    pub(super) fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            state: Mutex::default(),
        }
    }

    /// The server to try now, out of those that are known. None are known only if none were configured.
    pub(super) fn next(&self, known: &[Server]) -> Option<ReconnectToServer> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (addr, delay) = state.next(known.iter().map(|server| &server.addr), self.max_wait)?;
        Some(ReconnectToServer {
            addr,
            delay: Some(delay),
        })
    }

    /// A connection was made: the next loss begins with a fresh round.
    pub(super) fn connected(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rounds = 0;
        state.tried.clear();
    }

    /// The server that was tried last, as `host:port`; without user information.
    pub(super) fn last(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let last = state.last.as_ref();
        last.map_or_else(String::new, |addr| {
            format!("{}:{}", addr.host(), addr.port())
        })
    }
}

impl State {
    fn next<'a>(
        &mut self,
        known: impl Iterator<Item = &'a ServerAddr>,
        max_wait: Duration,
    ) -> Option<(ServerAddr, Duration)> {
        let known: Vec<_> = known.collect();
        let untried: Vec<_> = known
            .iter()
            .filter(|addr| !self.tried.contains(addr))
            .collect();
        let mut delay = Duration::ZERO;
        let addr = match untried.get(fastrand::usize(..untried.len().max(1))) {
            Some(addr) => (**addr).clone(),
            None => {
                let first = known.get(fastrand::usize(..known.len().max(1)))?;
                let bound = FIRST_WAIT
                    .saturating_mul(1 << self.rounds.min(20))
                    .min(max_wait);
                // Full jitter: routers that lost the same server do not come back as a herd.
                delay = bound.mul_f64(fastrand::f64());
                self.rounds += 1;
                self.tried.clear();
                (*first).clone()
            }
        };
        self.tried.push(addr.clone());
        self.last = Some(addr.clone());
        Some((addr, delay))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn addresses(names: &[&str]) -> Vec<ServerAddr> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn every_server_is_tried_at_once_before_any_is_tried_again() {
        let known = addresses(&["a:1", "b:2", "c:3"]);
        let mut state = State::default();
        for _round in 0..5 {
            let tried: BTreeSet<_> = (0..3)
                .map(|_| state.next(known.iter(), Duration::ZERO).unwrap().0.port())
                .collect();
            assert_eq!(tried, BTreeSet::from([1, 2, 3]));
        }
    }

    /// L-37: waits have full jitter, from 100 ms up to their bound
    #[test]
    fn waits_grow_up_to_their_bound() {
        let known = addresses(&["a:1"]);
        let max = Duration::from_secs(3);
        let mut longest = [Duration::ZERO; 12];
        for _sample in 0..200 {
            let mut state = State::default();
            for longest in &mut longest {
                let (_, delay) = state.next(known.iter(), max).unwrap();
                *longest = delay.max(*longest);
            }
        }
        assert_eq!(longest[0], Duration::ZERO, "the first try comes at once");
        assert!((50..=100).contains(&longest[1].as_millis()), "{longest:?}");
        assert!((100..=200).contains(&longest[2].as_millis()), "{longest:?}");
        assert!(longest[11] <= max && longest[11] > max / 2, "{longest:?}");
    }

    #[test]
    fn a_connection_starts_afresh() {
        let servers = Servers::new(Duration::from_secs(30));
        assert_eq!(servers.last(), "");
        let mut state = State::default();
        let known = addresses(&["user:secret@a:1"]);
        for _try in 0..9 {
            state.next(known.iter(), Duration::from_secs(30));
        }
        *servers.state.lock().unwrap() = state;
        servers.connected();
        assert_eq!(servers.last(), "a:1", "credentials are not shown");
        let mut state = servers.state.lock().unwrap();
        let (_, delay) = state.next(known.iter(), Duration::from_secs(30)).unwrap();
        assert_eq!(delay, Duration::ZERO);
    }

    #[test]
    fn without_servers_there_is_nothing_to_try() {
        assert!(State::default().next([].iter(), Duration::ZERO).is_none());
    }
}
