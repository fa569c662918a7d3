//! A part of a table as a data plane lends it.

use std::time::Duration;

use pointsman_proto::v1::{self, thing};
use pointsman_registry::SegmentFilter;
use prost::Message as _;
use prost::bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::distribution::from_proto;

/// The field of a batch that its things stand in.
const THINGS: u32 = 1;

/// What is older is of no use to anybody.
const OLDEST: Duration = Duration::from_secs(10 * 24 * 3600);

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
        "there is no room for it: what is borrowed takes {most} bytes at most (distribution.borrow_tables)"
    )]
    TooLarge {
        /// The bound, in bytes.
        most: usize,
    },
    /// It cannot be read.
    #[error("a part of it cannot be read: {0}")]
    Unreadable(String),
    /// It says what only the data plane that lends it may be given.
    #[error("it names a thing of the segment `{0}`, which its data plane is not given")]
    OtherSegment(String),
    /// Its data plane has stopped in the middle.
    #[error("no other part came in time")]
    Late,
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
        let things = count(&part.batch, filter)?;
        let time = |given: Option<_>| {
            let read = given.map(|given| from_proto::duration(given).ok_or(()));
            read.transpose()
        };
        let unreadable = |what: &str| Refused::Unreadable(what.to_owned());
        let negative = |()| unreadable("a time is no length of time");
        let age = time(part.age).map_err(negative)?;
        let age = age.ok_or_else(|| unreadable("it does not say how old it is"))?;
        if age > OLDEST {
            return Err(unreadable("it is older than ten days"));
        }
        Ok(Self {
            batch: part.batch,
            things,
            age,
            left: time(part.left).map_err(negative)?,
            last: part.last,
        })
    }
}

/// How many things a batch holds. One after the other is looked at, so that what lies in memory is never more than one.
fn count(batch: &[u8], filter: &SegmentFilter) -> Result<u64, Refused> {
    let (mut rest, mut things) = (batch, 0);
    while rest.has_remaining() {
        check(next(&mut rest)?, filter)?;
        things += 1;
    }
    Ok(things)
}

/// The next thing.
fn next(rest: &mut &[u8]) -> Result<v1::Thing, Refused> {
    let unreadable = |error: prost::DecodeError| Refused::Unreadable(error.to_string());
    let (field, wire) = decode_key(rest).map_err(unreadable)?;
    if (field, wire) != (THINGS, WireType::LengthDelimited) {
        let what = format!("field {field} of a batch is not known");
        return Err(Refused::Unreadable(what));
    }
    let length = decode_varint(rest).map_err(unreadable)?;
    let length = usize::try_from(length).ok();
    let split = length.and_then(|length| rest.split_at_checked(length));
    let (thing, after) =
        split.ok_or_else(|| Refused::Unreadable("a thing is cut short".to_owned()))?;
    *rest = after;
    v1::Thing::decode(thing).map_err(unreadable)
}

fn check(thing: v1::Thing, filter: &SegmentFilter) -> Result<(), Refused> {
    let unreadable = |what: &str| Refused::Unreadable(what.to_owned());
    let (key, segment) = match thing.kind {
        Some(thing::Kind::Route(route)) => (route.key, route.segment),
        Some(thing::Kind::Endpoint(endpoint)) => (endpoint.route, endpoint.segment),
        None => return Err(unreadable("a thing is neither a route nor an endpoint")),
    };
    if key.and_then(from_proto::key).is_none() {
        return Err(unreadable("a thing names no route"));
    }
    if filter.sees(&segment) {
        Ok(())
    } else {
        Err(Refused::OtherSegment(segment))
    }
}
