//! Why a file does not start the process, as one text for the log.

use std::fmt;

use pointsman_process::configuration::Problem;

/// Everything about a file that stops the start.
#[derive(Debug)]
pub struct Refused {
    head: Option<String>,
    types: Vec<Problem>,
    values: Vec<Problem>,
    protecting: Vec<Problem>,
}

impl Refused {
    pub(super) fn unreadable(why: String) -> Self {
        Self {
            head: Some(why),
            types: Vec::new(),
            values: Vec::new(),
            protecting: Vec::new(),
        }
    }

    pub(super) fn no_yaml(problem: Problem) -> Self {
        Self::values(Vec::new(), vec![problem], Vec::new())
    }

    pub(super) fn values(
        mut types: Vec<Problem>,
        mut values: Vec<Problem>,
        mut protecting: Vec<Problem>,
    ) -> Self {
        for problems in [&mut types, &mut values, &mut protecting] {
            // Stable: problems of one place keep the order in which they were found.
            problems.sort_by(|a, b| a.place.cmp(&b.place));
        }
        Self {
            head: None,
            types,
            values,
            protecting,
        }
    }

    /// What Gorouter refuses as well: wrong types and wrong values.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.types.iter().chain(&self.values)
    }

    /// Protecting keys that would not be honoured.
    pub fn protecting(&self) -> impl Iterator<Item = &Problem> {
        self.protecting.iter()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.head.iter().cloned().collect();
        if !self.types.is_empty() {
            // The first line of what yaml.v3 says (CF-013).
            lines.push("yaml: unmarshal errors:".to_owned());
            lines.extend(self.types.iter().map(|problem| format!("  {problem}")));
        }
        let others = self.values.iter().chain(&self.protecting);
        lines.extend(others.map(ToString::to_string));
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Refused {}
