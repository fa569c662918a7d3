//! The section `sticky_sessions`.

use pointsman_process::configuration::{Check, Validate};
use serde::Deserialize;

/// When a session sticks to the instance that began it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct StickySessions {
    /// The cookies of apps that make a session stick; empty for none. Their case counts.
    pub cookie_names: Vec<String>,
    /// Whether a session sticks while an app talks `Negotiate`.
    pub auth_negotiate: bool,
    /// Whether cookies of the router's own are `Secure` always.
    pub secure_cookies: bool,
}

impl Default for StickySessions {
    fn default() -> Self {
        let crate::Sessions {
            cookie_names,
            auth_negotiate,
            secure_cookies,
        } = crate::Sessions::default();
        Self {
            cookie_names,
            auth_negotiate,
            secure_cookies,
        }
    }
}

impl Validate for StickySessions {
    fn validate(&self, check: &mut Check<'_>) {
        // What RFC 9110, section 5.6.2 takes for a token.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_name = |name: &String| !name.is_empty() && name.bytes().all(fits);
        if !self.cookie_names.iter().all(is_name) {
            check.refuse(
                "cookie_names",
                "has a name that no cookie can have",
                "write names such as JSESSIONID",
            );
        }
    }
}

impl StickySessions {
    pub(super) fn settings(&self) -> crate::Sessions {
        crate::Sessions {
            cookie_names: self.cookie_names.clone(),
            auth_negotiate: self.auth_negotiate,
            secure_cookies: self.secure_cookies,
        }
    }
}
