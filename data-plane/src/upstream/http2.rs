//! HTTP/2 with endpoints (RFC 9113): those that are registered with that protocol and TLS, and choose it in the
//! handshake (D-513).
//!
//! A worker has one connection to such an endpoint, a [`Trunk`], and another one only where that takes no more streams.
//! A request has a [`Stream`] of it, which is its own as a connection of HTTP/1.1 would be: it is polled by the task of
//! the request, and dropping it leaves the trunk to the others. What they share is driven by a task of its own
//! ([`drive`]). The protocol is spoken by the `h2` crate.
//!
//! * [`greet()`] makes a trunk of a connection: it stands once the endpoint has said how many streams it takes, so that
//!   none is refused for being one too many.
//! * [`trunks`] are those of a worker, and those in the making, which every request that needs one waits for.
//! * [`answer`] are the heads of answers, as strict as those of HTTP/1.1.

mod answer;
mod below;
mod drive;
mod greet;
mod making;
mod stream;
mod trunk;
mod trunks;

pub(crate) use greet::greet;
pub(crate) use making::share;
pub(crate) use stream::Stream;
pub(crate) use trunk::Trunk;
pub(crate) use trunks::Trunks;

/// Streams of one connection, however many more the endpoint would take (L-15).
const STREAMS: usize = 100;

/// What an endpoint may send of one answer before the client has taken it (L-10).
const STREAM_WINDOW: u32 = 64 * 1024;

/// The same of all answers on a connection. None of them waits for clients that are slow with others.
const TRUNK_WINDOW: u32 = STREAM_WINDOW * 100;

/// What may wait in a stream for the endpoint to take it (L-10).
const SEND_BUFFER: usize = 64 * 1024;
