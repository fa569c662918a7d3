//! One exchange on a trunk.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Request;
use pointsman_http1::{
    BadBody, BodyLength, BodyLimits, Fields, KnownSet, Malformed, Method, ResponseHead,
    ResponseLimits,
};

use super::answer;
use super::trunk::Place;
use crate::http2::fields;
use crate::proxy::Reason;
use crate::upstream::HeadFault;
use crate::wire::BodyFault;

/// How much is asked for at once of what an endpoint would take.
const PIECE: usize = 16 * 1024;

/// One exchange on a trunk. Dropped before its end, it is given up, and the trunk goes on.
pub(crate) struct Stream {
    place: Place,
    limits: ResponseLimits,
    body_limits: BodyLimits,
    method: Method,
    request: Option<SendStream<Bytes>>,
    head: Option<ResponseFuture>,
    answer: Option<RecvStream>,
    /// Data that has come and nobody took yet.
    data: Bytes,
    trailers: Fields,
    /// Interim heads so far.
    interims: u32,
    /// Grows with what was given to the trunk.
    written: u64,
    /// Whether the request was given to the trunk to its end.
    is_sent: bool,
    /// Whether the answer was read to its end.
    is_read: bool,
}

impl Stream {
    /// An exchange that has not begun.
    pub(super) fn new(place: Place, limits: ResponseLimits) -> Self {
        Self {
            place,
            limits,
            body_limits: BodyLimits::RESPONSE,
            method: Method::Get,
            request: None,
            head: None,
            answer: None,
            data: Bytes::new(),
            trailers: Fields::new(),
            interims: 0,
            written: 0,
            is_sent: false,
            is_read: false,
        }
    }

    /// Whether its trunk has carried others before.
    pub(crate) fn is_reused(&self) -> bool {
        self.place.reused
    }

    /// Whether its connection has ended, or takes no more requests.
    pub(crate) fn connection_has_ended(&self) -> bool {
        self.place.trunk.has_ended()
    }

    /// A number that grows with what was given to the trunk.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Sends the head of a request of `method`; `ends` says whether it has no body.
    ///
    /// # Errors
    /// [`Reason::Unprocessed`] where the connection takes no more, [`Reason::Unwritable`] for what is no request.
    pub(crate) fn open(
        &mut self,
        request: Request<()>,
        (method, ends): (Method, bool),
    ) -> Result<(), Reason> {
        let opened = self.place.opener.send_request(request, ends);
        let (head, request) = opened.map_err(|error| {
            if error.is_io() || error.is_go_away() {
                Reason::Unprocessed
            } else {
                Reason::Unwritable
            }
        })?;
        self.method = method;
        self.head = Some(head);
        self.request = Some(request);
        self.is_sent = ends;
        self.written += 1;
        Ok(())
    }

