//! The section `admin`.

use std::net::Ipv4Addr;

use pointsman_process::configuration::{
    Address, Check, Environment, Problem, SecretFile, Validate,
};
use serde::Deserialize;

use crate::admin;

/// How people and scripts look inside.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Admin {
    /// Where health, metrics and the served routes are shown.
    pub listen: Address,
    /// The user who may see the routes. Absent: everybody, on a loopback address only.
    pub user: Option<String>,
    /// The file with the user's password.
    pub password_file: Option<SecretFile>,
    /// Whether the metrics ask for the user as well.
    pub protect_metrics: bool,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: Address((Ipv4Addr::LOCALHOST, 7602).into()),
            user: None,
            password_file: None,
            protect_metrics: false,
        }
    }
}

impl Validate for Admin {
    fn validate(&self, check: &mut Check<'_>) {
        match (&self.user, &self.password_file) {
            (Some(_), None) => check.refuse("user", "has no password", "add password_file"),
            (None, Some(_)) => check.refuse("password_file", "has no user", "add user"),
            (Some(user), Some(_)) if user.is_empty() || user.contains(':') => check.refuse(
                "user",
                "cannot be sent by basic authentication",
                "write a name without `:`",
            ),
            (None, None) if !self.listen.0.ip().is_loopback() => check.refuse(
                "listen",
                format!("{} would show the served routes to anybody", self.listen),
                "add admin.user and admin.password_file, or listen on a loopback address",
            ),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
}

impl Admin {
    pub(super) fn settings(
        &self,
        environment: &dyn Environment,
    ) -> Result<Option<admin::Settings>, Problem> {
        let credentials = match (&self.user, &self.password_file) {
            (Some(user), Some(file)) => Some(admin::Credentials {
                user: user.clone(),
                password: file.read(environment)?,
            }),
            _ => None,
        };
        Ok(Some(admin::Settings {
            listen: self.listen.0,
            credentials,
            protect_metrics: self.protect_metrics,
        }))
    }
}
