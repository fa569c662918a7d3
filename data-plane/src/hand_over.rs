//! How a successor takes over from a running data plane without a refused or reset connection.
//!
//! The running one offers its listening sockets at a Unix socket. A successor asks there at its
//! start, gets the very same sockets, and becomes ready while the old process serves on. Only then
//! it begins to accept, says so, and offers the sockets itself; the old one stops accepting and
//! drains. No listener is ever closed on the way, so that nothing that waits in one is lost, and a
//! successor that never becomes ready changes nothing.

mod message;
mod offer;
mod succeed;

pub(crate) use offer::Offer;
pub(crate) use succeed::{Claim, claim};

/// What the successor says once it accepts.
const READY: &[u8] = b"ready\n";
