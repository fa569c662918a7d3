//! The configuration file of the data plane: one YAML file, a file of code per section, every
//! problem told at once with its place, and an unknown key with the nearest known one.

mod access_log;
mod balancing;
mod checks;
mod compatibility;
mod control_planes;
mod drain;
mod front_tls;
mod headers;
mod http2;
mod limits;
mod log;
mod metrics;
mod proxy_protocol;
mod route_services;
mod segments;
mod state;
mod sticky_sessions;
mod timeouts;
mod tracing;
mod tunnels;
mod upstream;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pointsman_process::configuration::{
    self, Address, Check, Environment, Loaded, Problem, Problems, Validate,
};
use serde::Deserialize;

pub use self::tracing::Tracing;
pub use self::tunnels::Tunnels;
pub use access_log::{AccessLog, To};
pub use balancing::{Balancing, ZonePreference};
pub use checks::{Checks, Underscores};
pub use compatibility::Compatibility;
pub use control_planes::{ControlPlanes, Tls};
pub use drain::Drain;
pub use front_tls::{
    CertFormat, ClientCertificates, Domain, FrontTls, Highest, Lowest, Mode as ClientMode, Name,
    Rule,
};
pub use headers::{Added, ForwardedClientCert, ForwardedProto, Headers, Rewrite};
pub use http2::Http2;
pub use limits::Limits;
pub use log::{Form, Log};
pub use metrics::Metrics;
pub use proxy_protocol::ProxyProtocol;
pub use route_services::RouteServices;
pub use segments::{Mode, Segments};
pub use state::State;
pub use sticky_sessions::StickySessions;
pub use timeouts::Timeouts;
pub use upstream::{Client, Upstream};

use crate::{ErrorPage, Inherited, app};

/// Where the admin API listens on the loopback address when nothing is said.
const ADMIN_PORT: u16 = 7602;

