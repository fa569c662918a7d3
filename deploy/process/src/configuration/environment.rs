//! The environment as something that is handed in, so that tests can bring their own.

use std::collections::BTreeMap;

/// Where environment variables come from.
pub trait Environment {
    /// The value of a variable; `None` when it is unset or not UTF-8.
    fn get(&self, name: &str) -> Option<String>;
}

/// The variables of this process. Made in `main` only.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the environment"
    )]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        Self::get(self, name).cloned()
    }
}
