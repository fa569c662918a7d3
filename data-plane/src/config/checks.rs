//! The section `checks`.

use pointsman_process::configuration::{Check, Size, Validate};
use serde::Deserialize;

/// What is looked at in a request beside its route. Everything is off unless it is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Checks {
    /// Requests with exactly this `User-Agent` get the answer of a health check, whatever their host and path.
    pub health_user_agent: Option<String>,
    /// The head of a request that has a route, line and fields, is smaller than this; otherwise it is a 431 that leaves
    /// the connection open. `limits.request_head` holds before.
    pub request_head: Option<Size>,
    /// The most fields beside `Host` of a request that has a route; `limits.request_fields` holds before.
    pub request_fields: Option<usize>,
    /// Whether a `;` in a request's target is warned of, as in Gorouter.
    pub warn_of_semicolons: bool,
    /// What becomes of fields whose names have a `_`, which some apps take for a `-`.
    pub underscores: Underscores,
}

/// What becomes of fields whose names have a `_`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Underscores {
    /// They are passed on, and counted.
    #[default]
    Pass,
    /// They are left out.
    Drop,
    /// The request is a 400.
    Refuse,
}

impl Validate for Checks {
    fn validate(&self, check: &mut Check<'_>) {
        if self.health_user_agent.as_deref() == Some("") {
            check.refuse(
                "health_user_agent",
                "is empty, so every request without a User-Agent would be a health check",
                "name the checker, or leave it out",
            );
        }
        if self.request_head == Some(Size(0)) {
            check.refuse("request_head", "is 0", "write a size such as 32KiB");
        }
    }
}

impl Checks {
    pub(super) fn settings(&self) -> crate::Checks {
        let bounded = self.request_head.is_some() || self.request_fields.is_some();
        let bytes = self.request_head.map_or(u64::MAX, |size| size.0);
        crate::Checks {
            health_user_agent: self.health_user_agent.as_deref().map(Into::into),
            request_size: bounded.then(|| crate::RequestSize {
                bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                fields: self.request_fields,
            }),
            semicolons: self.warn_of_semicolons,
            underscores: match self.underscores {
                Underscores::Pass => crate::Underscores::Pass,
                Underscores::Drop => crate::Underscores::Drop,
                Underscores::Refuse => crate::Underscores::Refuse,
            },
        }
    }
}
