//! The configuration file of the control plane: one YAML file, a file of code per section, every problem told at once
//! with its place, and an unknown key with the nearest known one.

mod distribution;
mod log;
mod nats;
mod registration;
mod route_files;
mod routing_api;

use std::path::Path;

use pointsman_process::configuration::{
    self, Check, Environment, Loaded, Problem, Problems, Validate,
};
use serde::Deserialize;

pub use distribution::{Distribution, Tls};
pub use log::{Form, Log};
pub use nats::{Nats, NatsTls, Server};
pub use registration::{EffectiveValues, EmptyPool, Guard, Registration};
pub use route_files::RouteFiles;
pub use routing_api::{RoutingApi, RoutingApiTls, RoutingApiUaa};

use crate::app;

/// Where the admin API listens on the loopback address when nothing is said.
const ADMIN_PORT: u16 = 7601;

/// The file as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The name of this control plane among people.
    pub name: String,
    /// The number of this control plane among its like; the beginning of its id in `router.start`.
    pub index: u32,
    /// Where registrations come from.
    pub nats: Nats,
    /// The other place where registrations come from.
    pub routing_api: RoutingApi,
    /// Where routes are declared.
    pub route_files: RouteFiles,
    /// Which registrations count, and for how long.
    pub registration: Registration,
    /// How data planes get the table.
    pub distribution: Distribution,
    /// How people and scripts look inside.
    pub admin: pointsman_admin::Section,
    /// What is logged, and how.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "control-plane".to_owned(),
            index: 0,
            nats: Nats::default(),
            routing_api: RoutingApi::default(),
            route_files: RouteFiles::default(),
            registration: Registration::default(),
            distribution: Distribution::default(),
            admin: pointsman_admin::Section::default(),
            log: Log::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check<'_>) {
        if self.name.is_empty() {
            check.refuse(
                "name",
                "is empty",
                "leave it out, or name this control plane",
            );
        }
        check.within("nats", |check| self.nats.validate(check));
        check.within("routing_api", |check| self.routing_api.validate(check));
        check.within("route_files", |check| self.route_files.validate(check));
        let elsewhere = self.route_files.path.is_some() || self.routing_api.url.is_some();
        // Of what was written nothing may be left, because all of it is wrong: that was told where it stands.
        let none = self.nats.servers.is_empty() && !check.is_given("nats.servers[0]");
        if none && !elsewhere {
            check.refuse(
                "nats.servers",
                "is empty, and there are no route files and no Routing API",
                "name at least one, as nats://127.0.0.1:4222, or give route_files a path or routing_api a url",
            );
        }
        self.warn_of_interval(check);
        check.within("registration", |check| self.registration.validate(check));
        check.within("distribution", |check| self.distribution.validate(check));
        check.within("admin", |check| self.admin.validate(check));
    }
}

/// Reads a file.
///
/// # Errors
///
/// Every problem of the file.
pub fn load(path: &Path) -> Result<Loaded<Config>, Problems> {
    configuration::load_file(path)
}

impl Config {
    /// No registration counts for longer than the stale threshold, so that what the Routing API lists has to be listed again
    /// before that.
    fn warn_of_interval(&self, check: &mut Check<'_>) {
        let interval = self.routing_api.interval.0;
        let threshold = self.registration.stale_threshold.0;
        if self.routing_api.url.is_some() && interval.saturating_mul(2) > threshold {
            check.warn(
                "routing_api.interval",
                "is longer than half of registration.stale_threshold: one lost list would take away what it lists; write less",
            );
        }
    }

    /// The settings that this configuration stands for, with the secrets and certificates that it names.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read; certificates are read when the control plane is built.
    pub fn settings(&self, environment: &dyn Environment) -> Result<app::Settings, Problem> {
        Ok(app::Settings {
            name: self.name.clone(),
            index: self.index,
            nats: self.nats.settings(environment)?,
            active_apps: self
                .nats
                .publish_active_apps_interval
                .map(|interval| interval.0),
            routing_api: self.routing_api.settings(environment)?,
            route_files: self.route_files.settings(),
            messages: self.registration.messages(),
            registry: self.registration.registry(),
            while_away: pointsman_registry::WhileAway::Wait,
            effective: self.registration.effective(),
            distribution: self.distribution.settings(),
            admin: Some(self.admin.settings(ADMIN_PORT, environment)?),
        })
    }
}

#[cfg(test)]
mod tests;
