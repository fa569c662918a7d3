//! The bounds of the process that may be raised while it runs.

use std::fmt;
use std::sync::Arc;

use crate::descriptors;
use crate::settings::Limits;
use crate::worker::{Crowd, Mailbox, Places};

/// More requests in flight than this are no bound.
const MOST_REQUESTS: usize = 1_000_000;

/// A bound that may be raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Requests in flight in the process (L-22).
    RequestsInFlight,
    /// Client connections that are open in the process (L-21).
    Connections,
}

impl Limit {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::RequestsInFlight, Self::Connections];

    /// Its name for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::RequestsInFlight => "requests-in-flight",
            Self::Connections => "connections",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where the bounds are.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    places: Arc<Places>,
    crowd: Arc<Crowd>,
    /// What they are where nobody has raised them.
    usual: (usize, usize),
}

impl Bounds {
    /// The bounds of a process with so many workers, and where each of them finds connections that are handed to it.
    pub(crate) fn open(limits: &Limits, workers: usize) -> (Self, Vec<Mailbox>) {
        let usual = (limits.in_flight, descriptors::connections(limits));
        let (crowd, mailboxes) = Crowd::new(usual.1, workers);
        let bounds = Self {
            places: Arc::new(Places::new(usual.0, workers, limits.route_percent)),
            crowd,
            usual,
        };
        (bounds, mailboxes)
    }

    /// Places for requests in flight.
    pub(crate) const fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// The client connections.
    pub(crate) const fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    /// What it is where nobody has raised it.
    pub(crate) const fn usual(&self, limit: Limit) -> usize {
        match limit {
            Limit::RequestsInFlight => self.usual.0,
            Limit::Connections => self.usual.1,
        }
    }

    /// What it is now.
    pub(crate) fn now(&self, limit: Limit) -> usize {
        match limit {
            Limit::RequestsInFlight => self.places.all(),
            Limit::Connections => self.crowd.most(),
        }
    }

    /// What it can be raised to.
    pub(crate) fn most(&self, limit: Limit) -> usize {
        match limit {
            Limit::RequestsInFlight => MOST_REQUESTS,
            Limit::Connections => descriptors::most_connections(),
        }
    }

    /// Has it be this, or what it usually is where nothing is said.
    pub(super) fn set(&self, limit: Limit, to: Option<usize>) {
        let to = to.unwrap_or_else(|| self.usual(limit));
        match limit {
            _ if to == self.now(limit) => {}
            Limit::RequestsInFlight => self.places.resize(to),
            Limit::Connections => self.crowd.allow(to),
        }
    }
}
