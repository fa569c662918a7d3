//! The name of a row: a chapter's letters and a number.

use serde::Deserialize;

/// For instance `C-123`; ordered by chapter and number.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub(crate) struct Id {
    chapter: String,
    /// Digits as written: the chapters differ in how many they have, each within itself is regular.
    number: String,
}

impl Id {
    /// Reads an id from the start of a line, when it is followed by `: `; returns it with the rest.
    pub(crate) fn leading(line: &str) -> Option<(Self, &str)> {
        let (id, rest) = line.split_once(": ")?;
        Some((Self::try_from(id.to_owned()).ok()?, rest))
    }

    /// The letters in front of the number.
    pub(crate) fn chapter(&self) -> &str {
        &self.chapter
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no row: a row is capital letters, a dash and digits");
        let (chapter, number) = text.split_once('-').ok_or_else(wrong)?;
        let letters = (1..=2).contains(&chapter.len())
            && chapter.bytes().all(|byte| byte.is_ascii_uppercase());
        let digits =
            (2..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if letters && digits {
            Ok(Self {
                chapter: chapter.to_owned(),
                number: number.to_owned(),
            })
        } else {
            Err(wrong())
        }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.chapter, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn reads_a_row_and_its_words() {
        let (id, words) = Id::leading("OB-003: sizes are 0").unwrap();
        assert_eq!((id.to_string().as_str(), words), ("OB-003", "sizes are 0"));
        assert_eq!(id.chapter(), "OB");
    }

    #[test]
    fn takes_nothing_else_for_a_row() {
        for line in [
            "R-001",
            "R-001 refuses",
            "r-001: x",
            "RFC-9110: x",
            "R-1: x",
            "R-0001: x",
            "",
        ] {
            assert_eq!(Id::leading(line), None, "{line}");
        }
    }
}
