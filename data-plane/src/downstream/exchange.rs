//! One request and its answer, as the journey sees them: a head, a body that comes when it is
//! asked for, and an answer that may begin before the body has ended.
//!
//! This is the seam between the journey and the protocols of clients. Nothing behind it knows which
//! of them this one is: the connection of HTTP/1.1, or one stream of many over HTTP/2.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use pointsman_http1::{
    BodyLength, BodyLimits, CONTINUE, Fields, InvalidField, KnownSet, Name, RequestHead,
    ResponseHead, ResponseOut, Version, write_interim, write_response,
};

use super::Client;
use super::http2::Stream;
use crate::wire::{BodyFault, Wire};

/// What the journey adds to an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    /// How the body arrives from where it comes.
    pub(crate) body: BodyLength,
    /// The value of `Date` if the head has none.
    pub(crate) date: &'a [u8],
    /// Known names that are left out.
    pub(crate) without: KnownSet,
    /// Fields that are appended.
    pub(crate) with: &'a [(Name<'a>, &'a [u8])],
    /// Whether trailers may come behind a body whose length is known, as over HTTP/2 alone.
    pub(crate) trailed: bool,
}

/// What carries an exchange.
enum Line<'a> {
    /// A connection, which carries nothing else meanwhile.
    Http1(&'a mut Wire),
    /// A stream beside others.
    Http2(&'a mut Stream),
}

/// One request and its answer.
pub(crate) struct Exchange<'a> {
    /// Who asks.
    pub(crate) client: &'a Client,
    /// What is asked.
    pub(crate) request: &'a mut RequestHead,
    line: Line<'a>,
    /// Whether the connection would take another request.
    reusable: bool,
    asked_for_body: bool,
    /// Whether the connection stays open after the answer, once its head was written.
    begun: Option<bool>,
    /// Whether the client takes the end of the connection for the end of the answer.
    ends_with_connection: bool,
    received: u64,
    sent: u64,
}

impl<'a> Exchange<'a> {
    /// Begins with a head that was read from `wire`.
    pub(crate) fn new(
        client: &'a Client,
        request: &'a mut RequestHead,
        wire: &'a mut Wire,
        limits: BodyLimits,
        reusable: bool,
    ) -> Self {
        wire.expect_body(request.body(), limits);
        let asked_for_body = !request.expects_continue();
        Self {
            client,
            request,
            line: Line::Http1(wire),
            reusable,
            asked_for_body,
            begun: None,
            ends_with_connection: false,
            received: 0,
            sent: 0,
        }
    }

    /// Begins with a head that was understood on a stream.
    pub(crate) fn over_http2(
        client: &'a Client,
        request: &'a mut RequestHead,
        stream: &'a mut Stream,
    ) -> Self {
        Self {
            client,
            request,
            line: Line::Http2(stream),
            // What becomes of the connection is not decided by one of its streams.
            reusable: false,
            // The stream asks by itself.
            asked_for_body: true,
            begun: None,
            ends_with_connection: false,
            received: 0,
            sent: 0,
        }
    }
}

/// The request's body.
impl Exchange<'_> {
    /// Waits for data of the body. `true`: there is some; `false`: the body has ended.
    #[inline]
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyFault>> {
        match &mut self.line {
            Line::Http1(wire) => wire.poll_data(cx),
            Line::Http2(stream) => stream.poll_data(cx),
        }
    }

    /// The data that is there.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        match &self.line {
            Line::Http1(wire) => wire.data(),
            Line::Http2(stream) => stream.data(),
        }
    }

    /// Drops what was taken of it.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) {
        self.received += count as u64;
        match &mut self.line {
            Line::Http1(wire) => wire.take(count),
            Line::Http2(stream) => stream.take(count),
        }
    }

    /// Whether the body was read and taken to its end.
    #[inline]
    pub(crate) fn body_is_read(&self) -> bool {
        match &self.line {
            Line::Http1(wire) => wire.body_is_read(),
            Line::Http2(stream) => stream.body_is_read(),
        }
    }

    /// Drops what has already arrived of the body: nobody will read it any more.
    pub(crate) fn skip_arrived_body(&mut self) {
        match &mut self.line {
            Line::Http1(wire) => {
                wire.skip_read_body();
            }
            Line::Http2(stream) => stream.skip_read_body(),
        }
    }

    /// Gives the memory for bulk back: what was read waits for an endpoint that takes nothing.
    pub(crate) fn yield_large(&mut self) {
        // A stream holds what its window allows, and no memory beside it.
        if let Line::Http1(wire) = &mut self.line {
            wire.yield_large();
        }
    }

    /// The trailers behind the body.
    pub(crate) fn trailers(&self) -> &Fields {
        match &self.line {
            Line::Http1(wire) => wire.trailers(),
            Line::Http2(stream) => stream.trailers(),
        }
    }

    /// Waits until the client has gone. On a connection of HTTP/1.1 that can be seen only once its
    /// body has ended: before that, what comes is body.
    #[inline]
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.line {
            Line::Http1(wire) if wire.body_is_read() => wire.poll_gone(cx),
            Line::Http1(_) => Poll::Pending,
            Line::Http2(stream) => stream.poll_gone(cx),
        }
    }

    /// How many bytes of body were taken.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }
}

/// The connection.
impl Exchange<'_> {
    /// The address of the router that the client has connected to.
    pub(crate) fn router_ip(&self) -> Option<IpAddr> {
        match &self.line {
            Line::Http1(wire) => wire.local_ip(),
            Line::Http2(stream) => stream.local_ip(),
        }
    }
}

