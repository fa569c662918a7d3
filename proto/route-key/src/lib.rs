//! The canonical host and path of a route, which both planes must compute alike.
//!
//! The control plane files a registration under a [`RouteKey`]; a data plane finds the route of a request by the same
//! rules. Both also add up the same [digest] of what they hold, to notice when they differ. Nothing here
//! allocates more than the key itself, reads a clock, or knows how keys travel.

pub mod digest;
mod key;
mod normalize;

pub use key::{Host, KeyError, Path, RouteKey};
pub use normalize::{lowercase, strip_port};
