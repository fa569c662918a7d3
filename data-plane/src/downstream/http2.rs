//! HTTP/2 with clients (RFC 9113): one connection, many streams, each of which is an exchange as any other.
//!
//! The protocol is spoken by the `h2` crate, used directly and not through a server on top of it. What the journey
//! needs is exactly what `h2` shows and such a server hides: whether a stream was reset while nobody reads or writes it
//! (a client that goes away blames nobody), capacity before bytes are taken from an endpoint (a stream holds no more
//! than its window and a bound allow, L-10), an answer before the request has ended, interim heads, and trailers in
//! both directions.
//!
//! * [`connection`] drives a connection: its streams, its waits, and how it ends.
//! * [`request`] is the task of one stream: it sends the request on the same journey that one over HTTP/1.1 makes.
//! * [`stream`] is what carries that exchange; [`translate`] are its heads.
//! * [`metered`] are the bytes below, past [`meter`]: what `h2` does not count it counts (L-17 to L-20).

mod connection;
mod flow;
mod frames;
mod meter;
mod metered;
mod request;
mod stream;
mod translate;

pub(super) use crate::http2::ALPN;
pub(super) use connection::serve;
pub(super) use stream::Stream;
