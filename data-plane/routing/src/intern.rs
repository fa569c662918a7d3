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

use crate::instance::{Family, Instance};
use crate::{Attributes, EndpointThing};

/// Texts, instances and attributes, each kept once while somebody uses it.
#[derive(Debug, Default)]
pub(crate) struct Interned {
    texts: Shared<str>,
    tag_names: Shared<[Box<str>]>,
    common: Common,
    families: Shared<Family>,
    instances: Shared<Instance>,
    attributes: Shared<Attributes>,
}

impl Interned {
    /// The shared form of a text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.get(text, || Arc::from(text))
    }

    /// The shared form of the instance behind an endpoint.
    pub(crate) fn instance(&mut self, thing: &EndpointThing) -> Arc<Instance> {
        let mut tags = thing.tags.clone();
        if let Some(tags) = &mut tags {
            tags.sort();
            tags.dedup_by(|later, first| later.0 == first.0);
        }
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
            tag_names: tags.map(|tags| {
                let names: Vec<Box<str>> =
                    tags.iter().map(|(name, _)| name.as_str().into()).collect();
                self.tag_names.get(&names, || Arc::from(names.as_slice()))
            }),
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

    /// The shared form of attributes.
    pub(crate) fn attributes(&mut self, attributes: &Attributes) -> Arc<Attributes> {
        self.attributes
            .get(attributes, || Arc::new(attributes.clone()))
    }
}
