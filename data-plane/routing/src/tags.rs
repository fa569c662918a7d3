//! The tags of an endpoint.

use crate::instance::Instance;

/// Tags as registered, ordered by name.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a> {
    instance: &'a Instance,
    names: &'a [Box<str>],
}

impl<'a> Tags<'a> {
    pub(crate) const fn new(instance: &'a Instance, names: &'a [Box<str>]) -> Self {
        Self { instance, names }
    }

    /// Name and value of each tag.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.names
            .iter()
            .map(|name| &**name)
            .zip(self.instance.tag_values())
    }

    /// The value of one tag.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter()
            .find_map(|(each, value)| (each == name).then_some(value))
    }
}
