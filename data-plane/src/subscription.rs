//! Following a control plane: what it says becomes the table, and what the data plane sees goes
//! back.
//!
//! A [`Follower`] is the data plane's end of the stream without the wire: messages in, a table and
//! messages out. A [`Subscription`] gives it a wire: it connects, shows signs of life, notices
//! silence, and turns to another control plane, by the rules of `choice`. While there is none the
//! last table is served, for as long as it takes. [`Keeping`] keeps it on disk, and a start
//! without a control plane takes it over from there.

mod answer;
mod attend;
mod backoff;
mod borrowing;
mod capabilities;
mod choice;
mod client;
mod codec;
mod connect;
mod filter;
mod follower;
mod from_proto;
mod instead;
mod keeping;
mod lending;
mod questions;
mod report;
mod restoring;
mod saving;
mod seek;
mod session;
mod show;
mod status;
mod to_proto;

pub use crate::persisted::Lifetimes;
pub use capabilities::CLAIMED;
pub use choice::{Worth, rank};
pub use client::{Parts, Subscription};
pub use connect::{ControlPlane, Link, Pipe};
pub use filter::digest as filter_digest;
pub use follower::{Breach, Follower, Identity, Received};
pub use keeping::{Keep, Keeping};
pub use report::Load;
pub use restoring::Restore;
pub use session::HEARTBEAT;
pub use status::{Candidate, Connection, Kept, Served, Status};
