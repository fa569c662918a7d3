//! Requests: what a client asked for, and what an endpoint is asked.

pub(crate) mod line;
pub(crate) mod parse;
pub(crate) mod refused;
pub(crate) mod target;
pub(crate) mod write;

use std::ops::Range;

use crate::body::length::BodyLength;
use crate::connection::ConnectionOptions;
use crate::fields::{Fields, Span};
use crate::known::Known;
use crate::method::Method;
use crate::version::Version;

use crate::host::Host;
use crate::scan::is_token;

use refused::Refused;
use target::{Authority, Target, check_bytes};

/// The form of a request target (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// A path, with or without a query.
    #[default]
    Origin,
    /// An absolute `http` or `https` URI; its authority stands for `Host`.
    Absolute,
    /// `*`, which only `OPTIONS` may have.
    Asterisk,
}

/// A request head: start line, fields, and what they mean for the connection and the body.
///
/// It owns its bytes, so it can outlive the read buffer, and is reused from request to request:
/// filling it again allocates nothing once it has its size. An HTTP/2 adapter fills it with
/// [`RequestHead::assign`] and [`Fields::push`].
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub(crate) fields: Fields,
    pub(crate) line: RequestLine,
    pub(crate) version: Version,
    pub(crate) connection: ConnectionOptions,
    pub(crate) expects_continue: bool,
    pub(crate) body: BodyLength,
    pub(crate) wire_len: usize,
}

/// Where the parts of a request line stand, and the host that the request is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) form: TargetForm,
    pub(crate) method_at: Span,
    pub(crate) target: Span,
    pub(crate) path: Span,
    pub(crate) authority: Span,
    pub(crate) host: Span,
    pub(crate) port: Option<u16>,
}

impl RequestLine {
    const EMPTY: Self = Self {
        method: Method::Get,
        form: TargetForm::Origin,
        method_at: Span::EMPTY,
        target: Span::EMPTY,
        path: Span::EMPTY,
        authority: Span::EMPTY,
        host: Span::EMPTY,
        port: None,
    };

    /// Takes over a method and a target, which begins at `target_at`.
    fn fill(&mut self, method: Method, method_at: Span, target: &Target, target_at: usize) {
        let place = |range: &Range<usize>| Span {
            start: target_at + range.start,
            end: target_at + range.end,
        };
        self.method = method;
        self.form = target.form;
        self.method_at = method_at;
        self.target = place(&(0..target.len));
        self.path = place(&target.path);
        if let Some(Authority {
            whole,
            host_len,
            port,
        }) = &target.authority
        {
            let whole = target_at + whole.start..target_at + whole.end;
            self.set_authority(&Authority {
                whole,
                host_len: *host_len,
                port: *port,
            });
        }
    }

    /// Says whom the request is for; the authority's range counts from the head's first byte.
    fn set_authority(&mut self, authority: &Authority) {
        let Authority {
            whole,
            host_len,
            port,
        } = authority;
        self.authority = Span {
            start: whole.start,
            end: whole.end,
        };
        self.host = Span {
            start: whole.start,
            end: whole.start + host_len,
        };
        self.port = *port;
    }
}

impl RequestHead {
    /// An empty head, which has allocated nothing.
    pub const fn new() -> Self {
        Self {
            fields: Fields::new(),
            line: RequestLine::EMPTY,
            version: Version::Http11,
            connection: ConnectionOptions::NONE,
            expects_continue: false,
            body: BodyLength::None,
            wire_len: 0,
        }
    }

