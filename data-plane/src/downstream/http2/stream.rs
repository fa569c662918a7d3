//! One stream as an exchange sees it: data that comes and goes within its windows, and ends.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{Response, StatusCode};
use pointsman_http1::{
    BadBody, BodyLength, BodyLimits, Fields, InvalidField, KnownSet, Method, ResponseHead,
};

use super::flow::{Flow, Piece};
use super::translate;
use crate::downstream::Outgoing;
use crate::http2::fields;
use crate::wire::BodyFault;

/// One stream.
pub(crate) struct Stream {
    respond: SendResponse<Piece>,
    /// Where the body of the answer goes, once its head was sent.
    sending: Option<SendStream<Piece>>,
    receiving: RecvStream,
    limits: BodyLimits,
    /// Data that has come and nobody has taken yet.
    data: Bytes,
    /// Whether the request was read to its end.
    is_read: bool,
    trailers: Fields,
    /// Whether the client waits to be asked for the body.
    expects: bool,
    /// What is to come of the answer's body; [`BodyLength::None`]: nothing, its end was said.
    left: BodyLength,
    /// Whether the end of a body of known length waits for its trailers.
    trailed: bool,
    flow: Rc<Flow>,
    /// Bytes of body that were given to the stream.
    put: u64,
    local_ip: Option<IpAddr>,
}

impl Stream {
    /// A stream whose request's head was taken off.
    pub(super) fn new(
        receiving: RecvStream,
        respond: SendResponse<Piece>,
        limits: BodyLimits,
        local_ip: Option<IpAddr>,
    ) -> Self {
        Self {
            respond,
            sending: None,
            is_read: receiving.is_end_stream(),
            receiving,
            limits,
            data: Bytes::new(),
            trailers: Fields::new(),
            expects: false,
            left: BodyLength::None,
            trailed: false,
            flow: Rc::default(),
            put: 0,
            local_ip,
        }
    }

    /// The client waits to be asked for the body, which it is when somebody wants it (D-537).
    pub(super) fn expect(&mut self) {
        self.expects = true;
    }

    /// The address of this side.
    pub(in crate::downstream) fn local_ip(&self) -> Option<IpAddr> {
        self.local_ip
    }
}

/// The request's body.
impl Stream {
    /// Waits for data. `true`: there is some; `false`: the body has ended.
    pub(in crate::downstream) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, BodyFault>> {
        if std::mem::take(&mut self.expects) {
            let mut ask = Response::new(());
            *ask.status_mut() = StatusCode::CONTINUE;
            // One that is gone shows that below.
            let _ = self.respond.send_informational(ask);
        }
        while self.data.is_empty() {
            if self.is_read {
                return Poll::Ready(Ok(false));
            }
            match ready!(self.receiving.poll_data(cx)) {
                Some(data) => self.data = data.map_err(fault)?,
                None => {
                    if let Some(sent) = ready!(self.receiving.poll_trailers(cx)).map_err(fault)? {
                        fields::trailers(&sent, &self.limits, &mut self.trailers)
                            .map_err(BodyFault::Bad)?;
                    }
                    self.is_read = true;
                }
            }
        }
        Poll::Ready(Ok(true))
    }

    /// The data that is there.
    pub(in crate::downstream) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Drops what was taken of it, and lets the client send as much again.
    pub(in crate::downstream) fn take(&mut self, count: usize) {
        let count = count.min(self.data.len());
        self.data.advance(count);
        // It was given to nobody else.
        let _ = self.receiving.flow_control().release_capacity(count);
    }

    /// Whether the body was read and taken to its end.
    pub(in crate::downstream) fn body_is_read(&self) -> bool {
        self.is_read && self.data.is_empty()
    }

    /// Drops what has come of the body.
    pub(in crate::downstream) fn skip_read_body(&mut self) {
        self.take(self.data.len());
    }

    /// The trailers of a body that has ended.
    pub(in crate::downstream) fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Waits until the client has reset the stream, or its connection has ended.
    pub(in crate::downstream) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let reset = match &mut self.sending {
            Some(sending) => sending.poll_reset(cx),
            None => self.respond.poll_reset(cx),
        };
        reset.map(drop)
    }
}

