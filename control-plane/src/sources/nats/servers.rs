//! Which server is tried next, and after which wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{ReconnectToServer, Server, ServerAddr};

/// The bound of the first wait (L-37).
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The order in which servers are tried: each once in random order, at once; then again after a wait that grows with
/// every round. Knows which one was tried last, and why it could not be used.
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
    failure: Failure,
}

/// Why no connection was made, as the library says it in two places: of every attempt the kind, and of most of them the
/// whole reason, which begins with the kind.
#[derive(Debug, Default)]
struct Failure {
    kind: String,
    reason: String,
}

impl Servers {
    pub(super) fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server to try now, out of those that are known. None are known only if none were configured.
    pub(super) fn next(&self, known: &[Server]) -> Option<ReconnectToServer> {
        let mut state = self.state();
        let mut known_ones = known.iter();
        let last = known_ones.find(|server| Some(&server.addr) == state.last.as_ref());
        if let Some(reason) = last.and_then(|server| server.last_error.as_ref()) {
            state.failure.reason.clone_from(reason);
        }
        let (addr, delay) = state.next(known.iter().map(|server| &server.addr), self.max_wait)?;
        Some(ReconnectToServer {
            addr,
            delay: Some(delay),
        })
    }

    /// A connection was made: the next loss begins with a fresh round.
    pub(super) fn connected(&self) {
        let mut state = self.state();
        state.rounds = 0;
        state.tried.clear();
        state.failure = Failure::default();
    }

    /// An attempt failed, with an error of this kind.
    pub(super) fn failed(&self, kind: &str) {
        kind.clone_into(&mut self.state().failure.kind);
    }

    /// Why the last attempt failed, as far as that is known.
    pub(super) fn failure(&self) -> Option<String> {
        let state = self.state();
        let Failure { kind, reason } = &state.failure;
        let said = if reason.starts_with(&**kind) {
            reason
        } else {
            kind
        };
        (!said.is_empty()).then(|| said.clone())
    }

    /// The server that was tried last, as `host:port`; without user information.
    pub(super) fn last(&self) -> String {
        let state = self.state();
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
    fn the_last_failure_is_told_until_there_is_a_connection() {
        let servers = Servers::new(Duration::ZERO);
        let mut server = Server {
            addr: "a:1".parse().unwrap(),
            failed_attempts: 0,
            did_connect: true,
            is_discovered: false,
            last_error: None,
        };
        servers.next(std::slice::from_ref(&server));
        assert_eq!(servers.failure(), None);
        servers.failed("TLS error");
        assert_eq!(servers.failure().as_deref(), Some("TLS error"));
        let reason = "TLS error: invalid peer certificate: Expired";
        server.last_error = Some(reason.to_owned());
        servers.next(std::slice::from_ref(&server));
        assert_eq!(servers.failure().as_deref(), Some(reason));
        servers.failed("DNS error");
        servers.next(std::slice::from_ref(&server));
        assert_eq!(
            servers.failure().as_deref(),
            Some("DNS error"),
            "the library keeps an older reason"
        );
        servers.connected();
        assert_eq!(servers.failure(), None);
    }

    #[test]
    fn without_servers_there_is_nothing_to_try() {
        assert!(State::default().next([].iter(), Duration::ZERO).is_none());
    }
}
