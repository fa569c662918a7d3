//! What is switched, for those whom it concerns.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::effect::{Effect, ServiceName};
use super::standing::Override;
use crate::route_service::ServiceUrl;

/// What is to be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Serving {
    /// What is received, as ever.
    #[default]
    Received,
    /// What is served already.
    Frozen,
    /// A generation of the persisted table.
    Generation {
        /// Which one: 1 is the last that was written.
        number: u8,
        /// However long ago it was confirmed.
        at_any_age: bool,
    },
}

/// What an operator has switched at this data plane, for those whom it concerns; nothing by default.
#[derive(Debug, Default)]
pub struct Switches {
    serving: watch::Sender<Serving>,
    /// Looked at first: nearly always there is none.
    any_service: AtomicBool,
    services: ArcSwap<Vec<ServiceName>>,
    http2: AtomicBool,
    kinds: ArcSwap<Vec<&'static str>>,
}

impl Switches {
    /// What is to be served, and a wake-up for each change of that.
    pub(crate) fn serving(&self) -> watch::Receiver<Serving> {
        self.serving.subscribe()
    }

    /// What is to be served.
    pub(crate) fn wanted(&self) -> Serving {
        *self.serving.borrow()
    }

    /// Has something be served.
    #[cfg(test)]
    pub(crate) fn serve(&self, serving: Serving) {
        self.serving.send_replace(serving);
    }

    /// Whether no request may go to a route service.
    pub(crate) fn disables(&self, url: &ServiceUrl) -> bool {
        self.any_service.load(Ordering::Relaxed)
            && self.services.load().iter().any(|name| name.means(url))
    }

    /// Whether no HTTP/2 is spoken with clients.
    #[inline]
    pub(crate) fn disable_http2(&self) -> bool {
        self.http2.load(Ordering::Relaxed)
    }

    /// What stands, by kind.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let kinds = self.kinds.load();
        kinds.iter().map(ToString::to_string).collect()
    }

    /// Is as these want it.
    pub(super) fn follow(&self, standing: &[Override]) {
        let services = standing.iter().filter_map(|it| match &it.effect {
            Effect::DisableRouteService(name) => Some(name.clone()),
            _ => None,
        });
        let services: Vec<_> = services.collect();
        let any_service = !services.is_empty();
        self.services.store(Arc::new(services));
        self.any_service.store(any_service, Ordering::Relaxed);
        let no_http2 = standing.iter().any(|it| it.effect == Effect::DisableHttp2);
        self.http2.store(no_http2, Ordering::Relaxed);
        let mut kinds: Vec<_> = standing.iter().map(|it| it.effect.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        self.kinds.store(Arc::new(kinds));
        let serving = standing.iter().find_map(|it| match it.effect {
            Effect::FreezeTable => Some(Serving::Frozen),
            Effect::LastKnownGood(number) => Some(Serving::Generation {
                number,
                at_any_age: it.force,
            }),
            _ => None,
        });
        let serving = serving.unwrap_or_default();
        self.serving.send_if_modified(|wanted| {
            let changed = *wanted != serving;
            *wanted = serving;
            changed
        });
    }
}
