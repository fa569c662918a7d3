//! A part of a table as a data plane lends it.

use std::time::Duration;

use pointsman_proto::v1::{self, thing};
use pointsman_registry::SegmentFilter;
use prost::Message as _;

use crate::distribution::from_proto;

/// A part of a table. Others are lent it, so all of it is looked at.
#[derive(Debug)]
pub(in crate::distribution) struct Part {
    /// An encoded batch.
    pub(super) batch: Vec<u8>,
    /// How many things that is.
    pub(super) things: u64,
    /// How long ago a control plane confirmed them.
    pub(super) age: Duration,
    /// How much longer its endpoints may be kept, where that does not follow from the age.
    pub(super) left: Option<Duration>,
    /// No other follows.
    pub(super) last: bool,
}

/// Why a table is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::distribution) enum Refused {
    /// It is too large.
    #[error(
        "there is no room for it: what is borrowed has {most} bytes at most (distribution.borrow_tables)"
    )]
    TooLarge {
        /// The bound, in bytes.
        most: usize,
    },
    /// The control plane does not need it any more.
    #[error("it is not needed any more")]
    Late,
    /// It cannot be read.
    #[error("a part of it cannot be read: {0}")]
    Unreadable(String),
    /// It says what only the data plane that lends it may be given.
    #[error("it names a thing of the segment `{0}`, which its data plane is not given")]
    OtherSegment(String),
}

impl Part {
    /// Reads what a data plane says that sees what `filter` says.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(in crate::distribution) fn read(
        part: v1::TablePart,
        filter: &SegmentFilter,
    ) -> Result<Self, Refused> {
        let unreadable = |what: &str| Refused::Unreadable(what.to_owned());
        let batch = v1::Batch::decode(&*part.batch);
        let batch = batch.map_err(|error| Refused::Unreadable(error.to_string()))?;
        let things = batch.things.len() as u64;
        for thing in batch.things {
            let (key, segment) = match thing.kind {
                Some(thing::Kind::Route(route)) => (route.key, route.segment),
                Some(thing::Kind::Endpoint(endpoint)) => (endpoint.route, endpoint.segment),
                None => return Err(unreadable("a thing is neither a route nor an endpoint")),
            };
            if key.and_then(from_proto::key).is_none() {
                return Err(unreadable("a thing names no route"));
            }
            if !filter.sees(&segment) {
                return Err(Refused::OtherSegment(segment));
            }
        }
        let time = |given: Option<_>| {
            let read = given.map(|given| from_proto::duration(given).ok_or(()));
            read.transpose()
        };
        let negative = |()| unreadable("a time is no length of time");
        let age = time(part.age).map_err(negative)?;
        Ok(Self {
            batch: part.batch,
            things,
            age: age.ok_or_else(|| unreadable("it does not say how old it is"))?,
            left: time(part.left).map_err(negative)?,
            last: part.last,
        })
    }
}
