//! The access log: one line for each request, in Gorouter's format, written off the request path.
//!
//! A worker formats lines into a buffer of its own ([`Lines`]) and hands whole buffers to one
//! writer thread ([`Writer`]). A writer that falls behind costs lines, which are counted, and
//! never a request's time.

pub(crate) mod line;
mod lines;
mod quote;
mod time;
mod writer;

pub(crate) use lines::Lines;
pub use writer::Sink;
pub(crate) use writer::Writer;

/// What the access log shows and where it goes.
#[derive(Debug)]
pub struct AccessLog {
    /// Where the lines go.
    pub sink: Sink,
    /// Shows `"-"` for the client's address (`logging.disable_log_source_ip`).
    pub hide_source_ip: bool,
    /// Shows `"-"` for `X-Forwarded-For` (`logging.disable_log_forwarded_for`).
    pub hide_forwarded_for: bool,
}
