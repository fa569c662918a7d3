//! The bytes below a connection of HTTP/2, each of which passes the meter.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::meter::{Budgets, Excess, Meter};
use crate::deadlines::Deadlines;
use crate::io::Io;

/// How much is read at a time: one frame of the usual size, with its header.
const READ_MOST: usize = 16 * 1024 + 9;

/// What the driver of a connection and the protocol share: the bytes, and what is known of them.
pub(super) struct Tap {
    inner: RefCell<Inner>,
    deadlines: Rc<Deadlines>,
}

struct Inner {
    io: Io,
    /// What was read before anybody knew that this is HTTP/2.
    before: Vec<u8>,
    meter: Meter,
    excess: Option<Excess>,
    /// Whether something waits for the client to take it.
    stalled: bool,
    /// Bytes that were handed to the connection below.
    written: u64,
}

/// What the protocol reads from and writes to.
pub(super) struct Metered(Rc<Tap>);

impl Tap {
    /// A connection of which `before` was read already.
    pub(super) fn new(
        io: Io,
        before: Vec<u8>,
        budgets: Budgets,
        deadlines: &Rc<Deadlines>,
    ) -> Rc<Self> {
        Rc::new(Self {
            inner: RefCell::new(Inner {
                io,
                before,
                meter: Meter::new(budgets),
                excess: None,
                stalled: false,
                written: 0,
            }),
            deadlines: Rc::clone(deadlines),
        })
    }

    /// The bytes for the protocol.
    pub(super) fn metered(self: &Rc<Self>) -> Metered {
        Metered(Rc::clone(self))
    }

    /// Why the connection cannot go on, if that is so.
    pub(super) fn excess(&self) -> Option<Excess> {
        self.inner.borrow().excess
    }

    /// What was begun and has not ended, as [`Meter::unfinished`] tells it.
    pub(super) fn unfinished(&self) -> Option<u64> {
        self.inner.borrow().meter.unfinished()
    }

    /// A number that grows with every byte that the client takes, where something waits for that.
    pub(super) fn stalled(&self) -> Option<u64> {
        let inner = self.inner.borrow();
        let taken = inner.io.sent_encrypted().unwrap_or(inner.written);
        inner.stalled.then_some(taken)
    }

    /// The address of this side.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        self.inner.borrow().io.local_ip()
    }

    /// The connection below, once the protocol has let go of it.
    pub(super) fn into_io(self: Rc<Self>) -> Option<Io> {
        let tap = Rc::into_inner(self)?;
        Some(tap.inner.into_inner().io)
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.0.inner.borrow_mut();
        let Inner {
            io,
            before,
            meter,
            excess,
            ..
        } = &mut *inner;
        if excess.is_some() {
            // Whoever drives the connection ends it now.
            return Poll::Pending;
        }
        let start = space.filled().len();
        if before.is_empty() {
            let room = space.remaining().min(READ_MOST);
            let count = std::task::ready!(io.poll_read(cx, space.initialize_unfilled_to(room)))?;
            space.advance(count);
        } else {
            let count = before.len().min(space.remaining());
            space.put_slice(&before[..count]);
            before.drain(..count);
        }
        let read = space.filled().get(start..).unwrap_or_default();
        if let Err(exceeded) = meter.receive(read, self.0.deadlines.now()) {
            *excess = Some(exceeded);
            space.set_filled(start);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.0.inner.borrow_mut();
        let written = inner.io.poll_write(cx, parts);
        inner.stalled = written.is_pending();
        if let Poll::Ready(Ok(count)) = written {
            inner.note_written(parts, count);
            if inner.excess.is_some() {
                cx.waker().wake_by_ref();
            }
        }
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.inner.borrow_mut();
        let flushed = inner.io.poll_flush(cx);
        inner.stalled = flushed.is_pending();
        flushed
    }

    /// Only sends what waits: how the connection itself ends is not for the protocol to say, which would not read on
    /// what the client has still to send.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Inner {
    /// The first `count` bytes of `parts` were sent.
    fn note_written(&mut self, parts: &[IoSlice<'_>], count: usize) {
        self.written += count as u64;
        let mut left = count;
        for part in parts {
            let sent = part.get(..left).unwrap_or(part);
            left -= sent.len();
            // What was said last is not said again.
            if let Err(exceeded) = self.meter.send(sent) {
                self.excess.get_or_insert(exceeded);
            }
        }
    }
}
