//! The control plane of a `gorouter.yml`.

use std::path::Path;
use std::time::Duration;

use pointsman_control_plane::{app, distribution, sources};
use pointsman_process::configuration::HostPort;
use pointsman_process::tls::{Dates, Source};
use pointsman_registry as registry;
use secrecy::SecretString;
use sources::message::{Limits, Policy, TopLevelWildcards};
use sources::nats::{Credentials, FirstConnection, Tls, TlsIdentity};

use crate::gorouter_yml::GorouterYml;
use crate::gorouter_yml::nats::NatsConfig;

/// There is nothing that routes could come from.
#[derive(Debug, thiserror::Error)]
#[error(
    "nats.hosts: is empty, and there are no route files and no Routing API; name at least one server, or give --routes a \
     path or routing_api a uri and a port"
)]
pub struct NoSource;

/// Everything about the control plane; `routes` names a file of routes, or a folder of such files, which stand beside a
/// `gorouter.yml`. It has no listener of its own: its one data plane is in the same process, and what people see is the data
/// plane's view.
///
/// # Errors
///
/// When no routes could ever come: an empty table would be served as if it were right.
pub fn control_plane(file: &GorouterYml, routes: Option<&Path>) -> Result<app::Settings, NoSource> {
    let settings = app::Settings {
        route_files: routes.map(route_files),
        ..registered(file)
    };
    let none = settings.nats.servers.is_empty()
        && settings.routing_api.is_none()
        && settings.route_files.is_none();
    if none { Err(NoSource) } else { Ok(settings) }
}

/// What the file says of it.
fn registered(file: &GorouterYml) -> app::Settings {
    let index = u32::try_from(file.process.index).unwrap_or(u32::MAX);
    app::Settings {
        name: format!("router-{index}"),
        index,
        nats: nats(file),
        active_apps: file.routing_table.publish_active_apps_interval.positive(),
        routing_api: super::routing_api::routing_api(file),
        // A gorouter.yml has no key for them: they are named on the command line.
        route_files: None,
        messages: messages(file),
        registry: registry(file),
        while_away: if file.routing_table.suspend_pruning_if_nats_unavailable {
            registry::WhileAway::Wait
        } else {
            registry::WhileAway::Age
        },
        effective: effective(file),
        distribution: app::Distribution {
            listener: None,
            heartbeat: Duration::from_secs(5),
            gather: Duration::from_millis(5),
            // There is no other control plane to go to.
            max_age: None,
            snapshots: 1,
            snapshot_cache: 0,
            borrow_tables: 0,
            // There is one data plane.
            roll_out: None,
        },
        admin: None,
    }
}

fn route_files(path: &Path) -> sources::file::Settings {
    sources::file::Settings {
        path: path.to_owned(),
        poll: sources::file::DEFAULT_POLL,
    }
}

fn nats(file: &GorouterYml) -> sources::nats::Settings {
    let defaults = sources::nats::Settings::default();
    let nats = &file.nats.nats;
    let server = |host: &crate::gorouter_yml::nats::NatsHost| HostPort {
        host: host.hostname.clone(),
        port: host.port,
    };
    sources::nats::Settings {
        servers: nats.hosts.0.iter().map(server).collect(),
        credentials: credentials(nats),
        tls: nats.tls_enabled.then(|| tls(nats)),
        // Three tries, then the start has failed (CF-049).
        first_connection: FirstConnection::Rounds {
            count: 3,
            pause: Duration::from_millis(100),
        },
        ping_interval: file
            .nats
            .nats_client_ping_interval
            .positive()
            .unwrap_or(defaults.ping_interval),
        ..defaults
    }
}

/// Gorouter sends user and password even when both are empty, which a server takes as nobody.
fn credentials(nats: &NatsConfig) -> Credentials {
    if nats.user.is_empty() && nats.pass.is_empty() {
        return Credentials::None;
    }
    Credentials::Password {
        user: nats.user.clone(),
        password: SecretString::from(nats.pass.expose()),
    }
}

/// The authorities and the certificate of the file; whose dates do not matter, as in Gorouter.
fn tls(nats: &NatsConfig) -> Tls {
    Tls {
        authorities: Source::inline("nats.ca_certs", &nats.ca_certs),
        identity: Some(TlsIdentity {
            chain: Source::inline("nats.cert_chain", &nats.cert_chain),
            key: Source::inline("nats.private_key", nats.private_key.expose()),
            dates: Dates::Ignored,
        }),
    }
}

fn messages(file: &GorouterYml) -> Policy {
    Policy {
        limits: Limits::default(),
        // Decision 6: whoever runs everything on one machine registers 127.0.0.1.
        allow_loopback: true,
        top_level_wildcards: TopLevelWildcards::All,
        enable_http2: file.process.enable_http2,
    }
}

fn registry(file: &GorouterYml) -> registry::Settings {
    let table = &file.routing_table;
    registry::Settings {
        stale_threshold: table.stale_threshold().or_zero(),
        prune_interval: table.prune_stale_droplets_interval.positive(),
        registration_interval: table.start_response_delay_interval.or_zero(),
        start_delay: table.start_response_delay_interval.or_zero(),
        prune_stale_tls: None,
        empty_pool_timeout: empty_pool(file),
        effective_values: registry::EffectiveValues::LastWriter,
        accepted: segments(file),
        ..registry::Settings::default()
    }
}

/// How long a route without endpoints is kept: only where it then answers 503.
fn empty_pool(file: &GorouterYml) -> Duration {
    let table = &file.routing_table;
    if table.empty_pool_response_code_503 {
        table.empty_pool_timeout.or_zero()
    } else {
        Duration::ZERO
    }
}

/// Which segments are registered at all (CF-070, CF-071).
fn segments(file: &GorouterYml) -> registry::SegmentFilter {
    let table = &file.routing_table;
    let listed = table
        .isolation_segments
        .0
        .iter()
        .map(|name| name.as_str().into())
        .collect();
    match table.routing_table_sharding_mode.as_str() {
        "segments" => registry::SegmentFilter::Only(listed),
        "shared-and-segments" => registry::SegmentFilter::SharedAnd(listed),
        _ => registry::SegmentFilter::All,
    }
}

fn effective(file: &GorouterYml) -> distribution::Effective {
    let table = &file.routing_table;
    distribution::Effective {
        mark_time: table.stale_threshold().or_zero() / 4,
        empty_pool_status: if table.empty_pool_response_code_503 {
            503
        } else {
            404
        },
        empty_pool_timeout: empty_pool(file),
        default_algorithm: match file.backends.balancing_algorithm.as_str() {
            "least-connection" => registry::Algorithm::LeastConnection,
            _ => registry::Algorithm::RoundRobin,
        },
        registration_interval: table.start_response_delay_interval.or_zero(),
    }
}
