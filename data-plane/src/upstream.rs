//! Connections to endpoints: making them, proving who is at the other end, keeping them while
//! they are not used, and speaking HTTP on them: 1.1, or 2 where an endpoint asks for it ([`http2`]).
//! Connections to route services outside of the platform are made and kept here as well.

mod carrier;
pub(crate) mod connection;
pub(crate) mod dial;
mod handshakes;
pub(crate) mod http2;
pub(crate) mod idle;
mod late;
pub(crate) mod services;
pub(crate) mod tls;

pub(crate) use carrier::Carrier;
pub(crate) use connection::{Connection, HeadFault};
pub(crate) use handshakes::Handshakes;
pub(crate) use http2::{Stream, Trunks};
pub(crate) use idle::{Commons, Idle};
pub(crate) use late::LateDials;
pub(crate) use services::{Place, Services};
