//! The bytes below a trunk, as the `h2` crate wants to see them, and what it does not keep of them.

use std::cell::{Cell, RefCell};
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::io::Io;
use crate::proxy::{Reason, endpoint_reason};
use crate::upstream::tls;

/// How much is read of a connection until whoever waits for it, and everybody else, has had a turn. Of heads alone an
/// endpoint could send thousands meanwhile, each of which is kept for its stream.
const TURN: usize = 64 * 1024;

/// One connection, looked at from beside the task that drives it.
#[derive(Debug)]
pub(super) struct Below {
    io: RefCell<Io>,
    fault: Cell<Option<Reason>>,
    /// Whether the endpoint takes nothing any more.
    is_deaf: Cell<bool>,
    received: Cell<u64>,
    /// Bytes that have come in this turn.
    turn: Cell<usize>,
}

impl Below {
    pub(super) fn new(io: Io) -> Rc<Self> {
        Rc::new(Self {
            io: io.into(),
            fault: Cell::new(None),
            is_deaf: Cell::new(false),
            received: Cell::new(0),
            turn: Cell::new(0),
        })
    }

    /// Why the connection has failed, if it has.
    pub(super) fn fault(&self) -> Option<Reason> {
        self.fault.get()
    }

    /// Says why it is given up.
    pub(super) fn fail(&self, reason: Reason) {
        self.fault.set(Some(reason));
    }

    /// How many bytes have come, ever.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// Whether the system has neither bytes nor an end for us at this very moment. Costs a system call.
    pub(super) fn is_quiet_now(&self) -> bool {
        self.io.borrow().is_quiet_now()
    }

    /// Keeps the reason of an error: of what `h2` makes of it, it cannot be read any more.
    fn note(&self, error: &io::Error) {
        if self.fault.get().is_none() {
            self.fault.set(Some(endpoint_reason(error)));
        }
    }

    /// The same where nothing can be written any more.
    fn wrote<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        polled.map_err(|error| {
            self.is_deaf.set(true);
            self.note(&error);
            error
        })
    }

    /// Why an endpoint has gone that takes nothing any more: what it has said before, as that it does not take our
    /// certificate, is worth more than that it stopped listening. Where it still listens, that is not asked.
    pub(super) fn poll_last_words(&self, cx: &mut Context<'_>) -> Poll<Option<Reason>> {
        while self.is_deaf.get() {
            match ready!(self.io.borrow_mut().poll_read(cx, &mut [0; 256])) {
                Ok(1..) => {}
                Ok(0) => break,
                Err(error) => return Poll::Ready(tls::reason(&error).or(self.fault())),
            }
        }
        Poll::Ready(self.fault())
    }
}

/// The same for the task that drives it.
pub(super) struct Pipe(pub(super) Rc<Below>);

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let below = &self.0;
        if below.turn.get() >= TURN {
            below.turn.set(0);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = buffer.remaining().min(TURN);
        let space = buffer.initialize_unfilled_to(room);
        let read = below.io.borrow_mut().poll_read(cx, space);
        if read.is_pending() {
            below.turn.set(0);
        }
        read.map_ok(|count| {
            buffer.advance(count);
            below.turn.set(below.turn.get() + count);
            below.received.set(below.received.get() + count as u64);
        })
        .map_err(|error| {
            below.note(&error);
            error
        })
    }
}

impl AsyncWrite for Pipe {
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
        let below = &self.0;
        let written = below.io.borrow_mut().poll_write(cx, parts);
        below.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let below = &self.0;
        let flushed = below.io.borrow_mut().poll_flush(cx);
        below.wrote(flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.io.borrow_mut().poll_finish(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::rc::Rc;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// What is read at a time.
    const ROOM: usize = 16 * 1024;

    /// A connection on which as much has come as the system takes, and how much that is.
    async fn full() -> (Io, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let mut far = far.expect("it comes").0.into_std().expect("a socket");
        let mut sent = 0;
        while let Ok(count) = far.write(&[7; ROOM]) {
            sent += count;
        }
        assert!(sent > 4 * TURN, "{sent} bytes are no flood");
        drop(far);
        (Io::Plain(near.expect("it listens")), sent)
    }

    /// a connection on which more comes than is read in a turn gives everybody else a turn, and goes on by itself.
    #[tokio::test]
    async fn much_is_read_in_turns() {
        let (io, sent) = full().await;
        let others = Rc::new(Cell::new(0));
        let local = tokio::task::LocalSet::new();
        let counted = Rc::clone(&others);
        local.spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        let below = Below::new(io);
        let mut pipe = Pipe(Rc::clone(&below));
        let (mut turns, mut ended) = (Vec::new(), false);
        let read = poll_fn(|cx| {
            let mut turn = 0;
            loop {
                let mut space = [0; ROOM];
                let mut buffer = ReadBuf::new(&mut space);
                match Pin::new(&mut pipe).poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => ended = true,
                    Poll::Ready(Ok(())) => {
                        turn += buffer.filled().len();
                        continue;
                    }
                    Poll::Ready(Err(error)) => panic!("{error}"),
                    Poll::Pending => {}
                }
                turns.push(turn);
                return if ended {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            }
        });
        local.run_until(read).await;
        assert_eq!(turns.iter().sum::<usize>(), sent);
        assert_eq!(below.received(), sent as u64);
        let most = turns.iter().max().copied();
        assert!(most >= Some(TURN) && most < Some(TURN + ROOM), "{turns:?}");
        assert!(
            others.get() >= sent / (TURN + ROOM),
            "{} turns",
            others.get()
        );
    }
}
