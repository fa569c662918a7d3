//! The end of a client's connection.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::connection::End;
use crate::deadlines::Deadline;
use crate::wire::Wire;
use crate::worker::Worker;

/// How much of a refused body is read before the connection is cut.
const DRAINED_MOST: usize = 64 * 1024;

/// Ends a connection.
///
/// Closing a socket that holds unread bytes makes the system reset it, and a reset throws away
/// what the client has not read yet: the very answer that says why. So the sending side is closed
/// first, and what the client still sends is read for a bounded while.
pub(super) async fn linger(wire: &mut Wire, deadline: &Deadline, worker: &Worker, end: End) {
    match end {
        End::Close => {
            wire.say_goodbye();
            return;
        }
        End::Reset => {
            wire.reset();
            return;
        }
        End::Linger => {}
    }
    deadline.set_after(worker.settings.timeouts.linger);
    let mut drained = 0;
    let mut finished = false;
    poll_fn(|cx| {
        if !finished {
            match wire.poll_end_output(cx) {
                Poll::Ready(true) => finished = true,
                Poll::Ready(false) => return Poll::Ready(()),
                Poll::Pending => {}
            }
        }
        if finished && poll_drained(cx, wire, &mut drained).is_ready() {
            return Poll::Ready(());
        }
        if deadline.passed() || worker.stage().is_ending() {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// Reads and drops until the client has closed, or has sent too much.
fn poll_drained(cx: &mut Context<'_>, wire: &mut Wire, drained: &mut usize) -> Poll<()> {
    loop {
        *drained += wire.input().len();
        wire.discard_input();
        if *drained > DRAINED_MOST {
            return Poll::Ready(());
        }
        match wire.poll_fill(cx) {
            Poll::Ready(Ok(1..)) => {}
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
}
