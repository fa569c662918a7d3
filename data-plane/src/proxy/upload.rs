//! A request's body on its way to an endpoint.

use std::task::{Context, Poll, ready};

use super::replay::Replay;
use crate::downstream::Exchange;
use crate::upstream::Carrier;
use crate::wire::BodyFault;

/// Why a body did not get through.
pub(super) enum UploadFault {
    /// The client's side.
    Client(BodyFault),
    /// The endpoint's side. Its answer may be there all the same.
    Endpoint,
}

/// How far the body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The head is sent alone: the endpoint has to ask for the body first.
    Held,
    /// What the client sends is passed on.
    Open,
    /// All of it was put; the end is on its way.
    Ended,
    /// All of it was sent.
    Done,
    /// It will not be sent any further.
    Stopped,
}

/// One attempt's upload. Attempts after the first begin with what was taken before.
#[derive(Debug)]
pub(super) struct Upload {
    state: State,
    replayed: usize,
    keep: bool,
    for_client: bool,
}

impl Upload {
    /// An upload behind a head that was written, but not sent yet. With `held` it waits until it
    /// is opened; `keep` says whether what was sent is worth keeping for another attempt.
    pub(super) fn new(held: bool, keep: bool) -> Self {
        let state = if held { State::Held } else { State::Open };
        Self {
            state,
            replayed: 0,
            keep,
            for_client: false,
        }
    }

    /// Whether it waits for the endpoint to ask.
    pub(super) fn is_held(&self) -> bool {
        self.state == State::Held
    }

    /// The endpoint has asked, or has had its time to.
    pub(super) fn open(&mut self) {
        if self.state == State::Held {
            self.state = State::Open;
        }
    }

    /// Gives the rest up.
    pub(super) fn stop(&mut self) {
        if self.state != State::Done {
            self.state = State::Stopped;
        }
    }

    /// Whether the endpoint has the whole request.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether nothing more will be sent.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Stopped)
    }

    /// Whether the client's next byte is awaited.
    pub(super) fn waits_for_client(&self) -> bool {
        self.state == State::Open && self.for_client
    }

    /// Moves what can be moved; ready when nothing more is to be sent.
    #[inline]
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
        upstream: &mut Carrier,
        replay: &mut Replay,
    ) -> Poll<Result<(), UploadFault>> {
        loop {
            match self.state {
                State::Done | State::Stopped => return Poll::Ready(Ok(())),
                State::Held => {
                    ready!(upstream.poll_flush(cx)).map_err(|_| UploadFault::Endpoint)?;
                    return Poll::Pending;
                }
                State::Open => ready!(self.poll_piece(cx, exchange, upstream, replay))?,
                State::Ended => {
                    ready!(upstream.poll_flush(cx)).map_err(|_| UploadFault::Endpoint)?;
                    self.state = State::Done;
                }
            }
        }
    }

    /// Moves one piece, or the end.
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
        upstream: &mut Carrier,
        replay: &mut Replay,
    ) -> Poll<Result<(), UploadFault>> {
        self.for_client = false;
        if let Some(again @ [_, ..]) = replay.bytes().get(self.replayed..) {
            self.replayed +=
                ready!(upstream.poll_put(cx, again)).map_err(|_| UploadFault::Endpoint)?;
            return Poll::Ready(Ok(()));
        }
        match exchange.poll_body(cx) {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(Ok(false)) => {
                upstream
                    .finish(exchange.trailers())
                    .map_err(|_| UploadFault::Endpoint)?;
                self.state = State::Ended;
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(fault)) => return Poll::Ready(Err(UploadFault::Client(fault))),
            Poll::Pending => {
                ready!(upstream.poll_flush(cx)).map_err(|_| UploadFault::Endpoint)?;
                self.for_client = true;
                return Poll::Pending;
            }
        }
        let before = upstream.written();
        let taken =
            ready!(upstream.poll_put(cx, exchange.body())).map_err(|_| UploadFault::Endpoint)?;
        // What the socket has not taken may be needed for another connection, whatever the method; so may be what an
        // endpoint can refuse afterwards.
        let keep = self.keep
            || upstream.may_be_refused()
            || upstream.written() == before && replay.is_whole();
        let piece = exchange.body().get(..taken).unwrap_or_default();
        replay.note(piece, keep);
        self.replayed = replay.bytes().len();
        exchange.take(taken);
        Poll::Ready(Ok(()))
    }
}
