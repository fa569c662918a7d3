//! Writing request heads to endpoints.

use super::RequestHead;
use crate::body::length::BodyLength;
use crate::fields::{Fields, InvalidField};
use crate::framing::push_framing;
use crate::known::{Known, KnownSet};
use crate::name::Name;
use crate::out::{check_value, push_fields, push_upgrade, undo_on_error};

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
///
/// `RequestOut { body, with, ..RequestOut::default() }` leaves the rest at nothing special.
#[derive(Clone, Copy, Debug)]
pub struct RequestOut<'a> {
    /// How the body will be sent. [`BodyLength::UntilClose`] cannot be sent and means `Chunked`.
    pub body: BodyLength,
    /// What is said about the connection.
    pub connection: UpstreamConnection<'a>,
    /// Known names that are left out.
    pub without: KnownSet,
    /// Fields that are appended, whether the head has some of that name or not; known names in
    /// their canonical spelling.
    pub with: &'a [(Name<'a>, &'a [u8])],
    /// Lists that are appended whole, each in one copy: what is the same for every request to an
    /// endpoint, or from a client's connection, is checked once, when it is put in the list.
    pub prepared: &'a [&'a Fields],
    /// The value of `Host`, if it is another than that of the head.
    pub authority: Option<&'a [u8]>,
}

impl Default for RequestOut<'_> {
    fn default() -> Self {
        Self {
            body: BodyLength::None,
            connection: UpstreamConnection::KeepAlive,
            without: KnownSet::EMPTY,
            with: &[],
            prepared: &[],
            authority: None,
        }
    }
}

/// Appends a request head to `out`: always HTTP/1.1, one `Host` (the authority), one framing,
/// CRLF.
///
/// The head's own `Host`, `Content-Length`, `Transfer-Encoding`, `Connection` and `Upgrade` are
/// never taken over; all other fields are, unless removed or in [`RequestOut::without`]. Removing
/// the other hop-by-hop fields is the caller's part: [`crate::Fields::strip_hop_by_hop`].
///
/// # Errors
/// A field in [`RequestOut::with`], the authority or an upgrade protocol could not be written; `out` is as before.
pub fn write_request(
    out: &mut Vec<u8>,
    head: &RequestHead,
    how: &RequestOut<'_>,
) -> Result<(), InvalidField> {
    undo_on_error(out, |out| {
        out.extend_from_slice(head.method_bytes());
        out.push(b' ');
        out.extend_from_slice(head.target());
        out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
        match how.authority {
            None => out.extend_from_slice(head.authority()),
            Some(authority) => {
                check_value(authority)?;
                out.extend_from_slice(authority);
            }
        }
        out.extend_from_slice(b"\r\n");
        head.fields.write(out, how.without.union(MADE_HERE));
        push_fields(out, how.with)?;
        for fields in how.prepared {
            fields.write(out, MADE_HERE);
        }
        push_connection(out, how.connection)?;
        push_framing(out, sendable(how.body));
        out.extend_from_slice(b"\r\n");
        Ok(())
    })
}

/// Fields that this writer makes itself.
const MADE_HERE: KnownSet = KnownSet::of(&[
    Known::Host,
    Known::ContentLength,
    Known::TransferEncoding,
    Known::Connection,
    Known::Upgrade,
]);

fn push_connection(
    out: &mut Vec<u8>,
    connection: UpstreamConnection<'_>,
) -> Result<(), InvalidField> {
    match connection {
        UpstreamConnection::KeepAlive => {}
        UpstreamConnection::Close => out.extend_from_slice(b"Connection: close\r\n"),
        UpstreamConnection::Upgrade(protocol) => {
            check_value(protocol)?;
            push_upgrade(out, protocol);
        }
    }
    Ok(())
}

/// A request has no end by the end of its connection.
const fn sendable(body: BodyLength) -> BodyLength {
    match body {
        BodyLength::UntilClose => BodyLength::Chunked,
        _ => body,
    }
}
