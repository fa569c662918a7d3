//! What a registration tells about the instance behind an endpoint.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pointsman_words::Words;

use crate::{EndpointThing, Tags};

/// The instance behind an endpoint, as people know it. All routes of the instance share one.
///
/// A table holds as many as there are endpoints, so it is small: what many instances have in
/// common stands in their [`Family`], and the rest in one text.
#[derive(Debug)]
pub(crate) struct Instance {
    family: Arc<Family>,
    /// The app, the instance and its index, and then the values of the tags that are its own.
    own: Words,
}

/// The places of what is not a tag.
const APP_ID: usize = 0;
const INSTANCE_ID: usize = 1;
const INSTANCE_INDEX: usize = 2;
const FIRST_TAG: usize = 3;

/// What many instances have in common. All its texts are kept once, so that two families are equal
/// where they refer to the same ones.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) segment: Arc<str>,
    pub(crate) availability_zone: Arc<str>,
    /// The names of the tags, ordered; `None` where no tags were registered, not even an empty map.
    pub(crate) tag_names: Option<Arc<[Box<str>]>>,
    /// The value of each tag that is common; `None` for those that each instance has of its own.
    pub(crate) tag_values: Box<[Option<Arc<str>>]>,
}

impl Family {
    /// Where its texts stand.
    fn places(&self) -> impl Iterator<Item = usize> {
        let names = self.tag_names.as_ref();
        [
            Arc::as_ptr(&self.segment).addr(),
            Arc::as_ptr(&self.availability_zone).addr(),
            names.map_or(0, |names| Arc::as_ptr(names).addr()),
        ]
        .into_iter()
        .chain(
            self.tag_values
                .iter()
                .map(|value| value.as_ref().map_or(0, |value| Arc::as_ptr(value).addr())),
        )
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.places().eq(other.places())
    }
}

impl Eq for Family {}

impl Hash for Family {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.places().for_each(|place| state.write_usize(place));
    }
}

/// Of one family are those that refer to the same one.
impl PartialEq for Instance {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.family, &other.family) && self.own == other.own
    }
}

impl Eq for Instance {}

impl Hash for Instance {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(Arc::as_ptr(&self.family).addr());
        self.own.hash(state);
    }
}

impl Instance {
    /// The instance that `thing` tells of. `tags` are its tags in the order of the family's names.
    pub(crate) fn new(
        family: Arc<Family>,
        thing: &EndpointThing,
        tags: &[(String, String)],
    ) -> Self {
        let mut own: Vec<&str> = vec![&thing.app_id, &thing.instance_id, &thing.instance_index];
        let common = family.tag_values.iter();
        own.extend(
            tags.iter()
                .zip(common)
                .filter(|(_, common)| common.is_none())
                .map(|((_, value), _)| value.as_str()),
        );
        Self {
            own: Words::new(&own),
            family,
        }
    }

    pub(crate) fn app_id(&self) -> &str {
        self.own.nth(APP_ID)
    }

    pub(crate) fn instance_id(&self) -> &str {
        self.own.nth(INSTANCE_ID)
    }

    pub(crate) fn instance_index(&self) -> &str {
        self.own.nth(INSTANCE_INDEX)
    }

    /// The app, the instance and its index.
    #[inline]
    pub(crate) fn names(&self) -> [&str; FIRST_TAG] {
        self.own.leading()
    }

    pub(crate) fn availability_zone(&self) -> &str {
        &self.family.availability_zone
    }

    pub(crate) fn segment(&self) -> &str {
        &self.family.segment
    }

    pub(crate) fn tags(&self) -> Option<Tags<'_>> {
        let names = self.family.tag_names.as_deref()?;
        Some(Tags::new(self, names))
    }

    /// The values of all tags, in the order of their names.
    pub(crate) fn tag_values(&self) -> impl Iterator<Item = &str> {
        let mut own = self.own.from(FIRST_TAG);
        self.family
            .tag_values
            .iter()
            .map(move |common| match common {
                Some(value) => value,
                None => own.next().unwrap_or_default(),
            })
    }
}
