//! HTTP/1.1 heads and bodies, bytes in, events out, for both roles.
//!
//! The data plane calls this crate between its sockets and its journey: towards clients in the
//! server role ([`RequestParser`], [`write_response`]), towards endpoints in the client role
//! ([`write_request`], [`ResponseParser`]), and on the way through in both ([`Decoder`],
//! [`Encoder`]). It never waits, never reads a clock, never owns a socket, and never forwards what
//! two parsers could understand in two ways: such a message is refused by name ([`Refused`],
//! [`Malformed`], [`BadBody`]) and nothing of it passes.
//!
//! # One exchange
//!
//! 1. The connection reads into its buffer and calls [`RequestParser::parse`] with all unconsumed
//!    bytes until it answers with the length of the head. The [`RequestHead`] is owned, reused
//!    from request to request, and allocates nothing once it has grown to its usual size.
//! 2. The journey reads and edits [`RequestHead::fields_mut`]; what differs from attempt to attempt
//!    goes into [`RequestOut::with`] and leaves the head as it is.
//! 3. [`write_request`] appends one well-formed HTTP/1.1 head to the output buffer.
//! 4. [`Decoder`] says which ranges of the read buffer are body; [`Encoder`] says what goes around
//!    them on the other side, so that a body is never copied.
//! 5. [`ResponseParser::parse`], [`ResponseHead::body`] and [`write_response`] do the same in the
//!    other direction.
//!
//! # What is kept, and where a message is re-made
//!
//! A head keeps its bytes in one buffer of its own, and an ordered list of offsets into it. The
//! start line, the framing fields, `Host` and `Connection` are never taken over: the writers make
//! them from what was understood. A field is taken over as one line only where its line is
//! byte for byte what the writer would produce (name, colon, one blank, trimmed value, CRLF).

mod body;
mod connection;
mod fields;
mod framing;
mod head_scan;
mod host;
mod known;
mod limits;
mod method;
mod name;
mod number;
mod out;
mod request;
mod response;
mod scan;
mod version;

pub use body::bad::BadBody;
pub use body::decode::{Decoder, Step};
pub use body::encode::{ChunkHead, Encoder, Frame, WrongLength};
pub use body::length::BodyLength;
pub use body::trailers::may_be_trailer;
pub use connection::ConnectionOptions;
pub use fields::{Field, Fields, InvalidField};
pub use host::{Host, InvalidHost};
pub use known::{Known, KnownSet};
pub use limits::{BodyLimits, LimitError, RequestLimits, ResponseLimits};
pub use method::Method;
pub use name::Name;
pub use request::parse::RequestParser;
pub use request::refused::Refused;
pub use request::write::{RequestOut, UpstreamConnection, write_request};
pub use request::{RequestHead, TargetForm};
pub use response::ResponseHead;
pub use response::malformed::Malformed;
pub use response::parse::ResponseParser;
pub use response::reason::reason_phrase;
pub use response::write::{CONTINUE, ResponseOut, Written, write_interim, write_response};
pub use version::Version;
