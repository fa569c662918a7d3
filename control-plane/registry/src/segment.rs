//! Isolation segments, and which of them somebody sees.

use pointsman_route_key::digest::Digest;

/// Which isolation segments somebody sees: Gorouter's `routing_table_sharding_mode` with its list. The shared segment
/// is the empty name. Names are compared as they stand, case included (C-174).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SegmentFilter {
    /// Every segment.
    All,
    /// The shared one and the listed ones.
    SharedAnd(Vec<Box<str>>),
    /// The listed ones only, where the shared one has to be listed too.
    Only(Vec<Box<str>>),
}

impl SegmentFilter {
    /// Whether `segment` is seen.
    #[must_use]
    pub fn sees(&self, segment: &str) -> bool {
        match self {
            Self::All => true,
            Self::SharedAnd(listed) => segment.is_empty() || lists(listed, segment),
            Self::Only(listed) => lists(listed, segment),
        }
    }

    /// The same filter in the one form that equal filters share: sorted, each name once, the shared segment never
    /// listed where it is seen anyway, and `Only` with the shared one told as `SharedAnd`.
    #[must_use]
    pub fn canonical(&self) -> Self {
        match self {
            Self::All => Self::All,
            Self::SharedAnd(listed) => Self::SharedAnd(named(listed)),
            Self::Only(listed) if lists(listed, "") => Self::SharedAnd(named(listed)),
            Self::Only(listed) => Self::Only(named(listed)),
        }
    }

    /// The digest of the canonical form, by which a peer says under which filter it filled its table.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let (mode, listed) = match self.canonical() {
            Self::All => (1, Vec::new()),
            Self::SharedAnd(listed) => (2, listed),
            Self::Only(listed) => (3, listed),
        };
        let digest = Digest::new().number(mode).number(listed.len() as u64);
        listed
            .iter()
            .fold(digest, |digest, name| digest.field(name.as_bytes()))
            .finish()
    }
}

fn lists(listed: &[Box<str>], segment: &str) -> bool {
    listed.iter().any(|name| **name == *segment)
}

fn named(listed: &[Box<str>]) -> Vec<Box<str>> {
    let mut names: Vec<_> = listed
        .iter()
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    /// C-174: a segment in other case is another segment
    #[test]
    fn modes_decide_what_is_seen() {
        let all = SegmentFilter::All;
        let shared = SegmentFilter::SharedAnd(names(&["foo", "bar"]));
        let only = SegmentFilter::Only(names(&["foo", "bar"]));
        for (segment, in_all, in_shared, in_only) in [
            ("", true, true, false),
            ("foo", true, true, true),
            ("FOO", true, false, false),
            ("baz", true, false, false),
        ] {
            assert_eq!(all.sees(segment), in_all, "{segment}");
            assert_eq!(shared.sees(segment), in_shared, "{segment}");
            assert_eq!(only.sees(segment), in_only, "{segment}");
        }
        assert!(SegmentFilter::Only(names(&["", "foo"])).sees(""));
    }

    #[test]
    fn equal_filters_have_equal_digests() {
        let digest = |filter: SegmentFilter| filter.digest();
        let shared = SegmentFilter::SharedAnd(names(&["b", "a"]));
        assert_eq!(
            shared.digest(),
            digest(SegmentFilter::SharedAnd(names(&["a", "b", "a", ""])))
        );
        assert_eq!(
            shared.digest(),
            digest(SegmentFilter::Only(names(&["", "b", "a"])))
        );
        assert_ne!(
            shared.digest(),
            digest(SegmentFilter::Only(names(&["b", "a"])))
        );
        assert_ne!(
            shared.digest(),
            digest(SegmentFilter::SharedAnd(names(&["ba"])))
        );
        assert_ne!(
            digest(SegmentFilter::All),
            digest(SegmentFilter::SharedAnd(names(&[])))
        );
    }
}