/// The answer.
impl Exchange<'_> {
    /// Asks a client that waits for it to send the body, once.
    pub(crate) fn ask_for_body(&mut self) {
        if !self.asked_for_body {
            self.asked_for_body = true;
            if let Line::Http1(wire) = &mut self.line {
                wire.output().extend_from_slice(CONTINUE);
            }
        }
    }

    /// Has the connection end with the answer, whatever was asked for.
    pub(crate) fn close_after(&mut self) {
        self.reusable = false;
    }

    /// Passes an interim head on, where the client understands it.
    pub(crate) fn interim(&mut self, head: &ResponseHead) {
        if self.request.version() == Version::Http10 {
            return;
        }
        if head.status() == 100 && std::mem::replace(&mut self.asked_for_body, true) {
            // The client was asked already, or asks for nothing.
            if self.request.expects_continue() {
                return;
            }
        }
        match &mut self.line {
            Line::Http1(wire) => write_interim(wire.output(), head),
            Line::Http2(stream) => stream.interim(head),
        }
    }

    /// Writes the head of the answer.
    ///
    /// # Errors
    /// A field that cannot be written; nothing was.
    pub(crate) fn answer(
        &mut self,
        head: &ResponseHead,
        how: &Outgoing<'_>,
    ) -> Result<(), InvalidField> {
        let wire = match &mut self.line {
            Line::Http1(wire) => wire,
            Line::Http2(stream) => {
                stream.answer(self.request.method(), head, how)?;
                self.begun = Some(true);
                return Ok(());
            }
        };
        let out = ResponseOut {
            client: self.request.version(),
            method: self.request.method(),
            body: how.body,
            keep_alive: self.reusable && self.request.keep_alive() && wire.body_is_read(),
            upgrade: None,
            date: Some(how.date),
            without: how.without,
            with: how.with,
            prepared: &[],
        };
        let written = write_response(wire.output(), head, &out)?;
        wire.begin_body(written.body);
        self.begun = Some(written.keep_alive);
        self.ends_with_connection = written.body == BodyLength::UntilClose;
        Ok(())
    }

    /// Writes the head of a switch to another protocol: the last one on the connection, which carries
    /// what [`Exchange::stream`] is given from here on.
    ///
    /// # Errors
    /// A field that cannot be written, as on a stream of HTTP/2 all those of a switch are (RFC 9113,
    /// section 8.6); nothing was.
    pub(crate) fn switch(
        &mut self,
        head: &ResponseHead,
        protocol: &[u8],
        (without, with): (KnownSet, &[(Name<'_>, &[u8])]),
    ) -> Result<(), InvalidField> {
        let out = ResponseOut {
            client: self.request.version(),
            method: self.request.method(),
            upgrade: Some(protocol),
            without,
            with,
            ..ResponseOut::default()
        };
        let Line::Http1(wire) = &mut self.line else {
            return Err(InvalidField::Name);
        };
        let written = write_response(wire.output(), head, &out)?;
        self.begun = Some(written.keep_alive);
        Ok(())
    }

    /// The bytes below, once the head of a switch was written; `None` where none can be.
    #[inline]
    pub(crate) fn stream(&mut self) -> Option<&mut Wire> {
        match &mut self.line {
            Line::Http1(wire) => Some(wire),
            Line::Http2(_) => None,
        }
    }

    /// Notes what has passed in each direction since the switch.
    pub(crate) fn count_stream(&mut self, received: u64, sent: u64) {
        self.received = received;
        self.sent = sent;
    }

    /// Whether the client takes the end of the connection for the end of the answer.
    pub(crate) fn ends_with_connection(&self) -> bool {
        self.ends_with_connection
    }

    /// Whether the head of the answer was written.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Takes a front part of `data`, which is not empty, into the body of the answer.
    #[inline]
    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let put = match &mut self.line {
            Line::Http1(wire) => wire.poll_put(cx, data),
            Line::Http2(stream) => stream.poll_put(cx, data),
        };
        if let Poll::Ready(Ok(count)) = &put {
            self.sent += *count as u64;
        }
        put
    }

    /// Ends the body of the answer.
    ///
    /// # Errors
    /// It is shorter than its head said.
    #[inline]
    pub(crate) fn finish(&mut self, trailers: &Fields) -> io::Result<()> {
        match &mut self.line {
            Line::Http1(wire) => wire.finish(trailers),
            Line::Http2(stream) => stream.finish(trailers),
        }
    }

    /// Sends what waits.
    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.line {
            Line::Http1(wire) => wire.poll_flush(cx),
            Line::Http2(stream) => stream.poll_flush(cx),
        }
    }

    /// All bytes that were taken for the client, ever: by its socket, or from its stream.
    #[inline]
    pub(crate) fn written(&self) -> u64 {
        match &self.line {
            Line::Http1(wire) => wire.progress(),
            Line::Http2(stream) => stream.progress(),
        }
    }

    /// Whether something waits for the client to take it.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        match &self.line {
            Line::Http1(wire) => wire.has_output(),
            Line::Http2(stream) => stream.has_output(),
        }
    }

    /// How many bytes of body were put.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether neither side has anything to add: the client asked to close after a request without
    /// a body, so that it sends no more (RFC 9112, section 9.6), and has been sent everything.
    /// Then the connection need not linger.
    pub(crate) fn is_last_word(&self) -> bool {
        !self.request.keep_alive()
            && self.request.body() == BodyLength::None
            && match &self.line {
                Line::Http1(wire) => wire.may_just_close(),
                Line::Http2(_) => false,
            }
    }

    /// Whether the connection may carry another request: the answer said so, and the body of this
    /// request was read to its end.
    pub(crate) fn is_reusable(&self) -> bool {
        self.begun == Some(true) && self.body_is_read()
    }
}
