//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::Path;

/// Where something stands in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as it was named, or another name of the text's origin.
    pub file: String,
    /// Line and column, both counted from 1; `None` where the problem is the file itself.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// One problem: where, which key, what was wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it stands; `None` for what came from the command line.
    pub place: Option<Place>,
    /// The key from the root, such as `nats.hosts[1].port`; empty for the file itself.
    pub key: String,
    /// What is wrong, as the rest of a sentence that begins with the key. Never holds a secret.
    pub what: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem with a whole file.
    #[must_use]
    pub fn of_file(path: &Path, what: impl Into<String>) -> Self {
        let place = Place {
            file: path.display().to_string(),
            position: None,
        };
        Self {
            place: Some(place),
            key: String::new(),
            what: what.into(),
            hint: None,
        }
    }

    /// A problem with a setting that does not stand in a file.
    #[must_use]
    pub fn of_setting(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: None,
            key: key.into(),
            what: what.into(),
            hint: None,
        }
    }

    /// The same problem with what would be right.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// All problems of a configuration, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl From<Vec<Problem>> for Problems {
    fn from(mut problems: Vec<Problem>) -> Self {
        // Stable, so problems of one place keep the order in which they were found.
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        Self(problems)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
