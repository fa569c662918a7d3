//! Connections of clients, and the seam to the journey: what a request is, and how it is answered,
//! whatever protocol it came in.

pub(crate) mod behind;
pub(crate) mod client;
pub(crate) mod connection;
mod exchange;
pub(crate) mod http2;
mod linger;
mod prefix;
pub(crate) mod tls;

pub(crate) use client::Client;
pub(crate) use connection::serve;
pub(crate) use exchange::{Exchange, Outgoing};
