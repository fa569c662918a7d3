//! What a `gorouter.yml` means for the parts of the process.
//!
//! One function for each part; none of them can fail, but for certificates that are read here. Where Gorouter's zero
//! means "no bound", and ours has no such thing, a year stands.

mod control_plane;
mod data_plane;
mod front_tls;
mod route_services;
mod routing_api;
mod state;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use pointsman_control_plane::app;
use pointsman_process::configuration::HostPort;
use pointsman_process::shutdown::Bounds;
use pointsman_process::telemetry::{Form, Level, Timestamps};

use crate::gorouter_yml::GorouterYml;

pub use control_plane::{NoSource, control_plane};
pub use data_plane::{NoAgent, agent, data_plane};
pub use state::{WRITE_INTERVAL, state};

/// Longer than any connection lives.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What would keep a process from starting with this file, as far as it can be known without a start: what is wrong with
/// the files that it names, one by one.
#[must_use]
pub fn check(file: &GorouterYml, routes: Option<&Path>) -> Vec<String> {
    let mut problems = match control_plane(file, routes) {
        Ok(settings) => app::check(&settings),
        Err(no_source) => vec![no_source.to_string()],
    };
    problems.extend(data_plane(file).err().map(|error| error.to_string()));
    problems
}

/// The form of the log, and its level.
#[must_use]
pub fn telemetry(file: &GorouterYml) -> (Form, Level) {
    let logging = &file.logging.logging;
    let timestamps = match logging.format.timestamp.as_str() {
        "rfc3339" => Timestamps::Rfc3339,
        // Anything else, as Gorouter has it (CF-134).
        _ => Timestamps::UnixEpoch,
    };
    let form = Form::Json {
        source: logging.source().to_owned(),
        timestamps,
    };
    // Every word of `threshold` is a level.
    let level = logging
        .threshold()
        .parse()
        .unwrap_or_else(|_| Level::info());
    (form, level)
}

/// How long the stages of a drain may take: without a timeout of its own, as long as a request (CF-123, CF-124).
#[must_use]
pub fn drain(file: &GorouterYml) -> Bounds {
    let own = file.connections.drain_timeout.positive();
    let timeout = own
        .or(file.backends.endpoint_timeout.positive())
        .unwrap_or(FOR_EVER);
    Bounds {
        wait: file.connections.drain_wait.or_zero(),
        timeout,
    }
}

/// How long after the start the time that registrations take is told to nobody.
#[must_use]
pub fn latency_muzzle(file: &GorouterYml) -> Duration {
    let muzzle = file.logging.route_latency_metric_muzzle_duration;
    muzzle.or_zero()
}

/// How long the process listens to registrations before it opens its own listeners.
#[must_use]
pub fn start_delay(file: &GorouterYml) -> Duration {
    file.routing_table.start_response_delay_interval.or_zero()
}

/// Where the process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// Requests without TLS, on all addresses.
    pub traffic: Option<SocketAddr>,
    /// Requests over TLS, on all addresses.
    pub traffic_tls: Option<SocketAddr>,
    /// Health without TLS, on all IPv4 addresses.
    pub health: Option<SocketAddr>,
    /// The old component server, which takes its place: health, `/varz` and `/routes`.
    pub component: Option<HostPort>,
    /// Health over TLS, where there is a certificate.
    pub health_tls: Option<SocketAddr>,
    /// `/routes`, on the loopback only.
    pub routes: SocketAddr,
}

/// Where the process listens.
#[must_use]
pub fn listeners(file: &GorouterYml) -> Listeners {
    let status = &file.status.status;
    let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let of_all_families = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let process = &file.process;
    Listeners {
        traffic: (!process.disable_http).then(|| of_all_families(process.port)),
        traffic_tls: process
            .enable_ssl
            .then(|| of_all_families(process.ssl_port)),
        health: (status.enable_nontls_health_checks && !status.is_component())
            .then(|| everywhere(status.port)),
        component: status.is_component().then(|| HostPort {
            host: status.host.clone(),
            port: status.port,
        }),
        health_tls: (!status.tls.certificate.is_empty()).then(|| everywhere(status.tls.port)),
        routes: SocketAddr::from((Ipv4Addr::LOCALHOST, status.routes.port)),
    }
}

#[cfg(test)]
mod tests;
