//! The tags of an endpoint, before they are packed.

use std::borrow::Cow;

/// Tags in the order of their names, each name once: of equal ones the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Tags<'a> {
    /// No tags yet, and room for this many.
    #[must_use]
    pub fn with_capacity(tags: usize) -> Self {
        Self(Vec::with_capacity(tags))
    }

    /// Adds a tag, or replaces the value of the one that has its name.
    #[inline]
    pub fn put(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        // They mostly come in this order.
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            self.0.push((name, value));
        } else {
            self.put_among(name, value);
        }
    }

    fn put_among(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        match self.0.binary_search_by(|(other, _)| other.cmp(&name)) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Tags<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut tags = Self::default();
        for (name, value) in pairs {
            tags.put(name.into(), value.into());
        }
        tags
    }
}

impl<'a, const N: usize> From<[(&'a str, &'a str); N]> for Tags<'a> {
    fn from(pairs: [(&'a str, &'a str); N]) -> Self {
        Self::from_iter(pairs)
    }
}
