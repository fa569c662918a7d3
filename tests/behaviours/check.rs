//! What must hold between the catalogue, the proofs and the tests that ran.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::{Catalogue, Scope};
use crate::id::Id;
use crate::ran::{Outcome, Ran};
use crate::scan::Proof;

/// Rows and proofs fit: no unknown row, no difference without its reason, no row both proven and different everywhere,
/// and no open row in a group that is complete.
pub(crate) fn rows(catalogue: &Catalogue, proofs: &[Proof]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut proven: BTreeMap<&Id, &Proof> = BTreeMap::new();
    for proof in proofs {
        if !catalogue.rows.contains_key(&proof.id) {
            problems.push(format!("{}: there is no row {}", proof.place(), proof.id));
        }
        proven.entry(&proof.id).or_insert(proof);
    }
    let mut named = BTreeSet::new();
    for different in &catalogue.different {
        let id = &different.id;
        if !catalogue.rows.contains_key(id) {
            problems.push(format!("different.toml: there is no row {id}"));
        }
        if !named.insert(id) {
            problems.push(format!("different.toml: {id} stands there twice"));
        }
        if different.here.trim().is_empty() || different.why.trim().is_empty() {
            problems.push(format!(
                "different.toml: {id} lacks what happens here, or why"
            ));
        }
        if let (Scope::Both, Some(proof)) = (different.scope, proven.get(id)) {
            let place = proof.place();
            problems.push(format!(
                "{place}: proves {id}, which different.toml has as different"
            ));
        }
    }
    for group in catalogue.groups.iter().filter(|group| group.complete) {
        let open = catalogue.rows.keys().filter(|id| {
            group.has(id) && !proven.contains_key(id) && catalogue.difference(id).is_none()
        });
        problems.extend(open.map(|id| format!("{id} is open, and {:?} is complete", group.name)));
    }
    problems
}

/// Every test that proves a row ran, and passed.
pub(crate) fn all_ran(proofs: &[Proof], ran: &Ran) -> Vec<String> {
    let mut problems: Vec<String> = proofs
        .iter()
        .filter_map(|proof| {
            let wrong = match ran.outcome(proof) {
                Some(Outcome::Passed) => return None,
                Some(Outcome::Failed) => "failed",
                Some(Outcome::Ignored) => "was not run: it is ignored",
                None => "did not run",
            };
            Some(format!(
                "{}: the test {} {wrong}",
                proof.place(),
                proof.test
            ))
        })
        .collect();
    // A test that proves several rows is one problem.
    problems.dedup();
    problems
}

#[cfg(test)]
mod tests {
    use super::{all_ran, rows};
    use crate::catalogue::{Catalogue, Different, Group, Scope};
    use crate::id::Id;
    use crate::ran::Ran;
    use crate::scan::Proof;

    fn id(text: &str) -> Id {
        text.to_owned().try_into().unwrap()
    }

    fn proof(row: &str) -> Proof {
        Proof {
            id: id(row),
            file: "data-plane/src/a.rs".to_owned(),
            line: 7,
            test: "holds".to_owned(),
            targets: vec!["pointsman_data_plane".to_owned()],
            module: "a".to_owned(),
        }
    }

    fn catalogue(complete: bool) -> Catalogue {
        let rows = ["R-001", "R-002"].map(|row| (id(row), "must hold".to_owned()));
        let group = Group {
            name: "framing".to_owned(),
            from: id("R-001"),
            to: id("R-002"),
            complete,
        };
        Catalogue {
            rows: rows.into(),
            groups: vec![group],
            different: Vec::new(),
        }
    }

    fn different(row: &str, scope: Scope, why: &str) -> Different {
        Different {
            id: id(row),
            scope,
            here: "refused".to_owned(),
            why: why.to_owned(),
        }
    }

    #[test]
    fn an_open_row_is_no_problem_until_its_group_is_complete() {
        assert!(rows(&catalogue(false), &[proof("R-001")]).is_empty());
        assert_eq!(
            rows(&catalogue(true), &[proof("R-001")]),
            [r#"R-002 is open, and "framing" is complete"#]
        );
    }

    #[test]
    fn a_different_row_completes_its_group() {
        let mut catalogue = catalogue(true);
        catalogue
            .different
            .push(different("R-002", Scope::Both, "safer"));
        assert!(rows(&catalogue, &[proof("R-001")]).is_empty());
    }

    #[test]
    fn a_row_nobody_asked_for_is_a_problem() {
        let problems = rows(&catalogue(false), &[proof("R-999")]);
        assert_eq!(problems, ["data-plane/src/a.rs:7: there is no row R-999"]);
        let mut catalogue = catalogue(false);
        catalogue
            .different
            .push(different("R-998", Scope::Both, "safer"));
        assert_eq!(
            rows(&catalogue, &[]),
            ["different.toml: there is no row R-998"]
        );
    }

    #[test]
    fn a_row_is_not_proven_and_different_everywhere_at_once() {
        let mut catalogue = catalogue(false);
        catalogue
            .different
            .push(different("R-001", Scope::Both, "safer"));
        assert_eq!(rows(&catalogue, &[proof("R-001")]).len(), 1);
        catalogue.different[0].scope = Scope::Split;
        assert!(rows(&catalogue, &[proof("R-001")]).is_empty());
    }

    #[test]
    fn a_difference_has_a_reason_and_stands_once() {
        let mut catalogue = catalogue(false);
        catalogue
            .different
            .push(different("R-001", Scope::Both, " "));
        assert_eq!(rows(&catalogue, &[]).len(), 1);
        catalogue.different[0].why = "safer".to_owned();
        catalogue
            .different
            .push(different("R-001", Scope::Both, "safer"));
        assert_eq!(
            rows(&catalogue, &[]),
            ["different.toml: R-001 stands there twice"]
        );
    }

    #[test]
    fn a_named_test_must_have_run_and_passed() {
        let running =
            "     Running unittests src/lib.rs (target/ci/deps/pointsman_data_plane-1a)\n";
        let check = |lines: &str| {
            let mut ran = Ran::default();
            ran.read(&format!("{running}{lines}"));
            all_ran(&[proof("R-001"), proof("R-002")], &ran)
        };
        assert!(check("test a::tests::holds ... ok\n").is_empty());
        let place = "data-plane/src/a.rs:7: the test holds";
        assert_eq!(
            check("test a::tests::other ... ok\n"),
            [format!("{place} did not run")]
        );
        assert_eq!(
            check("test a::tests::holds ... FAILED\n"),
            [format!("{place} failed")]
        );
        let ignored = check("test a::tests::holds ... ignored, too slow\n");
        assert_eq!(ignored, [format!("{place} was not run: it is ignored")]);
        assert_eq!(
            check("test b::tests::holds ... ok\n"),
            [format!("{place} did not run")]
        );
    }
}
