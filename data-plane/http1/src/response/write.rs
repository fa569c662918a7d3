//! Writing response heads to clients.

use super::ResponseHead;
use super::has_no_body;
use super::reason::reason_phrase;
use crate::body::length::BodyLength;
use crate::fields::{Fields, InvalidField};
use crate::framing::push_framing;
use crate::known::{Known, KnownSet};
use crate::method::Method;
use crate::name::Name;
use crate::number::push_status;
use crate::out::{check_value, push_fields, push_upgrade, undo_on_error};
use crate::version::Version;

/// The interim head that asks a client for its body.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How a response goes out to a client.
///
/// `ResponseOut { body, keep_alive, ..ResponseOut::default() }` answers a `GET` over HTTP/1.1.
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
    /// Fields that are appended, whether the head has some of that name or not; known names in
    /// their canonical spelling.
    pub with: &'a [(Name<'a>, &'a [u8])],
    /// Lists that are appended whole, each in one copy.
    pub prepared: &'a [&'a Fields],
}

impl Default for ResponseOut<'_> {
    fn default() -> Self {
        Self {
            client: Version::Http11,
            method: Method::Get,
            body: BodyLength::None,
            keep_alive: false,
            upgrade: None,
            date: None,
            without: KnownSet::EMPTY,
            with: &[],
            prepared: &[],
        }
    }
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
    let written = promise(head, how);
    undo_on_error(out, |out| {
        push_status_line(out, how.client, head.status);
        head.fields.write(out, how.without.union(MADE_HERE));
        push_fields(out, how.with)?;
        for fields in how.prepared {
            fields.write(out, MADE_HERE);
        }
        if let Some(date) = how.date
            && !head.fields.present().contains(Known::Date)
        {
            push_fields(out, &[(Known::Date.into(), date)])?;
        }
        push_framing(out, declared(head, how.method, written.body));
        push_connection(out, how, written)?;
        out.extend_from_slice(b"\r\n");
        Ok(())
    })?;
    Ok(written)
}

/// Fields that this writer makes itself.
const MADE_HERE: KnownSet = KnownSet::of(&[
    Known::ContentLength,
    Known::TransferEncoding,
    Known::Connection,
    Known::Upgrade,
]);

/// How the body goes out, and whether the connection outlives it.
fn promise(head: &ResponseHead, how: &ResponseOut<'_>) -> Written {
    let body = if how.method == Method::Head || has_no_body(head.status) {
        BodyLength::None
    } else {
        match how.body {
            // Without a length the client would wait for the end of the connection.
            BodyLength::None => BodyLength::Exact(0),
            BodyLength::Exact(length) => BodyLength::Exact(length),
            BodyLength::Chunked | BodyLength::UntilClose => match how.client {
                Version::Http10 => BodyLength::UntilClose,
                Version::Http11 | Version::Http2 => BodyLength::Chunked,
            },
        }
    };
    let ends = body == BodyLength::UntilClose || head.status == 101;
    Written {
        body,
        keep_alive: how.keep_alive && !ends,
    }
}

/// What the framing fields say: what is sent, but for `HEAD` what a `GET` would be told.
fn declared(head: &ResponseHead, method: Method, body: BodyLength) -> BodyLength {
    if method == Method::Head && !has_no_body(head.status) {
        head.content_length()
            .map_or(BodyLength::None, BodyLength::Exact)
    } else {
        body
    }
}

fn push_connection(
    out: &mut Vec<u8>,
    how: &ResponseOut<'_>,
    written: Written,
) -> Result<(), InvalidField> {
    if let Some(protocol) = how.upgrade {
        check_value(protocol)?;
        push_upgrade(out, protocol);
    } else if !written.keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if how.client == Version::Http10 {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    Ok(())
}

fn push_status_line(out: &mut Vec<u8>, version: Version, status: u16) {
    out.extend_from_slice(match version {
        Version::Http10 => b"HTTP/1.0 ",
        Version::Http11 | Version::Http2 => b"HTTP/1.1 ",
    });
    push_status(out, status);
    out.push(b' ');
    if let Some(reason) = reason_phrase(status) {
        out.extend_from_slice(reason.as_bytes());
    } else {
        out.extend_from_slice(b"status code ");
        push_status(out, status);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim head (1xx but 101) to `out`, with all of its fields but the hop-by-hop and
/// framing ones. It must not be sent to HTTP/1.0 clients (RFC 9110 §15.2).
pub fn write_interim(out: &mut Vec<u8>, head: &ResponseHead) {
    push_status_line(out, Version::Http11, head.status);
    head.fields
        .write(out, KnownSet::HOP_BY_HOP.union(MADE_HERE));
    out.extend_from_slice(b"\r\n");
}
