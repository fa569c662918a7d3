//! Writing response heads to clients.

use super::ResponseHead;
use crate::body::length::BodyLength;
use crate::fields::InvalidField;
use crate::known::KnownSet;
use crate::method::Method;
use crate::name::Name;
use crate::version::Version;

/// The interim head that asks a client for its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How a response goes out to a client.
#[derive(Clone, Copy, Debug)]
pub struct ResponseOut<'a> {
    /// The version that the client spoke; HTTP/1.0 clients get no chunked body.
    pub client: Version,
    /// The method of the request that is answered.
    pub method: Method,
    /// How the body arrives from where it comes; what the client gets is in [`Written::body`].
    pub body: BodyLength,
    /// Whether the router would use the client's connection again: what
    /// [`crate::RequestHead::keep_alive`] said, and no drain, no refusal, no unread request body.
    pub keep_alive: bool,
    /// For a 101: the protocol that is switched to.
    pub upgrade: Option<&'a [u8]>,
    /// The value of `Date` if the head has none.
    pub date: Option<&'a [u8]>,
    /// Known names that are left out.
    pub without: KnownSet,
    /// Fields that are appended, whether the head has some of that name or not.
    pub with: &'a [(Name<'a>, &'a [u8])],
}

/// What a written response head promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How the body has to be sent: the argument of [`crate::Encoder::new`].
    pub body: BodyLength,
    /// Whether the client's connection stays open after the body.
    pub keep_alive: bool,
}

/// Appends a final response head (or a 101) to `out`.
///
/// The reason phrase is the standard one. A body of unknown length becomes chunked for HTTP/1.1
/// and ends with the connection for HTTP/1.0. 204 and 304 carry no framing; an answer to `HEAD`
/// keeps the `Content-Length` that the head declares. `Connection` says `close` where the
/// connection ends, `keep-alive` where an HTTP/1.0 client asked for it. The head's own
/// `Connection`, `Content-Length`, `Transfer-Encoding` and `Upgrade` are never taken over.
///
/// # Errors
/// A field in [`ResponseOut::with`] or the date could not be written; `out` is as before.
pub fn write_response(
    out: &mut Vec<u8>,
    head: &ResponseHead,
    how: &ResponseOut<'_>,
) -> Result<Written, InvalidField> {
    todo!()
}

/// Appends an interim head (1xx but 101) to `out`, with all of its fields but the hop-by-hop and
/// framing ones. It must not be sent to HTTP/1.0 clients (RFC 9110 §15.2).
pub fn write_interim(out: &mut Vec<u8>, head: &ResponseHead) {
    todo!()
}