/// The file as a whole.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The name of this data plane among people.
    pub name: String,
    /// Its availability zone.
    pub zone: String,
    /// Where clients connect to, in clear text.
    pub listen: Vec<Address>,
    /// Where they connect to over TLS, and what is spoken there.
    pub tls: FrontTls,
    /// HTTP/2 with clients.
    pub http2: Http2,
    /// That a load balancer before all of these says who its clients are. Absent: they come by themselves.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Whether routes of every host are served: whatever host a request names that no other route has.
    pub any_host: bool,
    /// The Unix socket at which a data plane that starts asks a running one for its listeners, and
    /// at which it offers them to the next. Absent: nobody hands over.
    pub hand_over: Option<PathBuf>,
    /// How many workers there are. Absent: as many as the CPU quota allows.
    pub workers: Option<NonZeroUsize>,
    /// Where the table comes from.
    pub control_planes: ControlPlanes,
    /// Which isolation segments are served.
    pub segments: Segments,
    /// Where the table is kept for a start without a control plane.
    pub state: State,
    /// How people and scripts look inside.
    pub admin: pointsman_admin::Section,
    /// How much peers may send and hold.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What is said in header fields.
    pub headers: Headers,
    /// What is looked at in a request beside its route.
    pub checks: Checks,
    /// Which traces are kept going.
    pub tracing: Tracing,
    /// A page for the router's own errors, in the language of Go's `html/template`. Absent: plain text.
    pub error_page: Option<PathBuf>,
    /// When a session sticks to the instance that began it.
    pub sticky_sessions: StickySessions,
    /// Which endpoints come first.
    pub balancing: Balancing,
    /// Which connections leave HTTP.
    pub tunnels: Tunnels,
    /// How endpoints are reached.
    pub upstream: Upstream,
    /// How requests pass through the route services of their routes.
    pub route_services: RouteServices,
    /// Where requests are logged.
    pub access_log: AccessLog,
    /// What is measured beside what always is.
    pub metrics: Metrics,
    /// Where it does as Gorouter and not as it would by itself.
    pub compatibility: Compatibility,
    /// How the process leaves.
    pub drain: Drain,
    /// What is logged, and how.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "data-plane".to_owned(),
            zone: String::new(),
            listen: vec![Address(([0, 0, 0, 0], 8080).into())],
            tls: FrontTls::default(),
            http2: Http2::default(),
            proxy_protocol: None,
            any_host: false,
            hand_over: None,
            workers: None,
            control_planes: ControlPlanes::default(),
            segments: Segments::default(),
            state: State::default(),
            admin: pointsman_admin::Section::default(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            headers: Headers::default(),
            checks: Checks::default(),
            tracing: Tracing::default(),
            error_page: None,
            sticky_sessions: StickySessions::default(),
            balancing: Balancing::default(),
            tunnels: Tunnels::default(),
            upstream: Upstream::default(),
            route_services: RouteServices::default(),
            access_log: AccessLog::default(),
            metrics: Metrics::default(),
            compatibility: Compatibility::default(),
            drain: Drain::default(),
            log: Log::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self, check: &mut Check<'_>) {
        if self.name.is_empty() {
            check.refuse("name", "is empty", "leave it out, or name this data plane");
        }
        if self.listen.is_empty() && self.tls.listen.is_empty() {
            check.refuse(
                "listen",
                "is empty",
                "name at least one address, as 0.0.0.0:8080, or one in tls.listen",
            );
        }
        if self.workers.is_some_and(|workers| workers.get() > 1024) {
            check.refuse("workers", "is above 1024", "leave it out for one per core");
        }
        if self
            .hand_over
            .as_ref()
            .is_some_and(|path| path.is_relative())
        {
            check.refuse(
                "hand_over",
                "is relative, so the next data plane may look elsewhere",
                "write a path from the root, as /run/pointsman/data-plane.sock",
            );
        }
        if self.zone.is_empty() && self.balancing.zone_preference != ZonePreference::None {
            check.refuse(
                "balancing.zone_preference",
                "prefers the zone of this data plane, which has none",
                "add `zone`",
            );
        }
        check.within("control_planes", |check| {
            self.control_planes.validate(check);
        });
        check.within("tls", |check| self.tls.validate(check));
        check.within("http2", |check| self.http2.validate(check));
        if let Some(proxy_protocol) = &self.proxy_protocol {
            check.within("proxy_protocol", |check| proxy_protocol.validate(check));
        }
        check.within("segments", |check| self.segments.validate(check));
        check.within("state", |check| self.state.validate(check));
        check.within("admin", |check| self.admin.validate(check));
        check.within("limits", |check| self.limits.validate(check));
        check.within("timeouts", |check| self.timeouts.validate(check));
        check.within("headers", |check| self.headers.validate(check));
        check.within("checks", |check| self.checks.validate(check));
        check.within("tracing", |check| self.tracing.validate(check));
        check.within("sticky_sessions", |check| {
            self.sticky_sessions.validate(check);
        });
        check.within("tunnels", |check| self.tunnels.validate(check));
        check.within("upstream", |check| self.upstream.validate(check));
        check.within("route_services", |check| {
            self.route_services.validate(check);
        });
        check.within("access_log", |check| self.access_log.validate(check));
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
    /// The settings that this configuration stands for, with the secrets that it names.
    ///
    /// # Errors
    ///
    /// When a secret or the error page cannot be read; certificates are read when the data plane is built.
    pub fn settings(&self, environment: &dyn Environment) -> Result<app::Settings, Problem> {
        let tracing = self.tracing.settings();
        let error_page = self.error_page.as_deref().map(ErrorPage::load).transpose();
        let error_page = error_page.map_err(|no_page| Problem {
            place: None,
            key: "error_page".to_owned(),
            what: no_page.to_string(),
            hint: None,
        })?;
        Ok(app::Settings {
            name: self.name.clone(),
            zone: self.zone.clone(),
            listen: self.listen.iter().map(|address| address.0).collect(),
            inherited: Inherited::default(),
            hand_over: self.hand_over.clone(),
            control_planes: self.control_planes.settings(),
            heartbeat: self.control_planes.heartbeat.0,
            filter: self.segments.filter(),
            any_host: self.any_host,
            state: self.state.settings(),
            lifetimes: self.state.lifetimes(),
            admin: Some(self.admin.settings(ADMIN_PORT, environment)?),
            proxy: crate::Settings {
                workers: self.workers,
                limits: crate::Limits {
                    endpoint_connections_until_head: self
                        .compatibility
                        .max_conns_until_response_head,
                    ..self.limits.settings()
                },
                timeouts: crate::Timeouts {
                    leaving: self.drain.wait.0,
                    ..self.timeouts.settings()
                },
                headers: self.headers.settings(),
                sessions: self.sticky_sessions.settings(),
                balancing: self.balancing.settings(&self.zone),
                tunnels: self.tunnels.settings(),
                upstream: self.upstream.settings(),
                route_services: self.route_services.settings(environment)?,
                checks: self.checks.settings(),
                access_log: self.access_log.settings(tracing.as_ref()),
                tracing,
                error_page,
                per_app_latency: self.metrics.per_app_latency,
                census: self.metrics.census(),
                lookup_time: self.metrics.lookup_time,
                behind: self.proxy_protocol.map(ProxyProtocol::settings),
                // Only a `gorouter.yml` asks for them (decision 21).
                events: None,
                front_tls: None,
                http2: self.http2.settings(),
            },
            front: self.tls.settings(),
            client: self.upstream.client(),
            services: self.route_services.tls(),
        })
    }
}

#[cfg(test)]
mod tests;
