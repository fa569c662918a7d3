//! One request and its answer, as the journey sees them: a head, a body that comes when it is
//! asked for, and an answer that may begin before the body has ended.
//!
//! This is the seam between the journey and the protocols of clients. Nothing behind it knows that
//! this one is HTTP/1.1.

use std::io;
use std::net::IpAddr;
use std::task::{Context, Poll};

use pointsman_http1::{
    BodyLength, BodyLimits, CONTINUE, Fields, InvalidField, KnownSet, Name, RequestHead,
    ResponseHead, ResponseOut, Version, write_interim, write_response,
};

use super::Client;
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
}

/// One request and its answer.
pub(crate) struct Exchange<'a> {
    /// Who asks.
    pub(crate) client: &'a Client,
    /// What is asked.
    pub(crate) request: &'a mut RequestHead,
    wire: &'a mut Wire,
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
            wire,
            reusable,
            asked_for_body,
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
        self.wire.poll_data(cx)
    }

    /// The data that is there.
    #[inline]
    pub(crate) fn body(&self) -> &[u8] {
        self.wire.data()
    }

    /// Drops what was taken of it.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) {
        self.received += count as u64;
        self.wire.take(count);
    }

    /// Whether the body was read and taken to its end.
    #[inline]
    pub(crate) fn body_is_read(&self) -> bool {
        self.wire.body_is_read()
    }

    /// Drops what has already arrived of the body: nobody will read it any more.
    pub(crate) fn skip_arrived_body(&mut self) {
        self.wire.skip_read_body();
    }

    /// Gives the memory for bulk back: what was read waits for an endpoint that takes nothing.
    pub(crate) fn yield_large(&mut self) {
        self.wire.yield_large();
    }

    /// The trailers behind the body.
    pub(crate) fn trailers(&self) -> &Fields {
        self.wire.trailers()
    }

    /// Waits until the client has gone. Only once the body has ended.
    #[inline]
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wire.poll_gone(cx)
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
        self.wire.local_ip()
    }
}

/// The answer.
impl Exchange<'_> {
    /// Asks a client that waits for it to send the body, once.
    pub(crate) fn ask_for_body(&mut self) {
        if !self.asked_for_body {
            self.asked_for_body = true;
            self.wire.output().extend_from_slice(CONTINUE);
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
        write_interim(self.wire.output(), head);
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
        let out = ResponseOut {
            client: self.request.version(),
            method: self.request.method(),
            body: how.body,
            keep_alive: self.reusable && self.request.keep_alive() && self.body_is_read(),
            upgrade: None,
            date: Some(how.date),
            without: how.without,
            with: how.with,
            prepared: &[],
        };
        let written = write_response(self.wire.output(), head, &out)?;
        self.wire.begin_body(written.body);
        self.begun = Some(written.keep_alive);
        self.ends_with_connection = written.body == BodyLength::UntilClose;
        Ok(())
    }

    /// Writes the head of a switch to another protocol: the last one on the connection, which carries
    /// what [`Exchange::stream`] is given from here on.
    ///
    /// # Errors
    /// A field that cannot be written; nothing was.
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
        let written = write_response(self.wire.output(), head, &out)?;
        self.begun = Some(written.keep_alive);
        Ok(())
    }

    /// The bytes below, once the head of a switch was written.
    pub(crate) fn stream(&mut self) -> &mut Wire {
        self.wire
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
        let put = self.wire.poll_put(cx, data);
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
        self.wire.finish(trailers)
    }

    /// Sends what waits.
    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.poll_flush(cx)
    }

    /// All bytes that the client's socket took, ever.
    #[inline]
    pub(crate) fn written(&self) -> u64 {
        self.wire.progress()
    }

    /// Whether something waits for the client to take it.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        self.wire.has_output()
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
            && self.wire.may_just_close()
    }

    /// Whether the connection may carry another request: the answer said so, and the body of this
    /// request was read to its end.
    pub(crate) fn is_reusable(&self) -> bool {
        self.begun == Some(true) && self.body_is_read()
    }
}
