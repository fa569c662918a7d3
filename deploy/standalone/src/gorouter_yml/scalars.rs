//! The types of values that a `gorouter.yml` is made of, beside numbers and durations.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A password, a private key, a signing secret. It is never printed, and zeroed when it is dropped.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(SecretString::from(secret))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { "***" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|secret| Self(SecretString::from(secret)))
    }
}

impl Serialize for Secret {
    /// Says only whether there is one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { "***" })
    }
}

/// A list of texts. A null makes it empty, where it would leave a scalar at its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename = "[]string")]
pub struct Strings(pub Vec<String>);

impl<const N: usize> From<[&str; N]> for Strings {
    fn from(texts: [&str; N]) -> Self {
        Self(texts.map(str::to_owned).to_vec())
    }
}

/// A list of numbers, the bounds of a histogram.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename = "[]float64")]
pub struct Floats(pub Vec<f64>);

impl<const N: usize> From<[f64; N]> for Floats {
    fn from(bounds: [f64; N]) -> Self {
        Self(bounds.to_vec())
    }
}

/// A value of any shape that nothing reads: only whether it was given is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anything {
    given: bool,
}

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_ignored_any(IgnoredAny)
            .map(|_| Self { given: true })
    }
}

impl Serialize for Anything {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.given)
    }
}
