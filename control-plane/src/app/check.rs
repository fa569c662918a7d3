//! What can be known of a start without one.

use std::sync::Arc;

use pointsman_process::tls::{Refused, check_listener};
use prometheus_client::registry::Registry as Metrics;

use super::{BuildError, Settings, epoch};
use crate::registry_task::RegistryTask;
use crate::sources::{Refusals, file};

/// Reads every file that a start reads, and tells what is wrong with them, one by one. It binds nothing and asks nobody.
#[must_use]
pub fn check(settings: &Settings) -> Vec<String> {
    let mut metrics = Metrics::default();
    let mut registry = RegistryTask::new(settings.registry.clone(), epoch(), &mut metrics);
    let refusals = Arc::new(Refusals::new(&mut metrics));
    let nats = super::nats(settings, &mut registry, &refusals, &mut metrics);
    let api = super::routing_api(settings, &mut registry, refusals, &mut metrics);
    let found = [
        nats.err(),
        api.err(),
        distribution(settings).err().map(BuildError::from),
        admin(settings).err().map(BuildError::from),
    ];
    let mut problems: Vec<_> = found.iter().flatten().map(ToString::to_string).collect();
    problems.extend(settings.route_files.iter().flat_map(file::problems));
    problems
}

fn distribution(settings: &Settings) -> Result<(), Refused> {
    let listener = settings.distribution.listener.as_ref();
    match listener.and_then(|listener| listener.tls.as_ref()) {
        Some(tls) => check_listener(&tls.certificate, &tls.key, Some(&tls.client_ca)),
        None => Ok(()),
    }
}

fn admin(settings: &Settings) -> Result<(), Refused> {
    match settings.admin.as_ref().and_then(|admin| admin.tls.as_ref()) {
        Some(tls) => check_listener(&tls.certificate, &tls.key, tls.client_ca.as_deref()),
        None => Ok(()),
    }
}
