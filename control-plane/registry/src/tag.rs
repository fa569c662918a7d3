//! Modification tags: which of two announcements of one endpoint is the newer one.

use std::sync::Arc;

/// The tag of the routing API: the identity of a route object, and a count of its changes. Endpoints from NATS carry
/// the empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModificationTag {
    /// The identity; empty for no tag.
    pub guid: Arc<str>,
    /// The count.
    pub index: u32,
}

impl Default for ModificationTag {
    fn default() -> Self {
        Self {
            guid: Arc::from(""),
            index: 0,
        }
    }
}

impl ModificationTag {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.guid.is_empty() && self.index == 0
    }

    /// Whether `newer` may replace what carries `self`: without a tag on either side, another identity, or a
    /// greater count.
    #[must_use]
    pub fn succeeded_by(&self, newer: &Self) -> bool {
        self.guid.is_empty()
            || newer.guid.is_empty()
            || self.guid != newer.guid
            || self.index < newer.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_says_anything_is_not_empty() {
        let tag = |guid: &str, index| ModificationTag {
            guid: guid.into(),
            index,
        };
        assert!(ModificationTag::default().is_empty());
        for tag in [tag("abc", 0), tag("", 1), tag("abc", 1)] {
            assert!(!tag.is_empty(), "{tag:?}");
        }
    }

    #[test]
    fn succession_follows_the_table_of_the_reference() {
        let tag = |text: &str, index| ModificationTag {
            guid: text.into(),
            index,
        };
        for (old, new, allowed) in [
            (tag("", 0), tag("", 0), true),
            (tag("", 0), tag("abc", 0), true),
            (tag("abc", 0), tag("abc", 1), true),
            (tag("abc", 1), tag("abc", 1), false),
            (tag("abc", 1), tag("abc", 0), false),
            (tag("abc", 1), tag("def", 0), true),
            (tag("abc", 1), tag("", 0), true),
        ] {
            assert_eq!(old.succeeded_by(&new), allowed, "{old:?} {new:?}");
        }
    }
}
