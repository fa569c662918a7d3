//! One direction of a tunnel.

use std::io;
use std::task::{Context, Poll, ready};

use super::frames::Frames;
use crate::wire::Wire;

/// A WebSocket frame that says that the router is going away: status 1001 (RFC 6455, section 7.4.1).
const GOING_AWAY: &[u8] = &[0x88, 0x02, 0x03, 0xe9];

/// One direction: what is read on one side is written on the other, and nothing more is read before
/// that. It holds the one read buffer of its source while something is in it, and none otherwise.
#[derive(Debug)]
pub(super) struct Lane {
    state: State,
    /// Bytes that were passed on.
    passed: u64,
    /// Where its frames begin, if it has frames.
    frames: Option<Frames>,
    farewell: Farewell,
    /// Whether what was passed on is still to leave for the socket.
    flushing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bytes are passed on.
    Open,
    /// The source has ended; the target is told.
    Ending,
    /// Nothing more will be passed on.
    Over,
}

/// Whether the target is told that the router goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    Unsaid,
    /// It is, as soon as a frame may be put there.
    Wanted,
    /// It was, and no other frame may follow.
    Said,
}

impl Lane {
    /// A direction in which nothing was passed on yet.
    pub(super) fn new(frames: Option<Frames>) -> Self {
        Self {
            state: State::Open,
            passed: 0,
            frames,
            farewell: Farewell::Unsaid,
            flushing: false,
        }
    }

    /// How many bytes were passed on.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Whether nothing more will be passed on.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether something waits for the target to take it.
    pub(super) fn waits_for_target(&self, from: &Wire, to: &Wire) -> bool {
        let open = self.state != State::Over;
        open && (self.flushing || to.has_output() || !from.input().is_empty())
    }

    /// Has the target told that the router goes away, between two frames. `false`: it cannot be.
    pub(super) fn bid_farewell(&mut self) -> bool {
        let open = self.state == State::Open;
        let followed = self.frames.is_some_and(|frames| frames.followed());
        if open && followed && self.farewell == Farewell::Unsaid {
            self.farewell = Farewell::Wanted;
        }
        self.farewell != Farewell::Unsaid
    }

    /// Moves what can be moved.
    ///
    /// # Errors
    /// The source has failed. A target that takes nothing more is no error: what the other direction
    /// brings from there may still be of worth.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Wire,
        to: &mut Wire,
    ) -> io::Result<()> {
        loop {
            match self.state {
                State::Open => match self.poll_piece(cx, from, to) {
                    Poll::Ready(moved) => moved?,
                    Poll::Pending => return Ok(()),
                },
                State::Ending => match to.poll_end_output(cx) {
                    Poll::Ready(_) => self.state = State::Over,
                    Poll::Pending => {
                        self.flushing = true;
                        return Ok(());
                    }
                },
                State::Over => return Ok(()),
            }
        }
    }

    /// Moves one piece, or the end.
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Wire,
        to: &mut Wire,
    ) -> Poll<io::Result<()>> {
        self.say_farewell(to);
        if from.input().is_empty() {
            match from.poll_fill(cx) {
                Poll::Ready(Ok(0)) => self.state = State::Ending,
                // Frames have ends of their own: nobody takes a torn one for a whole one.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.state = State::Ending;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.poll_flush(cx, to);
                    return Poll::Pending;
                }
            }
            return Poll::Ready(Ok(()));
        }
        if self.farewell == Farewell::Said {
            from.discard_input();
            self.poll_flush(cx, to);
            return Poll::Ready(Ok(()));
        }
        let piece = self.next_piece(from.input());
        let Ok(taken) = ready!(to.poll_send_with(cx, piece)) else {
            self.state = State::Over;
            return Poll::Ready(Ok(()));
        };
        if let Some(frames) = &mut self.frames {
            frames.follow(piece.get(..taken).unwrap_or_default());
        }
        self.passed += taken as u64;
        from.consume(taken);
        Poll::Ready(Ok(()))
    }

    /// What is passed on next: all that is there, but not beyond the frame behind which the target is
    /// to be told something.
    fn next_piece<'b>(&self, input: &'b [u8]) -> &'b [u8] {
        match self.frames {
            Some(mut frames) if self.farewell == Farewell::Wanted => {
                let end = frames.advance(input);
                input.get(..end).unwrap_or(input)
            }
            _ => input,
        }
    }

    fn say_farewell(&mut self, to: &mut Wire) {
        let between = self.frames.is_some_and(|frames| frames.between());
        if self.farewell == Farewell::Wanted && between {
            to.output().extend_from_slice(GOING_AWAY);
            self.farewell = Farewell::Said;
        }
    }

    /// Sends what waits. A target that takes nothing more ends the direction.
    fn poll_flush(&mut self, cx: &mut Context<'_>, to: &mut Wire) {
        let flushed = to.poll_flush(cx);
        self.flushing = flushed.is_pending();
        if let Poll::Ready(Err(_)) = flushed {
            self.state = State::Over;
        }
    }
}
