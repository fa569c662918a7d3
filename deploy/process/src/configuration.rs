//! Configuration files: YAML in, a typed value out, or every problem at once with file, line, column, key, what was
//! wrong and what would be right.
//!
//! The YAML is parsed into a [`Document`] that remembers where everything stands, and read from there through serde,
//! so plain `#[derive(Deserialize)]` structs are enough. Reading goes on after a problem: the value at fault is set
//! aside and the rest is read again, so that an operator sees all problems of a file in one start. For this, a struct
//! should say `#[serde(default)]` where a key may be absent; `deny_unknown_fields` is not needed, and `flatten`,
//! which hides the known names, must not be used.
//!
//! ```
//! use pointsman_process::configuration::{self, Check, Interval, Validate};
//!
//! #[derive(Debug, serde::Deserialize)]
//! struct Nats {
//!     servers: Vec<String>,
//!     #[serde(default)]
//!     ping_interval: Interval,
//! }
//!
//! impl Validate for Nats {
//!     fn validate(&self, check: &mut Check<'_>) {
//!         if self.servers.is_empty() {
//!             check.refuse("servers", "is empty", "name at least one server, as nats://127.0.0.1:4222");
//!         }
//!     }
//! }
//!
//! let problems = configuration::load_str::<Nats>("cp.yml", "servers: []\nping_intreval: 2s\n").unwrap_err();
//! assert_eq!(problems.to_string(), "\
//! cp.yml:1:10: servers: is empty; name at least one server, as nats://127.0.0.1:4222
//! cp.yml:2:1: ping_intreval: is no key of this file; did you mean `ping_interval`?");
//! ```

mod address;
mod check;
mod document;
mod environment;
pub mod go;
mod interval;
mod nearest;
mod problem;
mod read;
mod secret;
mod size;

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;

pub use address::{Address, HostPort};
pub use check::{Check, Validate};
pub use document::Document;
pub use environment::{Environment, ProcessEnvironment};
pub use interval::{Interval, InvalidInterval};
pub use nearest::nearest;
pub use problem::{Place, Problem, Problems};
pub use read::{Decoded, Manners, decode};
pub use secret::SecretFile;
pub use size::{InvalidSize, Size};

/// A configuration that was accepted.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The configuration.
    pub value: T,
    /// What an operator should know although it does not stop the start.
    pub warnings: Vec<Problem>,
}

/// Reads the text of a configuration file.
///
/// # Errors
///
/// When the file cannot be read, or is not UTF-8; the problem names it.
pub fn read_file(path: &Path) -> Result<String, Problems> {
    fs::read_to_string(path)
        .map_err(|error| Problem::of_file(path, format!("cannot be read: {error}")).into())
}

/// Reads one of our own configuration files: unknown keys are problems.
///
/// # Errors
///
/// All problems of the file together.
pub fn load_file<T: DeserializeOwned + Validate>(path: &Path) -> Result<Loaded<T>, Problems> {
    load_str(&path.display().to_string(), &read_file(path)?)
}

/// The same for a text; `origin` stands in problems where the file's name would.
///
/// # Errors
///
/// All problems of the text together.
pub fn load_str<T: DeserializeOwned + Validate>(
    origin: &str,
    text: &str,
) -> Result<Loaded<T>, Problems> {
    let document = Document::parse(origin, text)?;
    let decoded: Decoded<T> = decode(&document, Manners::Ours);
    let mut problems = decoded.problems;
    problems.extend(decoded.unknown);
    let mut warnings = Vec::new();
    if let Some(value) = &decoded.value {
        value.validate(&mut Check::new(&document, &mut problems, &mut warnings));
    }
    match decoded.value {
        Some(value) if problems.is_empty() => Ok(Loaded { value, warnings }),
        _ => Err(Problems::from(problems)),
    }
}

#[cfg(test)]
mod tests;
