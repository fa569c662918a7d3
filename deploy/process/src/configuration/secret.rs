//! Secrets, which stand in files of their own and are never printed.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use super::{Environment, Problem};

/// More than any password or token has; a path to something else by mistake is not read whole.
const MAX_BYTES: u64 = 64 * 1024;

/// The path of a file that holds one secret. A relative path is looked for in the service manager's credential
/// directory (`CREDENTIALS_DIRECTORY`), when there is one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// The secret in this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The path as it was configured.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the secret; line ends at its end are not part of it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is empty, too large, or not UTF-8. The problem names the file, never its content.
    pub fn read(&self, environment: &dyn Environment) -> Result<SecretString, Problem> {
        Self::read_at(&self.resolved(environment))
    }

    /// Where the file is.
    #[must_use]
    pub fn resolved(&self, environment: &dyn Environment) -> PathBuf {
        match environment.get("CREDENTIALS_DIRECTORY") {
            Some(directory) if self.0.is_relative() => Path::new(&directory).join(&self.0),
            _ => self.0.clone(),
        }
    }

    /// Reads the secret in a file, as [`Self::read`] does; for those that are read again when they change.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn read_at(path: &Path) -> Result<SecretString, Problem> {
        let refused = |what: String| Problem::of_file(path, what);
        let unreadable = |error| refused(format!("the secret cannot be read: {error}"));
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(refused(format!(
                "the secret is larger than {MAX_BYTES} bytes"
            )));
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(refused("the secret is empty".to_owned()));
        }
        Ok(SecretString::from(secret))
    }
}
