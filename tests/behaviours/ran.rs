//! Which tests ran, read from what `cargo test` printed.
//!
//! Standard output and error of one `cargo test` belong into one file: cargo names each test binary before it runs it, and
//! the binary names its tests. Whatever else stands there is passed over.

use std::collections::BTreeMap;

use crate::scan::Proof;

/// How a test ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// It ran and passed.
    Passed,
    /// It ran and failed.
    Failed,
    /// It was listed and not run.
    Ignored,
}

/// The tests that ran, by the crate name of their binary and their path within it.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    tests: BTreeMap<String, BTreeMap<String, Outcome>>,
}

impl Ran {
    /// Adds what one `cargo test` printed.
    pub(crate) fn read(&mut self, output: &str) {
        let mut binary = None;
        for line in output.lines() {
            let line = line.trim();
            if line.starts_with("Running ") || line.starts_with("Doc-tests ") {
                binary = binary_of(line);
            } else if let (Some(binary), Some((test, outcome))) = (&binary, outcome_of(line)) {
                self.tests
                    .entry(String::clone(binary))
                    .or_default()
                    .insert(test, outcome);
            }
        }
    }

    /// How the test of a proof ended, when it ran at all.
    pub(crate) fn outcome(&self, proof: &Proof) -> Option<Outcome> {
        proof
            .targets
            .iter()
            .filter_map(|target| self.tests.get(target))
            .flatten()
            .find(|(path, _)| is_in(path, &proof.module, &proof.test))
            .map(|(_, outcome)| *outcome)
    }
}

/// Whether a test's path names this function in this module or in one of its inline modules.
fn is_in(path: &str, module: &str, test: &str) -> bool {
    let Some(rest) = path.strip_prefix(module) else {
        return false;
    };
    let rest = if module.is_empty() {
        rest
    } else if let Some(rest) = rest.strip_prefix("::") {
        rest
    } else {
        return false;
    };
    rest.strip_suffix(test)
        .is_some_and(|inline| inline.is_empty() || inline.ends_with("::"))
}

/// `Running unittests src/lib.rs (target/ci/deps/pointsman_registry-0c8…)`: the crate's name.
fn binary_of(line: &str) -> Option<String> {
    let path = line.rsplit_once('(')?.1.strip_suffix(')')?;
    let file = path.rsplit(['/', '\\']).next()?;
    Some(file.rsplit_once('-')?.0.to_owned())
}

/// `test a::b ... ok`, also with libtest's remark in the middle or a reason at the end.
fn outcome_of(line: &str) -> Option<(String, Outcome)> {
    let (test, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let test = test.strip_suffix(" - should panic").unwrap_or(test);
    let outcome = match end.split([',', ' ']).next()? {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        "ignored" => Outcome::Ignored,
        _ => return None,
    };
    Some((test.to_owned(), outcome))
}

#[cfg(test)]
mod tests {
    use super::{Outcome, binary_of, is_in, outcome_of};

    #[test]
    fn reads_the_binary_from_cargo() {
        let line = "Running system/main.rs (/work space/ci/deps/system-0c8d3f1a2b4c5d6e)";
        assert_eq!(binary_of(line).unwrap(), "system");
        assert_eq!(binary_of("Doc-tests pointsman_registry"), None);
    }

    #[test]
    fn reads_the_outcome_from_libtest() {
        let outcome = |line| outcome_of(line).map(|(_, outcome)| outcome);
        assert_eq!(outcome("test a::b ... ok"), Some(Outcome::Passed));
        assert_eq!(outcome("test a::b ... ok <0.113s>"), Some(Outcome::Passed));
        assert_eq!(outcome("test a::b ... FAILED"), Some(Outcome::Failed));
        assert_eq!(
            outcome("test a::b ... ignored, needs a network"),
            Some(Outcome::Ignored)
        );
        assert_eq!(outcome("test result: ok. 3 passed; 0 failed"), None);
        let (test, _) = outcome_of("test a::b - should panic ... ok").unwrap();
        assert_eq!(test, "a::b");
    }

    #[test]
    fn a_function_is_found_in_its_module_only() {
        assert!(is_in("head::tests::refuses", "head", "refuses"));
        assert!(is_in("head::refuses", "head", "refuses"));
        assert!(is_in("refuses", "", "refuses"));
        assert!(!is_in("header::tests::refuses", "head", "refuses"));
        assert!(!is_in("head::tests::never_refuses", "head", "refuses"));
    }
}
