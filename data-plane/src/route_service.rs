//! Route services, apart from the requests that pass through them: how a request is signed on its
//! way to a service and recognised when it comes back, which services are reached within the
//! platform, and which addresses outside of it may be connected to (D-565 to D-613).
//!
//! Nothing here knows a socket.

mod addresses;
mod allow_list;
mod envelope;
mod key;
mod signer;
mod url;

pub use addresses::AddressRules;
pub use allow_list::{AllowList, BadEntry};
pub(crate) use envelope::Invalid;
pub use signer::Signer;
pub(crate) use signer::{Signed, nonce};
pub(crate) use url::{ServiceUrl, split};
