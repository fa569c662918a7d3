//! One data plane alone: real sockets, scripted endpoints, and a control plane that the test plays.

mod framing;
mod support;
