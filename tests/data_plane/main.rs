//! One data plane alone: real sockets, scripted endpoints, and a control plane that the test plays.

mod answers;
mod attempts;
mod framing;
mod headers;
mod lookup;
mod support;
