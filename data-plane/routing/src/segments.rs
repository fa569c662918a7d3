//! Which isolation segments this data plane was granted.

/// The isolation segments that the control plane grants, by its welcome. The shared one is the
/// empty name; names are compared as they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Segments {
    /// Every one.
    #[default]
    All,
    /// The shared one and these.
    SharedAnd(Vec<String>),
    /// These only.
    Only(Vec<String>),
}

impl Segments {
    /// Whether a segment is granted.
    #[must_use]
    pub fn sees(&self, segment: &str) -> bool {
        match self {
            Self::All => true,
            Self::SharedAnd(listed) => segment.is_empty() || lists(listed, segment),
            Self::Only(listed) => lists(listed, segment),
        }
    }
}

fn lists(listed: &[String], segment: &str) -> bool {
    listed.iter().any(|name| name == segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_segment_is_seen_where_it_is_granted() {
        let east = || vec!["east".to_owned()];
        let cases = [
            (Segments::All, [true, true, true]),
            (Segments::SharedAnd(east()), [true, true, false]),
            (Segments::Only(east()), [false, true, false]),
            (Segments::Only(vec![String::new()]), [true, false, false]),
        ];
        for (segments, expected) in cases {
            let seen = ["", "east", "West"].map(|name| segments.sees(name));
            assert_eq!(seen, expected, "{segments:?}");
        }
    }
}
