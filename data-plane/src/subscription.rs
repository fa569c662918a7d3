//! Following a control plane: what it says becomes the table, and what the data plane sees goes
//! back.
//!
//! A [`Follower`] is the data plane's end of the stream without the wire: messages in, a table and
//! messages out. A [`Subscription`] gives it a wire: it connects, shows signs of life, notices
//! silence, and connects again. While there is no control plane the last table is served.

mod answer;
mod backoff;
mod capabilities;
mod client;
mod connect;
mod follower;
mod from_proto;
mod report;
mod session;
mod status;
mod to_proto;

pub use capabilities::CLAIMED;
pub use client::{Parts, Subscription};
pub use connect::{ControlPlane, Link, Pipe};
pub use follower::{Breach, Follower, Identity, Received};
pub use report::Load;
pub use session::HEARTBEAT;
pub use status::{Connection, Status};
