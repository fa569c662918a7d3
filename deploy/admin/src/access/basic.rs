//! A user with a password, as Gorouter's status has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use super::Role;
use super::secrets::same;

/// A user and a password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
    /// What the user may do.
    pub role: Role,
}

impl Credentials {
    /// Whether a header brings these credentials. Both halves are always compared, each in constant time.
    pub(super) fn are(&self, said: &str) -> bool {
        let Some((user, password)) = read(said) else {
            return false;
        };
        let user = same(self.user.as_bytes(), user.as_bytes());
        let ours = self.password.expose_secret().as_bytes();
        (user & same(ours, password.as_bytes())).into()
    }
}

/// The user and password of a header as Gorouter reads it: the word `Basic`, one blank, standard base64, and exactly
/// one colon in what it stands for.
fn read(said: &str) -> Option<(String, String)> {
    let encoded = said.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    (!password.contains(':')).then(|| (user.to_owned(), password.to_owned()))
}
