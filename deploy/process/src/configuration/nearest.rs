//! The known name that a misspelt one was probably meant to be.

/// The candidate that is nearest to `given`, if any is near enough to be worth proposing: at most a third of its
/// letters wrong, missing, too many or swapped. Letter case and `-` for `_` do not count.
#[must_use]
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = |name: &str| name.to_lowercase().replace('-', "_");
    let given = folded(given);
    let distance = |candidate: &str| strsim::osa_distance(&given, &folded(candidate));
    let near = |candidate: &str, distance: usize| {
        distance <= (candidate.chars().count().max(given.chars().count()) / 3).max(1)
    };
    let candidates = candidates
        .into_iter()
        .map(|candidate| (candidate, distance(candidate)));
    let near = candidates.filter(|&(candidate, distance)| near(candidate, distance));
    near.min_by_key(|&(_, distance)| distance)
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
        let known = ["drain_wait", "drain_timeout", "port", "ssl_port"];
        let cases = [
            ("drain_wiat", Some("drain_wait")),
            ("drain-wait", Some("drain_wait")),
            ("Port", Some("port")),
            ("drain_timeuot", Some("drain_timeout")),
            ("colour", None),
            ("", None),
        ];
        for (given, expected) in cases {
            assert_eq!(nearest(given, known), expected, "{given}");
        }
    }
}
