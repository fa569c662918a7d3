//! Checks of values that have the right type, which types cannot make.

use super::{Document, Problem};

/// A part of a configuration that can say what is wrong with its values.
pub trait Validate {
    /// Adds every problem of this part; the check knows where its keys stand.
    fn validate(&self, check: &mut Check<'_>);
}

/// Where problems and warnings are gathered.
pub struct Check<'a> {
    document: &'a Document,
    key: String,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Problem>,
}

impl<'a> Check<'a> {
    /// A check at the root of a document.
    #[must_use]
    pub fn new(
        document: &'a Document,
        problems: &'a mut Vec<Problem>,
        warnings: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            document,
            key: String::new(),
            problems,
            warnings,
        }
    }

    /// Refuses the value of a key: what is wrong, as the rest of a sentence that begins with the key, and what would
    /// be right. An empty key means the part as a whole.
    pub fn refuse(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        let problem = self.problem(key, what.into()).hint(hint);
        self.problems.push(problem);
    }

    /// Refuses the value of a key with a text that says everything by itself.
    pub fn refuse_plainly(&mut self, key: &str, what: impl Into<String>) {
        let problem = self.problem(key, what.into());
        self.problems.push(problem);
    }

    /// Says something about the value of a key that does not stop the start.
    pub fn warn(&mut self, key: &str, what: impl Into<String>) {
        let problem = self.problem(key, what.into());
        self.warnings.push(problem);
    }

    /// Whether the key stands in the file.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        self.document.contains(&self.full(key))
    }

    /// Checks a part that stands under a key, such as `nats` or `hosts[2]`.
    pub fn within(&mut self, key: &str, check: impl FnOnce(&mut Check<'_>)) {
        let key = self.full(key);
        check(&mut Check {
            document: self.document,
            key,
            problems: self.problems,
            warnings: self.warnings,
        });
    }

    fn full(&self, key: &str) -> String {
        match (self.key.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.key.clone(),
            (false, false) if key.starts_with('[') => format!("{}{key}", self.key),
            (false, false) => format!("{}.{key}", self.key),
        }
    }

    fn problem(&self, key: &str, what: String) -> Problem {
        let key = self.full(key);
        Problem {
            place: Some(self.document.place(&key)),
            key,
            what,
            hint: None,
        }
    }
}
