//! Data on its way to the client, and how far it has come: what a stream has given away is not what was sent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use bytes::{Buf, Bytes};

/// How much of a stream's data has left for the connection below.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sent: Cell<u64>,
    waiting: RefCell<Option<Waker>>,
}

impl Flow {
    /// Bytes that have left, ever.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Wakes the task when another piece has left, or never will.
    pub(super) fn wake_later(&self, cx: &Context<'_>) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *waiting = Some(cx.waker().clone());
        }
    }
}

/// A piece of a stream's data, which notes what is taken of it.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    flow: Rc<Flow>,
}

impl Piece {
    /// A copy of `data`.
    pub(super) fn new(data: &[u8], flow: &Rc<Flow>) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(data),
            flow: Rc::clone(flow),
        }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.flow.sent.set(self.flow.sent.get() + count as u64);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(waker) = self.flow.waiting.borrow_mut().take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_is_counted_and_what_is_thrown_away_is_not() {
        let flow = Rc::default();
        let mut one = Piece::new(b"abcdef", &flow);
        let two = Piece::new(b"gh", &flow);
        one.advance(4);
        assert_eq!((one.chunk(), flow.sent()), (&b"ef"[..], 4));
        drop((one, two));
        assert_eq!(flow.sent(), 4);
    }
}
