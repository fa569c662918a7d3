//! Responses: what an endpoint answered, and what a client is answered.

pub(crate) mod malformed;
pub(crate) mod parse;
pub(crate) mod reason;
pub(crate) mod write;

use crate::body::length::BodyLength;
use crate::connection::ConnectionOptions;
use crate::fields::Fields;
use crate::known::Known;
use crate::method::Method;
use crate::version::Version;

/// A response head: status, fields, and what they mean for the connection and the body.
///
/// It owns its bytes and is reused, as [`crate::RequestHead`] is. The reason phrase is not kept:
/// writers use the standard one (R-104, D-345).
#[derive(Clone, Debug)]
pub struct ResponseHead {
    pub(crate) fields: Fields,
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) connection: ConnectionOptions,
    /// What the framing fields say, whether this response may have a body or not.
    pub(crate) declared: BodyLength,
    pub(crate) wire_len: usize,
}

impl ResponseHead {
    /// An empty head of status 200, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            fields: Fields::new(),
            status: 200,
            version: Version::Http11,
            connection: ConnectionOptions::NONE,
            declared: BodyLength::None,
            wire_len: 0,
        }
    }

    /// Empties the head and keeps its memory.
    pub fn clear(&mut self) {
        self.reset(200);
    }

    /// Empties the head for an answer of the router's own, and keeps its memory.
    pub fn reset(&mut self, status: u16) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self {
            fields,
            status,
            ..Self::new()
        };
    }

    /// The status: 100 to 599 where it was parsed.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Changes the status.
    pub const fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    /// Whether a final head follows: any 1xx but 101.
    pub const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101 && self.status >= 100
    }

    /// The version that the endpoint spoke.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// What `Connection` said. It is kept when the field is removed.
    pub const fn connection(&self) -> ConnectionOptions {
        self.connection
    }

    /// How the end of the body is marked that follows this head in answer to a request of
    /// `method` (RFC 9112 §6.3): none for `HEAD`, 1xx, 204 and 304, whatever the fields say.
    pub const fn body(&self, method: Method) -> BodyLength {
        if matches!(method, Method::Head) || has_no_body(self.status) {
            BodyLength::None
        } else {
            self.declared
        }
    }

    /// Whether a response of this status may have a body at all, whatever its fields say (RFC 9110 §6.4.1).
    pub const fn may_have_body(&self) -> bool {
        !has_no_body(self.status)
    }

    /// What `Content-Length` says, also where there is no body, as in an answer to `HEAD`.
    pub const fn content_length(&self) -> Option<u64> {
        match self.declared {
            BodyLength::Exact(len) => Some(len),
            BodyLength::None | BodyLength::Chunked | BodyLength::UntilClose => None,
        }
    }

    /// Sets how long the body is, for heads that were not parsed here.
    pub const fn set_body(&mut self, body: BodyLength) {
        self.declared = body;
    }

    /// Whether the endpoint's connection may carry another request after this response's body has
    /// been read to its end, the request sent to its end, and no surplus byte found.
    pub const fn reusable(&self, method: Method) -> bool {
        self.status != 101
            && !matches!(self.body(method), BodyLength::UntilClose)
            && self.connection.persistent(self.version)
    }

    /// The protocol that the endpoint switched to, in a 101: the value of `Upgrade` where
    /// `Connection` names it.
    pub fn upgrade(&self) -> Option<&[u8]> {
        if self.status == 101 && self.connection.upgrade {
            self.fields.get(Known::Upgrade)
        } else {
            None
        }
    }

    /// How many bytes the head took on the wire, empty line included; zero if it was not parsed.
    pub const fn wire_len(&self) -> usize {
        self.wire_len
    }

    /// The fields, the framing fields among them.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields, to be changed. Changing `Content-Length`, `Transfer-Encoding` or `Connection`
    /// here changes nothing of what is written: see [`crate::write_response`].
    pub const fn fields_mut(&mut self) -> &mut Fields {
        &mut self.fields
    }
}

/// Statuses whose responses never have a body, whatever their fields say (RFC 9112 §6.3).
const fn has_no_body(status: u16) -> bool {
    status < 200 || status == 204 || status == 304
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self::new()
    }
}
