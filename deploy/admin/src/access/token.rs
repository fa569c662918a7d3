//! Bearer tokens (RFC 6750), each in a file of its own, which may change while the process runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use pointsman_process::configuration::SecretFile;
use pointsman_process::tls::{Refused, Reload};
use secrecy::{ExposeSecret as _, SecretString};

use super::Role;
use super::secrets::{LONGEST, same};

/// The least of different characters: a generated token has them.
const DIFFERENT: usize = 8;

/// A token, with what its bearer may do.
#[derive(Debug)]
pub struct Token {
    name: String,
    role: Role,
    file: PathBuf,
    secret: RwLock<SecretString>,
}

impl Token {
    /// Reads the token in a file. `name` is for the log.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or what is in it is shorter than 128 bits can be written.
    pub fn load(name: &str, role: Role, file: &Path) -> Result<Arc<Self>, Refused> {
        Ok(Arc::new(Self {
            name: name.to_owned(),
            role,
            file: file.to_owned(),
            secret: RwLock::new(read(file)?),
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether a header brings this token, compared in constant time.
    pub(super) fn is(&self, said: &str) -> bool {
        let Some((scheme, theirs)) = said.split_once(' ') else {
            return false;
        };
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return false;
        }
        // It is replaced whole.
        let ours = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        same(ours.expose_secret().as_bytes(), theirs.as_bytes()).into()
    }
}

/// A token of at least 128 bits: 32 hexadecimal digits, or 22 letters, digits and the like (RFC 6750 section 2.1).
fn read(file: &Path) -> Result<SecretString, Refused> {
    let refused = |why: &str| Refused::new(file.display(), why);
    let read = SecretFile::read_at(file);
    let secret = read.map_err(|problem| {
        // The refusal names the file already.
        let told = problem.to_string();
        let place = format!("{}: ", file.display());
        refused(told.strip_prefix(&place).unwrap_or(&told))
    })?;
    let text = secret.expose_secret();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if let Some(at) = text.bytes().position(|byte| !allowed(byte)) {
        return Err(refused(&format!(
            "character {} cannot be sent as a bearer token; write letters, digits and -._~+/= only",
            at + 1
        )));
    }
    let least = if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        32
    } else {
        22
    };
    let mut different: Vec<u8> = text.bytes().collect();
    different.sort_unstable();
    different.dedup();
    if text.len() < least || different.len() < DIFFERENT {
        return Err(refused(
            "the token has less than 128 bits; generate one, as with `openssl rand -hex 32`",
        ));
    }
    if text.len() > LONGEST {
        return Err(refused(&format!(
            "the token is longer than {LONGEST} bytes"
        )));
    }
    Ok(secret)
}

impl Reload for Token {
    fn name(&self) -> String {
        self.file.display().to_string()
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.file.clone()]
    }

    fn reload(&self) -> Result<bool, Refused> {
        let new = read(&self.file)?;
        let mut secret = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        let old = secret.expose_secret().as_bytes();
        let changed = !bool::from(same(old, new.expose_secret().as_bytes()));
        if changed {
            *secret = new;
        }
        Ok(changed)
    }
}
