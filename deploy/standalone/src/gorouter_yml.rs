//! `gorouter.yml`: every key, its type and its default, and what Gorouter checks about it.
//!
//! The keys stand in groups, a file each. A group is read from the whole document by itself, so that keys at the top of
//! the file can be told apart by what they are about. Types, names and words are Gorouter's; what a key's value means
//! for us is decided by [`crate::served`] and [`crate::settings`].

pub mod backends;
pub mod connections;
pub mod frontend_tls;
pub mod headers;
pub mod inert;
mod keys;
pub mod logging;
pub mod nats;
pub mod ours;
mod pairs;
pub mod process;
mod refused;
pub mod route_services;
pub mod routing_api;
pub mod routing_table;
pub mod scalars;
pub mod status;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use pointsman_process::configuration::{
    Check, Decoded, Document, Manners, Problem, Validate, decode, nearest,
};
use serde::Serialize;

use crate::served;

pub use refused::Refused;

/// A file that was accepted.
#[derive(Debug, Default)]
pub struct Accepted {
    /// What it says.
    pub file: GorouterYml,
    /// Keys that nobody knows, each with the nearest known one.
    pub unknown: Vec<Problem>,
    /// Keys with a value of their own that are not served yet, by name.
    pub not_served: Vec<&'static str>,
    /// What stands behind the first document, and does not count.
    pub unread: Option<Problem>,
}

/// What reading a group gave beside its value.
#[derive(Default)]
struct Findings {
    /// Values of the wrong type.
    types: Vec<Problem>,
    /// Values of the right type that are wrong.
    values: Vec<Problem>,
    warnings: Vec<Problem>,
    /// Keys that a group does not know; a key at the top is unknown when no group knows it.
    unknown: Vec<Problem>,
}

impl Findings {
    /// The value of a group, and whether it may be checked: one with wrong types holds defaults that nobody wrote.
    fn take<T: Default>(&mut self, decoded: Decoded<T>) -> (T, bool) {
        let sound = decoded.problems.is_empty();
        for problem in decoded.problems {
            // A file that is no map at all is a problem of each group.
            if !self.types.contains(&problem) {
                self.types.push(problem);
            }
        }
        self.unknown.extend(decoded.unknown);
        (decoded.value.unwrap_or_default(), sound)
    }
}

macro_rules! groups {
    ($($(#[$meta:meta])* $group:ident: $type:ty,)*) => {
        /// All keys of a file, with defaults for those that do not stand in it.
        #[derive(Clone, Debug, Default, Serialize)]
        pub struct GorouterYml {
            $($(#[$meta])* #[serde(flatten)] pub $group: $type,)*
        }

        /// Which groups have values of the right types only.
        struct Sound {
            $($group: bool,)*
        }

        const GROUPS: usize = [$(stringify!($group)),*].len();

        fn read(document: &Document, findings: &mut Findings) -> (GorouterYml, Sound) {
            $(let $group = findings.take::<$type>(decode(document, Manners::Go));)*
            (GorouterYml { $($group: $group.0,)* }, Sound { $($group: $group.1,)* })
        }
    };
}

groups! {
    /// Ports, identity, workers.
    process: process::Process,
    /// Health and `/routes`.
    status: status::StatusGroup,
    /// Where registrations come from.
    nats: nats::NatsGroup,
    /// The other source of routes.
    routing_api: routing_api::RoutingApiGroup,
    /// How long registrations last, and whose they are.
    routing_table: routing_table::RoutingTable,
    /// TLS towards clients, and trust.
    frontend_tls: frontend_tls::FrontendTls,
    /// Header fields.
    headers: headers::HeadersGroup,
    /// Endpoints.
    backends: backends::BackendsGroup,
    /// Connections of clients, and drain.
    connections: connections::Connections,
    /// Route services.
    route_services: route_services::RouteServices,
    /// Logs and metrics.
    logging: logging::LoggingGroup,
    /// Keys without effect.
    inert: inert::Inert,
    /// Keys of ours.
    ours: ours::Ours,
}

/// Reads a file as Gorouter does, and decides whether this release can keep what it promises.
///
/// # Errors
///
/// Everything that stops the start, together: what Gorouter refuses, and protecting keys that are not honoured yet.
pub fn load(path: &Path) -> Result<Accepted, Refused> {
    let text = fs::read_to_string(path).map_err(|error| {
        let why = match error.kind() {
            // As Go prints it; log scripts look for it.
            ErrorKind::NotFound => "no such file or directory".to_owned(),
            ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Refused::unreadable(format!("open {}: {why}", path.display()))
    })?;
    parse(&path.display().to_string(), &text)
}

/// The same for a text, whose problems name `origin`.
///
/// # Errors
///
/// As [`load`].
pub fn parse(origin: &str, text: &str) -> Result<Accepted, Refused> {
    // Gorouter reads the first document, whatever stands behind it (CF-008).
    let document = Document::parse_first(origin, text).map_err(Refused::no_yaml)?;
    let mut findings = Findings::default();
    let (file, sound) = read(&document, &mut findings);
    validate(&file, &sound, &document, &mut findings);
    let protecting = if findings.types.is_empty() {
        served::not_honoured(&file, &document)
    } else {
        Vec::new()
    };
    let Findings {
        types,
        values,
        unknown,
        ..
    } = findings;
    if !types.is_empty() || !values.is_empty() || !protecting.is_empty() {
        return Err(Refused::values(types, values, protecting));
    }
    let not_served = served::not_served(&file);
    Ok(Accepted {
        file,
        unknown: really_unknown(&unknown),
        not_served,
        unread: document.rest().cloned(),
    })
}

/// Gorouter's checks, in its order, of the groups that can be checked.
fn validate(file: &GorouterYml, sound: &Sound, document: &Document, findings: &mut Findings) {
    let mut check = Check::new(document, &mut findings.values, &mut findings.warnings);
    let groups: [(bool, &dyn Validate); 12] = [
        (sound.backends, &file.backends),
        (sound.route_services, &file.route_services),
        (sound.routing_api, &file.routing_api),
        (sound.nats, &file.nats),
        (sound.status, &file.status),
        (sound.process, &file.process),
        (sound.inert, &file.inert),
        (sound.headers, &file.headers),
        (sound.routing_table, &file.routing_table),
        (sound.logging, &file.logging),
        (sound.connections, &file.connections),
        (sound.ours, &file.ours),
    ];
    for (_, group) in groups.iter().filter(|(sound, _)| *sound) {
        group.validate(&mut check);
    }
    if sound.process && sound.frontend_tls {
        file.frontend_tls
            .validate(file.process.enable_ssl, &mut check);
    }
}

/// Keys that no group knows. Those within a map are known to be unknown by the one group that has the map.
fn really_unknown(noted: &[Problem]) -> Vec<Problem> {
    let mut unknown: Vec<Problem> = Vec::new();
    for problem in noted {
        let nested = problem.key.contains(['.', '[']);
        let strangers = noted
            .iter()
            .filter(|other| other.place == problem.place)
            .count();
        if nested
            || (strangers == GROUPS && !unknown.iter().any(|known| known.place == problem.place))
        {
            let meant = nearest(&problem.key, served::top_level_keys());
            let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
            let hint = if nested { problem.hint.clone() } else { hint };
            unknown.push(Problem {
                hint,
                ..problem.clone()
            });
        }
    }
    unknown.sort();
    unknown
}

#[cfg(test)]
mod tests;
