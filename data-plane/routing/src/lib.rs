//! Which endpoint serves this request.
//!
//! The data plane calls this crate in two places. A control thread owns the one [`Writer`]: it is
//! told what arrives from a control plane, keeps what is held, and cuts an immutable [`Table`]
//! whenever something changed. Every worker owns a reference to the latest table: it looks up the
//! [`Route`] of a request with [`Table::lookup`], and asks a [`Selection`] for an endpoint per
//! attempt, which comes with a [`Lease`] that counts it as in flight.
//!
//! Nothing here waits, opens a socket, reads a clock, or draws a random number: time and
//! randomness are arguments. Nothing here knows how things travel, or that there is HTTP.

mod address;
mod choose;
mod endpoint;
mod evidence;
mod hash;
mod identity;
mod instance;
mod intern;
mod lease;
mod listing;
mod maglev;
mod outlier;
mod policy;
mod route;
mod rules;
mod segments;
mod settings;
mod shard;
mod site;
mod state;
mod table;
mod tags;
#[cfg(test)]
mod testing;
mod thing;
mod time;
mod view;
mod writer;

pub use address::{Address, InvalidAddress};
pub use choose::{Asked, Context, Cursors, Near, Selection, Selector, Session, Unavailable};
pub use endpoint::{Endpoint, Protocol, RegisteredBalancing};
pub use lease::Lease;
pub use outlier::{Attempt, Cause, Conduct, Ejection};
pub use policy::{Caller, Policy};
pub use route::{Attributes, HashedBy, Origin, PoolIndex, Route, RouteTimeouts};
pub use rules::{HeaderEdit, PathRewrite, Rewrite, Rules};
pub use segments::Segments;
pub use settings::{Algorithm, EmptyPool, Settings};
pub use state::{EndpointIndex, EndpointState};
pub use table::{Scratch, Table};
pub use tags::Tags;
pub use thing::{
    Closing, EndpointThing, RejectedThing, Rejection, Removal, RouteThing, Thing, ThingKind,
};
pub use time::Time;
pub use view::View;
pub use writer::{AbsenceSettings, Aside, Closed, RestoredUntil, Writer};
