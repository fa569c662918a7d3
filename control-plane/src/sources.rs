//! Where registrations come from. A source turns what it hears into events for the registry, and says when it is away.

pub mod file;
pub mod message;
pub mod nats;
mod refusals;
pub mod routing_api;

pub use refusals::Refusals;
