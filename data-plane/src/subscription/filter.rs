//! The segments that are asked for, in the one form that equal filters share.

use pointsman_proto::v1;
use pointsman_route_key::digest::Digest;

/// The digest of a filter, by which a table on disk says for which segments it was filled: the same
/// for every spelling of the same segments.
#[must_use]
pub fn digest(filter: &v1::SegmentFilter) -> u64 {
    let mut named: Vec<&str> = filter.segments.iter().map(String::as_str).collect();
    named.sort_unstable();
    named.dedup();
    let (mode, named) = match filter.mode() {
        v1::SegmentMode::Unspecified | v1::SegmentMode::All => (1, Vec::new()),
        v1::SegmentMode::Segments if !named.contains(&"") => (3, named),
        v1::SegmentMode::SharedAndSegments | v1::SegmentMode::Segments => {
            named.retain(|name| !name.is_empty());
            (2, named)
        }
    };
    let digest = Digest::new().number(mode).number(named.len() as u64);
    named
        .iter()
        .fold(digest, |digest, name| digest.field(name.as_bytes()))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_filters_have_one_digest() {
        let of = |mode: v1::SegmentMode, segments: &[&str]| {
            digest(&v1::SegmentFilter {
                mode: mode.into(),
                segments: segments.iter().map(|&name| name.to_owned()).collect(),
            })
        };
        use v1::SegmentMode::{All, Segments, SharedAndSegments};
        assert_eq!(of(All, &["a"]), of(All, &[]));
        assert_eq!(of(Segments, &["b", "a", "b"]), of(Segments, &["a", "b"]));
        assert_eq!(of(Segments, &["", "a"]), of(SharedAndSegments, &["a"]));
        let different = [
            of(All, &[]),
            of(Segments, &["a"]),
            of(Segments, &["a", "b"]),
            of(SharedAndSegments, &["a"]),
        ];
        let unique: std::collections::BTreeSet<u64> = different.into_iter().collect();
        assert_eq!(unique.len(), different.len());
    }
}
