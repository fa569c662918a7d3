//! What is registered, until when, for which shard, since which revision.
//!
//! A [`Registry`] is told what its sources say and what time it is, and keeps the table of routes and endpoints. Each
//! change of a *thing*, a route's attributes in one segment or one endpoint of one route, gets the next revision;
//! [`Reader`]s follow them, by deltas or snapshots of one shape. The registry task of the control plane owns it.
//! Nothing here waits, reads a clock or the environment, or knows how things travel: time and randomness are arguments.

mod capability;
mod declaration;
mod description;
mod options;
mod outcome;
mod reader;
mod registration;
mod registry;
mod rules;
mod segment;
mod settings;
mod standing;
mod tag;
#[cfg(test)]
mod testing;
mod thing;
mod time;

pub use capability::Capabilities;
pub use declaration::Declaration;
pub use description::{Description, Fields, MAX_TAGS, Parts, Tags, TooLong};
pub use options::{Algorithm, Balancing, Options, Policy};
pub use outcome::{
    Counts, Declared, Dropped, Expired, Expiry, Lapsed, Put, Registered, Sum, Unregistered,
};
pub use reader::{Closing, Held, Page, Reader, Step, Transfer, View};
pub use registration::{Fingerprint, MAX_HOST, MAX_LABEL, MAX_URI, Registration, Uri, UriError};
pub use registry::{Absence, Change, Ejection, ListingCursor, Now, Registry, SourceId, WhileAway};
pub use rules::{Filter, HeaderField, HeaderFilter, PathRewrite, Rewrite, Rules, Timeouts};
pub use segment::SegmentFilter;
pub use settings::{EffectiveValues, Guard, Limits, Memory, Settings};
pub use standing::Standing;
pub use tag::ModificationTag;
pub use thing::{Ageing, Endpoint, EndpointListing, Removal, Route, RouteListing, Thing};
pub use time::Time;
