//! What a request asks for beyond any endpoint of its route.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Among, Context, Hashed, How, Selection, Unavailable, limit, unavailable};
use crate::outlier::Gate;
use crate::{Endpoint, Lease, Route};

/// What a request says about the endpoint that it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The instances that may serve it; the rest of the pool does not count.
    pub only: Option<Selector>,
    /// The endpoint of its session.
    pub session: Option<Session>,
    /// Its key, where its route leads by keys ([`HashedBy::key`](crate::HashedBy::key)).
    pub key: Option<u64>,
}

/// The endpoint that a session sticks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The id of its instance, or its address as registered. Never empty.
    pub endpoint: Box<str>,
    /// Whether nobody else will do. Otherwise it has the first attempt, and the rest of the pool
    /// what is left.
    pub must: bool,
}

/// Some instances of an app or of one of its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// One instance of an app (`X-CF-App-Instance`).
    Instance {
        /// The app.
        app: Box<str>,
        /// The index of the instance.
        index: Box<str>,
    },
    /// The instances of a process (`X-CF-Process-Instance`).
    Process {
        /// The process.
        process: Box<str>,
        /// The index of the instance; absent for any.
        index: Option<Box<str>>,
    },
}

impl Selector {
    /// Whether the endpoint is one of those.
    #[must_use]
    pub fn admits(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::Instance { app, index } => {
                endpoint.app_id() == &**app && endpoint.instance_index() == &**index
            }
            Self::Process { process, index } => {
                let tag = endpoint.tags().and_then(|tags| tags.get("process_id"));
                let index = index.as_deref();
                tag == Some(&**process)
                    && index.is_none_or(|index| endpoint.instance_index() == index)
            }
        }
    }
}

impl Session {
    fn names(&self, endpoint: &Endpoint) -> bool {
        endpoint.instance_id() == &*self.endpoint || endpoint.address().as_str() == &*self.endpoint
    }

    /// The endpoint of the session, if it is there and has room. A mark does not count: a failure
    /// of one request is not worth a session. An endpoint that is out as an outlier is as good as
    /// gone, unless there is no other for this request.
    fn reserve(&self, endpoints: &[Arc<Endpoint>], context: &Context<'_>) -> Option<Lease> {
        let is_out = |endpoint: &Endpoint| {
            let conduct = endpoint.state().known_conduct();
            conduct.is_some_and(|conduct| conduct.gate(context.now) == Gate::Out)
        };
        endpoints
            .iter()
            .filter(|endpoint| self.names(endpoint))
            .filter(|endpoint| !endpoint.is_set_aside(context.now, context.settings))
            .filter(|endpoint| self.must || !is_out(endpoint))
            .find_map(|endpoint| Lease::reserve(endpoint, limit(endpoint, context)))
    }
}

/// Requests that ask for something.
impl Selection {
    /// For a request that may ask for something, and has not tried anything.
    #[must_use]
    pub fn asking(asked: Option<Box<Asked>>) -> Self {
        Self {
            asked,
            ..Self::new()
        }
    }

    /// What the request asks for.
    #[must_use]
    pub fn asked(&self) -> Option<&Asked> {
        self.asked.as_deref()
    }

    /// Whether the request itself named the endpoint that was chosen last: then another one is no
    /// match for it, however fast.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.bound
    }

    /// Whether the request is for some instances of the route only. What becomes of it is not held
    /// against them where others are asked for (D-192 to D-228).
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.asked().is_some_and(|asked| asked.only.is_some())
    }

    /// How many endpoints of the route may serve the request.
    #[must_use]
    pub fn candidates(&self, route: &Route) -> usize {
        let endpoints = route.endpoints();
        match self.asked().and_then(|asked| asked.only.as_ref()) {
            None => endpoints.len(),
            Some(only) => endpoints.iter().filter(|each| only.admits(each)).count(),
        }
    }

    /// Chooses what was asked for, as far as it is there.
    #[cold]
    pub(super) fn next_asked(
        &mut self,
        asked: &Asked,
        route: &Route,
        among: Among<'_>,
        context: &mut Context<'_>,
    ) -> Result<Lease, Unavailable> {
        let part: SmallVec<[Arc<Endpoint>; 4]>;
        let mut among = match &asked.only {
            None => among,
            Some(only) => {
                let wanted = among.endpoints.iter().filter(|each| only.admits(each));
                part = wanted.cloned().collect();
                Among {
                    endpoints: &part,
                    pool: None,
                    ..among
                }
            }
        };
        self.bound = asked.only.is_some();
        if let Some(session) = &asked.session
            && (session.must || self.tried.is_empty())
        {
            if let Some(lease) = session.reserve(among.endpoints, context) {
                self.bound = true;
                self.last = Some(lease.endpoint().state().index());
                return Ok(lease);
            }
            if session.must {
                return Err(missing(among.endpoints, context));
            }
        }
        if among.pool.is_some()
            && let Some(key) = asked.key
            && let Some((slots, by)) = route.slots()
        {
            among.how = How::Hashed(Hashed { key, slots, by });
        }
        self.next_among(among, context)
    }
}

/// Why a request did not get the only endpoint that would do.
fn missing(endpoints: &[Arc<Endpoint>], context: &Context<'_>) -> Unavailable {
    let has_room = |endpoint: &Endpoint| {
        let limit = limit(endpoint, context);
        let aside = endpoint.is_set_aside(context.now, context.settings);
        !aside && (limit == 0 || endpoint.state().in_flight() < limit)
    };
    if endpoints.iter().any(|endpoint| has_room(endpoint)) {
        Unavailable::Missing
    } else {
        unavailable(endpoints, context)
    }
}
