//! What many routes share is kept once.

mod common;
mod pool_indexes;
mod shared;
mod states;

pub(crate) use pool_indexes::PoolIndexes;
pub(crate) use states::States;

use std::sync::Arc;

use shared::Shared;

use common::Common;

use crate::EndpointThing;
use crate::instance::{Family, Instance};
use crate::route::{Content, Said};

/// Texts, instances and what is said about routes, each kept once while somebody uses it.
#[derive(Debug)]
pub(crate) struct Interned {
    texts: Shared<str>,
    tag_names: Shared<[Box<str>]>,
    /// The names that came last: nearly always they come again.
    last_names: Option<Arc<[Box<str>]>>,
    common: Common,
    families: Shared<Family>,
    instances: Shared<Instance>,
    said: Shared<Said>,
}

impl Interned {
    /// Nothing is kept yet. `seed` keys the hashes: draw it at random.
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self {
            texts: Shared::with_seed(seed),
            tag_names: Shared::with_seed(seed),
            last_names: None,
            common: Common::with_seed(seed),
            families: Shared::with_seed(seed),
            instances: Shared::with_seed(seed),
            said: Shared::with_seed(seed),
        }
    }

    /// The shared form of a text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.get(text, || Arc::from(text))
    }

    /// The shared form of the instance behind an endpoint, whose tags it takes.
    pub(crate) fn instance(&mut self, thing: &mut EndpointThing) -> Arc<Instance> {
        let tags = thing.tags.take().map(|mut tags| {
            tags.sort();
            tags.dedup_by(|later, first| later.0 == first.0);
            tags
        });
        let family = self.family(thing, tags.as_deref());
        let instance = Instance::new(family, thing, tags.as_deref().unwrap_or_default());
        match self.instances.find(&instance) {
            Some(known) => known,
            None => self.instances.keep(Arc::new(instance)),
        }
    }

    fn family(&mut self, thing: &EndpointThing, tags: Option<&[(String, String)]>) -> Arc<Family> {
        let family = Family {
            segment: self.text(&thing.segment),
            availability_zone: self.text(&thing.availability_zone),
            tag_names: tags.map(|tags| self.names(tags)),
            tag_values: tags
                .unwrap_or_default()
                .iter()
                .map(|(_, value)| self.common.see(value))
                .collect(),
        };
        match self.families.find(&family) {
            Some(known) => known,
            None => self.families.keep(Arc::new(family)),
        }
    }

    fn names(&mut self, tags: &[(String, String)]) -> Arc<[Box<str>]> {
        let names = || tags.iter().map(|(name, _)| name.as_str());
        if let Some(last) = &self.last_names
            && last.iter().map(|name| &**name).eq(names())
        {
            return Arc::clone(last);
        }
        let names: Vec<Box<str>> = names().map(Box::from).collect();
        let names = self.tag_names.get(&names, || Arc::from(names.as_slice()));
        self.last_names = Some(Arc::clone(&names));
        names
    }

    /// Lets go of what nobody uses any more, after so many states were let go, each of which may have
    /// been the last to refer to an instance.
    pub(crate) fn tidy(&mut self, states_gone: usize) {
        // Instances refer to families, and these to texts.
        self.instances.lost(states_gone);
        self.instances.tidy();
        self.families.tidy();
        self.common.tidy();
        self.tag_names.tidy();
        self.said.tidy();
        self.texts.tidy();
    }

    /// The shared form of what a segment says about a route; `None`: what it says was rejected.
    pub(crate) fn said(&mut self, segment: &str, content: Option<Content>) -> Arc<Said> {
        let segment = self.text(segment);
        let said = Said { segment, content };
        match self.said.find(&said) {
            Some(known) => known,
            None => self.said.keep(Arc::new(said)),
        }
    }
}
