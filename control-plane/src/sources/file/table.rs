//! What all files say together, and what of that is new to the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pointsman_process::configuration::{Place, Problem};
use pointsman_registry::{Absence, Declaration, Description, ModificationTag, Registration};

use super::declared::{Declared, Name};
use crate::registry_task::Event;

/// The last good content of each file, and what the registry was told.
#[derive(Debug, Default)]
pub(super) struct Table {
    files: BTreeMap<PathBuf, Vec<(Arc<Declared>, Place)>>,
    told: BTreeMap<Name, Arc<Declared>>,
}

/// What is to be told now.
#[derive(Default)]
pub(super) struct News {
    /// To the registry, in this order.
    pub(super) events: Vec<Event>,
    /// To people: routes of a file that another one has already.
    pub(super) conflicts: BTreeSet<Problem>,
    /// How many routes are known to the registry, and are another now, or gone.
    pub(super) changed: usize,
}

impl Table {
    /// A file says this from now on.
    pub(super) fn put(&mut self, file: PathBuf, routes: Vec<(Declared, Place)>) {
        let routes = routes.into_iter();
        let shared = routes.map(|(route, place)| (Arc::new(route), place));
        self.files.insert(file, shared.collect());
    }

    /// A file says nothing any more.
    pub(super) fn remove(&mut self, file: &Path) {
        self.files.remove(file);
    }

    /// Whether a file has been good once.
    pub(super) fn has(&self, file: &Path) -> bool {
        self.files.contains_key(file)
    }

    /// Whether any file has.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many routes there are.
    pub(super) fn routes(&self) -> usize {
        self.told.len()
    }

    /// Works out what the registry does not know yet, which from then on it does. What is there comes before what is
    /// gone. Of a route that several files have, the first file in the order of their names counts, whichever came first:
    /// every control plane with the same files comes to the same routes.
    pub(super) fn news(&mut self) -> News {
        let mut news = News::default();
        let wanted = self.wanted(&mut news.conflicts);
        let before = std::mem::take(&mut self.told);
        for (name, route) in &wanted {
            let known = before.get(name).map(|known| &**known);
            if known != Some(&**route) {
                news.changed += usize::from(known.is_some());
                appear(route, known, &mut news.events);
            }
        }
        for (name, known) in &before {
            match wanted.get(name) {
                Some(route) => lapse(known, Some(route), &mut news.events),
                None => {
                    news.changed += 1;
                    lapse(known, None, &mut news.events);
                    news.events.push(Event::Withdraw(declaration(known)));
                }
            }
        }
        self.told = wanted;
        news
    }

    fn wanted(&self, conflicts: &mut BTreeSet<Problem>) -> BTreeMap<Name, Arc<Declared>> {
        let mut wanted = BTreeMap::<Name, (Arc<Declared>, &Place)>::new();
        for (route, place) in self.files.values().flatten() {
            let first = wanted
                .entry(route.name())
                .or_insert_with(|| (Arc::clone(route), place));
            if first.1 != place {
                conflicts.insert(Problem {
                    place: Some(place.clone()),
                    key: String::new(),
                    what: format!("{} stands in another file already", route.uri.as_sent()),
                    hint: Some(format!("{} counts; leave one of them out", first.1)),
                });
            }
        }
        wanted
            .into_iter()
            .map(|(name, (route, _))| (name, route))
            .collect()
    }
}

/// What is there, or is another than it was.
fn appear(route: &Declared, known: Option<&Declared>, events: &mut Vec<Event>) {
    if known.is_none_or(|known| known.options != route.options) {
        events.push(Event::Declare(declaration(route)));
    }
    for (address, description) in &route.endpoints {
        let before = known.and_then(|known| known.endpoints.get(address));
        if before != Some(description) {
            events.push(Event::Register(registration(route, address, description)));
        }
    }
}

/// What is no longer there. That a route which is still said lacks an endpoint was written by somebody; that nothing is
/// said of it at all may be a mistake.
fn lapse(known: &Declared, now: Option<&Arc<Declared>>, events: &mut Vec<Event>) {
    let absence = match now {
        Some(_) => Absence::Explicit,
        None => Absence::Inferred,
    };
    for (address, description) in &known.endpoints {
        if now.is_none_or(|now| !now.endpoints.contains_key(address)) {
            let registration = registration(known, address, description);
            events.push(Event::Lapse(registration, absence));
        }
    }
}

fn declaration(route: &Declared) -> Declaration {
    Declaration {
        uri: route.uri.clone(),
        segment: Arc::clone(&route.segment),
        options: Arc::clone(&route.options),
    }
}

fn registration(
    route: &Declared,
    address: &Arc<str>,
    description: &Arc<Description>,
) -> Registration {
    Registration {
        uris: vec![route.uri.clone()],
        address: Arc::clone(address),
        segment: Arc::clone(&route.segment),
        description: Arc::clone(description),
        stale_threshold_seconds: 0,
        tag: ModificationTag::default(),
        fingerprint: None,
    }
}

#[cfg(test)]
mod tests;
