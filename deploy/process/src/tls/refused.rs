//! Why a certificate, a key or a bundle is not taken.

use std::fmt;

/// A refusal, with the file or key that it is about. Never holds key material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, or the configuration key of an inline text.
    pub source: String,
    /// What was wrong, as the rest of a sentence that begins with the source.
    pub why: String,
}

impl Refused {
    /// A refusal of `source`. `why` never says what is in it.
    pub fn new(source: impl fmt::Display, why: impl Into<String>) -> Self {
        Self {
            source: source.to_string(),
            why: why.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

impl std::error::Error for Refused {}
