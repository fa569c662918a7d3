//! What many routes share is kept once.

mod pool_indexes;
mod shared;
mod states;

pub(crate) use pool_indexes::PoolIndexes;
pub(crate) use states::States;

use std::sync::Arc;

use shared::Shared;

use crate::{Attributes, Tags};

/// Texts, tags and attributes, each kept once while somebody uses it.
#[derive(Debug, Default)]
pub(crate) struct Interned {
    texts: Shared<str>,
    tag_names: Shared<[Box<str>]>,
    tags: Shared<Tags>,
    attributes: Shared<Attributes>,
}

impl Interned {
    /// The shared form of a text.
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.get(text, || Arc::from(text))
    }

    /// The shared form of tags, in any order.
    pub(crate) fn tags(&mut self, mut tags: Vec<(String, String)>) -> Arc<Tags> {
        tags.sort();
        tags.dedup_by(|later, first| later.0 == first.0);
        let names: Vec<Box<str>> = tags.iter().map(|(name, _)| name.as_str().into()).collect();
        let names = self.tag_names.get(&names, || Arc::from(names.as_slice()));
        let tags = Tags::new(names, &tags);
        match self.tags.find(&tags) {
            Some(known) => known,
            None => self.tags.keep(Arc::new(tags)),
        }
    }

    /// The shared form of attributes.
    pub(crate) fn attributes(&mut self, attributes: &Attributes) -> Arc<Attributes> {
        self.attributes
            .get(attributes, || Arc::new(attributes.clone()))
    }
}
