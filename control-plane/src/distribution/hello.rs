//! The first message of a data plane: what is wrong with it, or what follows from it.

use pointsman_proto::v1::{self, follow_request};
use pointsman_registry::{Algorithm, Capabilities, Held, SegmentFilter, View};
use tonic::Status;

use super::from_proto;
use crate::registry_task::Rejected;

/// A data plane that may have what it wants.
#[derive(Debug)]
pub struct Caller {
    /// One life of one process.
    pub id: String,
    /// Its name among people.
    pub name: String,
    /// Its software version.
    pub version: String,
    /// Its availability zone.
    pub availability_zone: String,
    /// What it may have.
    pub view: View,
    /// What it has.
    pub held: Held,
    /// How many things it holds.
    pub things: u64,
    /// It can lend its table, and be lent one.
    pub lends_and_borrows: bool,
    /// It has no table that it may serve.
    pub wants_table: bool,
    /// What it rejected, for people: the first of it, and how much it is.
    pub rejected: (Vec<Rejected>, usize),
}

/// Rejected things that are shown; the rest is in the data plane's own log.
pub(super) const SHOWN: usize = 100;

/// The longest text of a hello, in bytes.
const MAX_TEXT: usize = 256;

/// The most segments that a data plane may name.
const MAX_SEGMENTS: usize = 1024;

/// The most things that a data plane may have rejected and still go on from a delta.
const MAX_REJECTED: usize = 1_000;

/// Reads the first message of a session.
///
/// # Errors
///
/// What is wrong, and what would be right.
pub fn read(first: Option<v1::FollowRequest>) -> Result<Caller, Status> {
    let first = first.ok_or_else(|| Status::invalid_argument("the stream ended before a hello"))?;
    let Some(follow_request::Message::Hello(hello)) = first.message else {
        return Err(Status::invalid_argument(
            "the first message of a session is a hello",
        ));
    };
    check_texts(&hello)?;
    if hello.protocol_level == 0 {
        return Err(Status::invalid_argument(
            "hello.protocol_level is 0; expected 1 or more",
        ));
    }
    let capabilities = from_proto::capabilities(hello.capabilities());
    let filter = filter(hello.filter)?;
    let mut held = Held {
        epoch: hello.epoch,
        revision: hello.revision,
        filter_digest: hello.filter_digest,
        things: hello.things,
        may_hold_more: hello.may_hold_more,
        rejected: Vec::new(),
    };
    let shown = hello.rejected.iter().take(SHOWN).map(from_proto::shown);
    let rejected = (shown.collect(), hello.rejected.len());
    if hello.rejected.len() > MAX_REJECTED {
        // It is better off with everything than with a list of what it lacks.
        held.revision = 0;
    } else {
        held.rejected = hello
            .rejected
            .into_iter()
            .filter_map(from_proto::rejected)
            .collect();
    }
    Ok(Caller {
        id: hello.id,
        name: hello.name,
        version: hello.version,
        availability_zone: hello.availability_zone,
        view: View {
            filter,
            capabilities,
        },
        held,
        things: hello.things,
        lends_and_borrows: hello.lends_and_borrows,
        wants_table: hello.wants_table,
        rejected,
    })
}

fn check_texts(hello: &v1::Hello) -> Result<(), Status> {
    if hello.id.is_empty() {
        return Err(Status::invalid_argument(
            "hello.id is empty; expected a text that is unique to one life of one process",
        ));
    }
    for (field, text) in [
        ("id", &hello.id),
        ("name", &hello.name),
        ("version", &hello.version),
        ("availability_zone", &hello.availability_zone),
    ] {
        if text.len() > MAX_TEXT {
            return Err(Status::invalid_argument(format!(
                "hello.{field} has {} bytes; expected at most {MAX_TEXT}",
                text.len()
            )));
        }
    }
    Ok(())
}

fn filter(filter: Option<v1::SegmentFilter>) -> Result<SegmentFilter, Status> {
    let filter = filter.unwrap_or_default();
    let count = filter.segments.len();
    if count > MAX_SEGMENTS {
        return Err(Status::invalid_argument(format!(
            "hello.filter names {count} segments; expected at most {MAX_SEGMENTS}"
        )));
    }
    if filter
        .segments
        .iter()
        .any(|segment| segment.len() > MAX_TEXT)
    {
        return Err(Status::invalid_argument(format!(
            "hello.filter names a segment of more than {MAX_TEXT} bytes"
        )));
    }
    let mode = filter.mode;
    let read = from_proto::filter(filter).ok_or_else(|| {
        Status::invalid_argument(format!(
            "hello.filter.mode is {mode}; expected all, shared and segments, or segments"
        ))
    })?;
    match &read {
        SegmentFilter::Only(listed) if listed.is_empty() => Err(Status::invalid_argument(
            "hello.filter asks for listed segments only, and lists none",
        )),
        _ => Ok(read),
    }
}

impl Caller {
    /// The default algorithm for this data plane, and what is to be shown where that is not the configured one.
    #[must_use]
    pub fn default_algorithm(&self, configured: Algorithm) -> (Algorithm, &'static str) {
        let needed = match configured {
            Algorithm::RoundRobin => Capabilities::NONE,
            Algorithm::LeastConnection => Capabilities::LEAST_CONNECTION,
            Algorithm::Hash => Capabilities::HASH_BALANCING,
        };
        if self.view.capabilities.cover(needed) {
            return (configured, "");
        }
        let degraded = "it does not know the default balancing algorithm, and uses round-robin";
        (Algorithm::RoundRobin, degraded)
    }
}

#[cfg(test)]
mod tests;
