//! Connections to endpoints: making them, proving who is at the other end, keeping them while
//! they are not used, and speaking HTTP/1.1 on them. Connections to route services outside of the
//! platform are made and kept here as well.

pub(crate) mod connection;
pub(crate) mod dial;
mod handshakes;
pub(crate) mod idle;
mod late;
pub(crate) mod services;
pub(crate) mod tls;

pub(crate) use connection::{Connection, HeadFault};
pub(crate) use handshakes::Handshakes;
pub(crate) use idle::{Commons, Idle};
pub(crate) use late::LateDials;
pub(crate) use services::{Place, Services};
