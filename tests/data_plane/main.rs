//! One data plane alone: real sockets, scripted endpoints, and a control plane that the test plays.

mod answers;
mod attempts;
mod bodies;
mod drain;
mod error_page;
mod framing;
mod headers;
mod health;
mod hedging;
mod idle_race;
mod instances;
mod large_bodies;
mod log;
mod lookup;
mod outliers;
mod process;
mod request_size;
mod rewriting;
mod sanitizing;
mod sticky;
mod support;
mod timeouts;
mod tls;
mod traces;
mod workers;
mod zones;