    /// Takes a front part of `data`: as much as the endpoint has room for.
    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(request) = self.request.as_mut().filter(|_| !self.is_sent) else {
            return Poll::Ready(Err(gone()));
        };
        if request.capacity() == 0 {
            request.reserve_capacity(data.len().min(PIECE));
            match ready!(request.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(Err(gone())),
            }
        }
        let room = request.capacity().min(data.len());
        let piece = data.get(..room).unwrap_or(data);
        request
            .send_data(Bytes::copy_from_slice(piece), false)
            .map_err(|_| gone())?;
        self.written += room as u64;
        Poll::Ready(Ok(room))
    }

    /// Marks the end of the request.
    ///
    /// # Errors
    /// The endpoint takes nothing any more, or a trailer cannot be written.
    pub(crate) fn finish(&mut self, trailers: &Fields) -> io::Result<()> {
        if std::mem::replace(&mut self.is_sent, true) {
            return Ok(());
        }
        let request = self.request.as_mut().ok_or_else(gone)?;
        let sent = if trailers.is_empty() {
            request.send_data(Bytes::new(), true)
        } else {
            let map = fields::to_map(trailers, KnownSet::EMPTY)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            request.send_trailers(map)
        };
        sent.map_err(|_| gone())
    }

    /// Waits for a head of the answer, interim or final.
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &mut ResponseHead,
    ) -> Poll<Result<(), HeadFault>> {
        let Some(awaited) = &mut self.head else {
            return Poll::Ready(Err(HeadFault::Closed));
        };
        let interim = match ready!(awaited.poll_informational(cx)) {
            Some(Ok(response)) => response.into_parts().0,
            Some(Err(error)) => return Poll::Ready(Err(self.fault(&error))),
            None => match ready!(Pin::new(awaited).poll(cx)) {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let end = (self.method, body.is_end_stream());
                    self.answer = Some(body);
                    self.head = None;
                    let read = answer::read(&parts, end, &self.limits, head);
                    return Poll::Ready(read.map_err(HeadFault::Malformed));
                }
                Err(error) => return Poll::Ready(Err(self.fault(&error))),
            },
        };
        self.interims += 1;
        if self.interims > self.limits.interim {
            return Poll::Ready(Err(HeadFault::Malformed(Malformed::TooManyInterim)));
        }
        let read = answer::read(&interim, (self.method, false), &self.limits, head);
        Poll::Ready(read.map_err(HeadFault::Malformed))
    }

    /// Begins to read the body behind a final head.
    pub(crate) fn expect_body(&mut self, length: BodyLength, limits: BodyLimits) {
        self.body_limits = limits;
        self.is_read = length == BodyLength::None;
    }

    /// Whether nothing comes behind the head of the answer, or what has come of its body was read to the end.
    pub(crate) fn has_ended(&self) -> bool {
        self.answer.as_ref().is_none_or(RecvStream::is_end_stream)
    }

    /// Waits for data of the body. `true`: there is some; `false`: the body has ended.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyFault>> {
        while self.data.is_empty() {
            let Some(answer) = self.answer.as_mut().filter(|_| !self.is_read) else {
                return Poll::Ready(Ok(false));
            };
            match ready!(answer.poll_data(cx)) {
                Some(Ok(data)) => self.data = data,
                Some(Err(error)) => return Poll::Ready(Err(self.body_fault(&error))),
                None => {
                    match ready!(answer.poll_trailers(cx)) {
                        Ok(Some(map)) => {
                            fields::trailers(&map, &self.body_limits, &mut self.trailers)
                                .map_err(BodyFault::Bad)?;
                        }
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(Err(self.body_fault(&error))),
                    }
                    self.is_read = true;
                }
            }
        }
        Poll::Ready(Ok(true))
    }

    /// The data that [`Stream::poll_data`] found.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    /// Drops what was taken of it: the endpoint may send as much more.
    pub(crate) fn take(&mut self, count: usize) {
        let count = count.min(self.data.len());
        self.data.advance(count);
        if let Some(answer) = &mut self.answer {
            // It has sent no less.
            let _ = answer.flow_control().release_capacity(count);
        }
    }

    /// The trailers of a body that has ended.
    pub(crate) fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Why no head came.
    fn fault(&self, error: &h2::Error) -> HeadFault {
        let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
        HeadFault::Failed(if error.is_remote() && (error.is_go_away() || refused) {
            // Of those on the trunk, a GOAWAY is an error only for what is beyond its last stream (RFC 9113, section
            // 6.8); and what is refused was not looked at (section 8.7).
            Reason::Unprocessed
        } else if error.is_remote() {
            Reason::Closed
        } else if error.is_library() {
            Reason::Malformed(Malformed::StatusLine)
        } else {
            self.trunk_fault()
        })
    }

    /// Why no more of the body came.
    fn body_fault(&self, error: &h2::Error) -> BodyFault {
        if error.is_io() {
            match self.trunk_fault() {
                Reason::Timeout => return BodyFault::Io(io::ErrorKind::TimedOut.into()),
                Reason::Reset => return BodyFault::Io(io::ErrorKind::ConnectionReset.into()),
                _ => {}
            }
        }
        BodyFault::Bad(BadBody::Truncated)
    }

    /// Why the whole trunk has failed.
    fn trunk_fault(&self) -> Reason {
        self.place.trunk.below().fault().unwrap_or(Reason::Closed)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(request) = &mut self.request
            && !(self.is_sent && self.is_read)
        {
            // An endpoint that has answered may be told that the rest does not matter (RFC 9113, section 8.1).
            request.send_reset(if self.is_read {
                h2::Reason::NO_ERROR
            } else {
                h2::Reason::CANCEL
            });
        }
    }
}

fn gone() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}
