//! Clients over HTTP/2: what they get, what they may not do, and how their connections end.

mod basics;
mod client;
mod ending;
mod translated;
