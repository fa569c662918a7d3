//! Sizes in bytes: `65536`, `64KiB`, `10MB`.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no size; write a number of bytes, or one with B, KiB, MiB, GiB, kB, MB or GB, such as 64KiB"
)]
pub struct InvalidSize {
    given: String,
}

const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSize {
            given: given.to_owned(),
        };
        let text = given.trim();
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let scale = UNITS.iter().find(|(name, _)| *name == unit.trim());
        let (_, scale) = scale.ok_or_else(invalid)?;
        let number: u64 = number.parse().map_err(|_| invalid())?;
        number.checked_mul(*scale).map(Self).ok_or_else(invalid)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |scale: u64| self.0 >= scale && self.0.is_multiple_of(scale);
        match UNITS[2..5].iter().rev().find(|(_, scale)| whole(*scale)) {
            Some((unit, scale)) => write!(f, "{}{unit}", self.0 / scale),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        for (given, bytes, written) in [
            ("65536", 65_536, "64KiB"),
            ("64KiB", 65_536, "64KiB"),
            ("10 MB", 10_000_000, "10000000B"),
            ("0", 0, "0B"),
            ("3GiB", 3 << 30, "3GiB"),
        ] {
            let size: Size = given.parse().unwrap();
            assert_eq!(
                (size.0, size.to_string().as_str()),
                (bytes, written),
                "{given}"
            );
        }
        for given in [
            "",
            "KiB",
            "-1",
            "1.5MiB",
            "64kb",
            "99999999999999999999",
            "99999999999GiB",
        ] {
            assert!(given.parse::<Size>().is_err(), "{given}");
        }
    }
}
