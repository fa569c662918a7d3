//! Writing request heads to endpoints.

use super::RequestHead;
use crate::body::length::BodyLength;
use crate::fields::InvalidField;
use crate::known::KnownSet;
use crate::name::Name;

/// What a request says about the connection to the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpstreamConnection<'a> {
    /// Nothing, which in HTTP/1.1 means that it is used again.
    #[default]
    KeepAlive,
    /// `Connection: close`.
    Close,
    /// `Connection: Upgrade` and `Upgrade` with this protocol.
    Upgrade(&'a [u8]),
}

/// How a request goes out: all that differs from attempt to attempt, so that the head can stay.
#[derive(Clone, Copy, Debug)]
pub struct RequestOut<'a> {
    /// How the body will be sent. [`BodyLength::UntilClose`] cannot be sent and means `Chunked`.
    pub body: BodyLength,
    /// What is said about the connection.
    pub connection: UpstreamConnection<'a>,
    /// Known names that are left out.
    pub without: KnownSet,
    /// Fields that are appended, whether the head has some of that name or not.
    pub with: &'a [(Name<'a>, &'a [u8])],
}

/// Appends a request head to `out`: always HTTP/1.1, one `Host` (the authority), one framing,
/// CRLF.
///
/// The head's own `Host`, `Content-Length`, `Transfer-Encoding`, `Connection` and `Upgrade` are
/// never taken over; all other fields are, unless removed or in [`RequestOut::without`]. Removing
/// the other hop-by-hop fields is the caller's part: [`crate::Fields::strip_hop_by_hop`].
///
/// # Errors
/// A field in [`RequestOut::with`] or an upgrade protocol could not be written; `out` is as before.
pub fn write_request(
    out: &mut Vec<u8>,
    head: &RequestHead,
    how: &RequestOut<'_>,
) -> Result<(), InvalidField> {
    todo!()
}
