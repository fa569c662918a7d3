//! Which subjects certificates below an authority may have (D-020 to D-032).

use pointsman_process::tls::Subject;

use crate::settings::SubjectRule;

/// Whether a certificate of `subject` may pass, given the authorities above it: every rule for one of them has to name
/// the subject, to the letter.
pub(super) fn may_pass(rules: &[SubjectRule], above: &[Subject], subject: &Subject) -> bool {
    rules
        .iter()
        .filter(|rule| above.contains(&rule.issuer))
        .all(|rule| rule.subjects.contains(subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(common_name: &str, organization: &[&str], units: &[&str]) -> Subject {
        let own = |list: &[&str]| list.iter().map(|each| (*each).to_owned()).collect();
        Subject {
            common_name: common_name.to_owned(),
            organization: own(organization),
            organizational_unit: own(units),
            ..Subject::default()
        }
    }

    /// D-025: a subject that a rule of its authority names passes.
    /// D-026: another does not.
    /// D-027: nor does one with a part more or less, or in another order.
    /// D-028: below another authority every subject passes.
    #[test]
    fn a_subject_is_named_to_the_letter_or_does_not_pass() {
        let (ca, other) = (subject("ca", &["o"], &[]), subject("other", &[], &[]));
        let rules = [
            SubjectRule {
                issuer: ca.clone(),
                subjects: vec![
                    subject("one", &["o"], &["a", "b"]),
                    subject("two", &[], &[]),
                ],
            },
            SubjectRule {
                issuer: subject("unused", &[], &[]),
                subjects: Vec::new(),
            },
        ];
        for (above, who, expected) in [
            (&ca, subject("one", &["o"], &["a", "b"]), true),
            (&ca, subject("two", &[], &[]), true),
            (&ca, subject("three", &[], &[]), false),
            (&ca, subject("one", &["o"], &["a"]), false),
            (&ca, subject("one", &["o"], &["b", "a"]), false),
            (&ca, subject("one", &["o"], &["a", "b", "c"]), false),
            (&ca, subject("two", &["o"], &[]), false),
            (&ca, subject("Two", &[], &[]), false),
            (&other, subject("three", &[], &[]), true),
        ] {
            let passes = may_pass(&rules, std::slice::from_ref(above), &who);
            assert_eq!(passes, expected, "{who} below {above}");
        }
        let both = [other, ca];
        assert!(!may_pass(&rules, &both, &subject("three", &[], &[])));
    }

    #[test]
    fn of_two_rules_for_one_authority_both_have_to_name_it() {
        let ca = subject("ca", &[], &[]);
        let rule = |names: &[&str]| SubjectRule {
            issuer: ca.clone(),
            subjects: names.iter().map(|name| subject(name, &[], &[])).collect(),
        };
        let rules = [rule(&["a", "b"]), rule(&["b"])];
        let above = [ca.clone()];
        assert!(may_pass(&rules, &above, &subject("b", &[], &[])));
        assert!(!may_pass(&rules, &above, &subject("a", &[], &[])));
    }
}