    /// Empties the head and keeps its memory.
    pub fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self {
            fields,
            ..Self::new()
        };
    }

    /// Fills the start line from parts that did not arrive as an HTTP/1 request line, and empties
    /// the fields. The parts are checked as a parsed line is: `method` is a token but not
    /// `CONNECT`, `target` a path or `*`, `authority` a valid host.
    ///
    /// # Errors
    /// Why an HTTP/1 request made of these parts would be refused; the head is then empty.
    pub fn assign(
        &mut self,
        version: Version,
        method: &[u8],
        target: &[u8],
        authority: &[u8],
    ) -> Result<(), Refused> {
        self.clear();
        let line = self.keep_line(method, target, authority);
        match line {
            Ok(line) => {
                self.line = line;
                self.version = version;
                Ok(())
            }
            Err(refused) => {
                self.clear();
                Err(refused)
            }
        }
    }

    /// Checks and keeps the parts of a start line.
    fn keep_line(
        &mut self,
        method: &[u8],
        target: &[u8],
        authority: &[u8],
    ) -> Result<RequestLine, Refused> {
        if !is_token(method) {
            return Err(Refused::Method);
        }
        let known = Method::of(method);
        if known == Method::Connect {
            return Err(Refused::Connect);
        }
        check_bytes(target)?;
        let parsed = Target::parse(target, known)?;
        if parsed.form == TargetForm::Absolute {
            return Err(Refused::Target);
        }
        let host = Host::parse(authority)?;
        let method_at = self.fields.keep(method);
        let target_at = self.fields.keep(target).start;
        let authority_at = self.fields.keep(authority).start;
        let mut line = RequestLine::EMPTY;
        line.fill(known, method_at, &parsed, target_at);
        line.set_authority(&Authority::new(&host, authority_at, authority.len()));
        Ok(line)
    }

    /// The method.
    pub const fn method(&self) -> Method {
        self.line.method
    }

    /// The method as received.
    pub fn method_bytes(&self) -> &[u8] {
        self.fields.at(self.line.method_at)
    }

    /// The request target as received, in whatever form.
    pub fn target(&self) -> &[u8] {
        self.fields.at(self.line.target)
    }

    /// The form of the target.
    pub const fn target_form(&self) -> TargetForm {
        self.line.form
    }

    /// The path with its query, for looking up the route: the target itself in origin form, what
    /// follows the authority in absolute form (`/` if nothing does), `*` in asterisk form. After
    /// an authority without a path it begins with the `?` of the query.
    pub fn path_and_query(&self) -> &[u8] {
        match self.fields.at(self.line.path) {
            b"" => b"/",
            path => path,
        }
    }

    /// The path without the query; `/` where an absolute target has none.
    pub fn path(&self) -> &[u8] {
        let path = self.path_and_query();
        match memchr::memchr(b'?', path) {
            Some(0) => b"/",
            Some(end) => path.get(..end).unwrap_or_default(),
            None => path,
        }
    }

    /// The query after the first `?`, if there is one.
    pub fn query(&self) -> Option<&[u8]> {
        let path = self.path_and_query();
        memchr::memchr(b'?', path).and_then(|mark| path.get(mark + 1..))
    }

    /// Replaces what will be written as request target; the path for the lookup stays.
    ///
    /// # Errors
    /// A byte that may not stand in a target, or no byte at all.
    pub fn set_target(&mut self, target: &[u8]) -> Result<(), Refused> {
        check_bytes(target)?;
        self.line.target = self.fields.keep(target);
        Ok(())
    }

    /// The authority that the request is for, as received: the target's in absolute form, else
    /// the value of `Host`. It is written as `Host` to the endpoint.
    pub fn authority(&self) -> &[u8] {
        self.fields.at(self.line.authority)
    }

    /// Replaces the authority, as for a route service.
    ///
    /// # Errors
    /// [`Refused::MalformedHost`] or [`Refused::EmptyHost`]; the head is as before.
    pub fn set_authority(&mut self, authority: &[u8]) -> Result<(), Refused> {
        let host = Host::parse(authority)?;
        let start = self.fields.keep(authority).start;
        self.line
            .set_authority(&Authority::new(&host, start, authority.len()));
        Ok(())
    }

    /// Sends the request elsewhere: replaces target and authority, both for the lookup and for what
    /// is written, as for a route service within the platform.
    ///
    /// # Errors
    /// Why an HTTP/1 request made of these parts would be refused; the head is as before.
    pub fn redirect(&mut self, target: &[u8], authority: &[u8]) -> Result<(), Refused> {
        check_bytes(target)?;
        let parsed = Target::parse(target, self.line.method)?;
        if parsed.form == TargetForm::Absolute {
            return Err(Refused::Target);
        }
        let host = Host::parse(authority)?;
        let target_at = self.fields.keep(target).start;
        let authority_at = self.fields.keep(authority).start;
        let RequestLine {
            method, method_at, ..
        } = self.line;
        self.line.fill(method, method_at, &parsed, target_at);
        self.line
            .set_authority(&Authority::new(&host, authority_at, authority.len()));
        Ok(())
    }

    /// The host of the authority without its port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &[u8] {
        self.fields.at(self.line.host)
    }

    /// The port of the authority, if it has one.
    pub const fn port(&self) -> Option<u16> {
        self.line.port
    }

    /// The version that the client spoke.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How the end of the request body is marked: never [`BodyLength::UntilClose`].
    pub const fn body(&self) -> BodyLength {
        self.body
    }

    /// Sets how long the body is, for heads that were not parsed here.
    pub const fn set_body(&mut self, body: BodyLength) {
        self.body = body;
    }

    /// Whether the client waits for `100 Continue` before it sends the body. An HTTP/1.0
    /// client never does (RFC 9110 §10.1.1).
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// What `Connection` said. It is kept when the field is removed.
    pub const fn connection(&self) -> ConnectionOptions {
        self.connection
    }

    /// Whether the client would use its connection again.
    pub const fn keep_alive(&self) -> bool {
        self.connection.persistent(self.version)
    }

    /// The protocol that the client asks to upgrade to: the value of `Upgrade` where `Connection`
    /// names it in an HTTP/1.1 request.
    pub fn upgrade(&self) -> Option<&[u8]> {
        if self.connection.upgrade && self.version == Version::Http11 {
            self.fields.get(Known::Upgrade)
        } else {
            None
        }
    }

    /// How many bytes the head took on the wire, empty line included; zero if it was not parsed, unless somebody has
    /// said so.
    pub const fn wire_len(&self) -> usize {
        self.wire_len
    }

    /// Says how long the head is, for heads that were not parsed here: what it would take as lines.
    pub const fn set_wire_len(&mut self, len: usize) {
        self.wire_len = len;
    }

    /// The fields, `Host` and the framing fields among them.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The fields, to be changed. Changing `Host`, `Content-Length`, `Transfer-Encoding` or
    /// `Connection` here changes nothing of what is written: see [`crate::write_request`].
    pub const fn fields_mut(&mut self) -> &mut Fields {
        &mut self.fields
    }
}

impl Default for RequestHead {
    fn default() -> Self {
        Self::new()
    }
}
