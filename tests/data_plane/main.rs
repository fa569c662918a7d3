//! One data plane alone: real sockets, scripted endpoints, and a control plane that the test plays.

mod answers;
mod attempts;
mod bodies;
mod drain;
mod framing;
mod headers;
mod log;
mod lookup;
mod support;
mod timeouts;
mod tls;
mod workers;
