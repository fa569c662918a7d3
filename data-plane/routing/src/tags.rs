//! The tags of an endpoint.

use std::sync::Arc;

/// Tags as registered, ordered by name.
///
/// Instances of one app carry the same names, so the names are shared; the values stand in one
/// text. Equal tags of different endpoints are one allocation.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Tags {
    names: Arc<[Box<str>]>,
    /// The values one behind the other.
    values: Box<str>,
    /// Where each value ends.
    ends: Box<[u32]>,
}

impl Tags {
    /// Packs tags that are ordered by name. `names` holds the same names, shared.
    pub(crate) fn new(names: Arc<[Box<str>]>, tags: &[(String, String)]) -> Self {
        let mut values = String::with_capacity(tags.iter().map(|(_, value)| value.len()).sum());
        let ends = tags
            .iter()
            .map(|(_, value)| {
                values.push_str(value);
                u32::try_from(values.len()).unwrap_or(u32::MAX)
            })
            .collect();
        Self {
            names,
            values: values.into_boxed_str(),
            ends,
        }
    }

    /// Name and value of each tag.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.names.iter().zip(&self.ends).map(move |(name, end)| {
            let end = *end as usize;
            let value = self.values.get(start..end).unwrap_or_default();
            start = end;
            (&**name, value)
        })
    }

    /// The value of one tag.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(each, value)| (each == name).then_some(value))
    }
}
