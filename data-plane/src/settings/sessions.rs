//! Sticky sessions (D-538 to D-564).

/// When a session sticks to the instance that began it.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// The cookies of apps that make a session stick, also behind the prefix `__Host-`; empty for
    /// none. Their case counts.
    pub cookie_names: Vec<String>,
    /// Whether a session sticks while an app talks `Negotiate`.
    pub auth_negotiate: bool,
    /// Whether cookies of the router's own are `Secure` always.
    pub secure_cookies: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            cookie_names: vec!["JSESSIONID".to_owned()],
            auth_negotiate: false,
            secure_cookies: false,
        }
    }
}

/// The prefix of cookies that no subdomain and no clear-text page can set (RFC 6265bis).
const HOST_PREFIX: &[u8] = b"__Host-";

impl Sessions {
    /// Whether any session sticks.
    pub(crate) const fn is_on(&self) -> bool {
        self.auth_negotiate || !self.cookie_names.is_empty()
    }

    /// Whether a cookie of this name makes a session stick.
    pub(crate) fn is_session_cookie(&self, name: &[u8]) -> bool {
        let bare = name.strip_prefix(HOST_PREFIX).unwrap_or(name);
        let is_named = |configured: &String| [bare, name].contains(&configured.as_bytes());
        self.cookie_names.iter().any(is_named)
    }
}
