//! Clients over HTTP/2: what they get, what they may not do, and how their connections end.

mod attacks;
mod basics;
pub(crate) mod client;
mod conformance;
mod ending;
mod neighbours;
mod raw;
mod translated;
mod uploads;
