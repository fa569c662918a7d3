//! What is told of each request to the agent for metrics on the same machine: one event of Dropsonde, in an envelope of
//! its first version, for each request that was served.
//!
//! A worker encodes events into a buffer of its own ([`Emitter`]) and hands whole buffers to one thread, which sends a
//! datagram for each. An agent that is not there, or too slow, costs events, which are counted, and never a request's
//! time.

mod emitter;
mod envelope;

use std::net::SocketAddr;

pub(crate) use emitter::{Emitter, Sender};
pub(crate) use envelope::Served;

/// Where events go.
#[derive(Clone, Debug)]
pub struct Events {
    /// The agent, as a rule on a loopback address.
    pub agent: SocketAddr,
    /// Who says so: the `origin` of envelopes.
    pub origin: String,
}