/// The answer.
impl Stream {
    /// Sends an interim head.
    pub(in crate::downstream) fn interim(&mut self, head: &ResponseHead) {
        if head.status() == 100 {
            self.expects = false;
        }
        if let Ok(interim) = translate::interim(head, KnownSet::EMPTY) {
            // One that is gone shows that elsewhere.
            let _ = self.respond.send_informational(interim);
        }
    }

    /// Sends the head of the answer.
    ///
    /// # Errors
    /// A field that cannot be sent; nothing was.
    pub(in crate::downstream) fn answer(
        &mut self,
        method: Method,
        head: &ResponseHead,
        how: &Outgoing<'_>,
    ) -> Result<(), InvalidField> {
        let (response, body) = translate::answer(method, head, how)?;
        self.trailed = how.trailed && matches!(body, BodyLength::Exact(_));
        let ends = body.is_empty() && !self.trailed;
        self.left = if ends { BodyLength::None } else { body };
        // One that is gone takes no body either.
        self.sending = self.respond.send_response(response, ends).ok();
        Ok(())
    }

    /// Takes a front part of `data`, which is not empty, as far as the client's windows and the bound on what waits
    /// allow (L-10, R-048).
    pub(in crate::downstream) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sending = self.sending.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let most = match self.left {
            BodyLength::None => 0,
            BodyLength::Exact(left) => left,
            BodyLength::Chunked | BodyLength::UntilClose => u64::MAX,
        };
        if data.len() as u64 > most {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        sending.reserve_capacity(data.len());
        let mut room = sending.capacity();
        while room == 0 {
            match ready!(sending.poll_capacity(cx)) {
                Some(Ok(more)) => room = more,
                Some(Err(_)) | None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let piece = data.get(..room).unwrap_or(data);
        let mut ends = false;
        if let BodyLength::Exact(left) = &mut self.left {
            *left -= piece.len() as u64;
            ends = *left == 0 && !self.trailed;
        }
        let sent = sending.send_data(Piece::new(piece, &self.flow), ends);
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        if ends {
            self.left = BodyLength::None;
        }
        self.put += piece.len() as u64;
        Poll::Ready(Ok(piece.len()))
    }

    /// Ends the body.
    ///
    /// # Errors
    /// It is shorter than its head said.
    pub(in crate::downstream) fn finish(&mut self, trailers: &Fields) -> io::Result<()> {
        match std::mem::replace(&mut self.left, BodyLength::None) {
            BodyLength::None => return Ok(()),
            BodyLength::Exact(0) if self.trailed => {}
            BodyLength::Exact(_) => return Err(io::ErrorKind::InvalidData.into()),
            BodyLength::Chunked | BodyLength::UntilClose => {}
        }
        let Some(sending) = &mut self.sending else {
            return Ok(());
        };
        let trailers = fields::to_map(trailers, KnownSet::EMPTY).unwrap_or_default();
        // One that is gone shows that where what waits is sent.
        let _ = if trailers.is_empty() {
            sending.send_data(Piece::new(b"", &self.flow), true)
        } else {
            sending.send_trailers(trailers)
        };
        Ok(())
    }

    /// Waits until all data was sent.
    pub(in crate::downstream) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        if self.put == self.flow.sent() {
            return Poll::Ready(Ok(()));
        }
        if sending.poll_reset(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.flow.wake_later(cx);
        Poll::Pending
    }

    /// Bytes of body that have left for the client, ever.
    pub(in crate::downstream) fn progress(&self) -> u64 {
        self.flow.sent()
    }

    /// Whether data waits to be sent.
    pub(in crate::downstream) fn has_output(&self) -> bool {
        self.put > self.flow.sent()
    }

    /// Breaks the exchange off.
    pub(super) fn reset(&mut self, reason: Reason) {
        match &mut self.sending {
            Some(sending) => sending.send_reset(reason),
            None => self.respond.send_reset(reason),
        }
    }
}

/// Why no more of a request's body comes. What `h2` itself finds wrong is its length; all else is a client that went
/// away.
fn fault(error: h2::Error) -> BodyFault {
    if error.is_reset() && error.is_library() {
        return BodyFault::Bad(BadBody::ContentLength);
    }
    let kind = io::ErrorKind::ConnectionReset;
    BodyFault::Io(error.into_io().unwrap_or_else(|| kind.into()))
}
