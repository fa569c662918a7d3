//! The buffers that each worker keeps for itself: small ones for messages, and two larger sizes, on
//! a budget, for bulk.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::Buffer;

/// Size of an ordinary read buffer, in bytes: most messages fit one read.
pub(crate) const SMALL: usize = 16 * 1024;

/// Size of a buffer for a body that fills the small one.
pub(super) const LARGE: usize = 64 * 1024;

/// Size of a buffer for a body that fills the large one, too. Every piece wakes somebody at both
/// ends, and with a quarter of the pieces a mebibyte costs a quarter less CPU time.
pub(super) const HUGE: usize = 256 * 1024;

/// Bytes of each of the larger sizes that one worker may have handed out at a time.
pub(super) const BUDGET: usize = 8 * 1024 * 1024;

/// Small buffers that are kept for the next connection; more than that are given to the allocator.
const SMALL_KEPT: usize = 256;

/// Buffers of each of the larger sizes that are kept for the next stream.
const BULK_KEPT: usize = 16;

/// What an output buffer begins with, in bytes: a head and a small body.
const OUTPUT: usize = 4 * 1024;

/// Output buffers that grew beyond this are given to the allocator.
const OUTPUT_KEPT_MOST: usize = 64 * 1024;

/// Output buffers that are kept for the next message.
const OUTPUTS_KEPT: usize = 256;

/// The size of the buffer that follows one of this size.
pub(super) fn above(size: usize) -> usize {
    match size {
        ..LARGE => LARGE,
        LARGE..HUGE => HUGE,
        _ => size * 2,
    }
}

/// How much a connection would read at once, learned from its reads: whoever fills a buffer gets a
/// larger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Appetite {
    /// Messages.
    #[default]
    Small,
    /// A body that filled a small buffer.
    Large,
    /// A body that filled a large one.
    Huge,
}

impl Appetite {
    /// After a read of `count` bytes that had `room`.
    #[inline]
    pub(crate) fn after(self, count: usize, room: usize) -> Self {
        if count == room {
            self.max(if room >= LARGE {
                Self::Huge
            } else {
                Self::Large
            })
        } else if count <= SMALL {
            Self::Small
        } else if count <= LARGE {
            self.min(Self::Large)
        } else {
            self
        }
    }

    /// The size of the buffer that it takes, in bytes.
    #[inline]
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Small => SMALL,
            Self::Large => LARGE,
            Self::Huge => HUGE,
        }
    }
}

/// The buffers of one size: those that are kept for the next one who asks, and how many are out on
/// the budget.
#[derive(Default)]
pub(super) struct Shelf {
    kept: RefCell<Vec<Box<[u8]>>>,
    out: Cell<usize>,
}

impl Shelf {
    fn take(&self, size: usize) -> Box<[u8]> {
        let kept = self.kept.borrow_mut().pop();
        kept.unwrap_or_else(|| vec![0; size].into())
    }

    fn put(&self, bytes: Box<[u8]>, most: usize) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < most {
            kept.push(bytes);
        }
    }

    /// How many are handed out on the budget.
    pub(super) fn out(&self) -> usize {
        self.out.get()
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.borrow().len()
    }
}

/// One worker's buffers.
#[derive(Default)]
pub(crate) struct Buffers {
    pub(super) small: Shelf,
    pub(super) large: Shelf,
    pub(super) huge: Shelf,
    outputs: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An ordinary buffer.
    pub(crate) fn small(self: &Rc<Self>) -> Buffer {
        self.hand_out(self.small.take(SMALL), false)
    }

    /// The largest buffer that the appetite asks for and the budgets allow, if that is more than
    /// the `capacity` that is there.
    pub(crate) fn bulk(self: &Rc<Self>, appetite: Appetite, capacity: usize) -> Option<Buffer> {
        [(Appetite::Huge, &self.huge), (Appetite::Large, &self.large)]
            .into_iter()
            .filter(|(of, _)| *of <= appetite && of.size() > capacity)
            .find(|(of, shelf)| (shelf.out() + 1) * of.size() <= BUDGET)
            .map(|(of, shelf)| {
                shelf.out.set(shelf.out.get() + 1);
                self.hand_out(shelf.take(of.size()), true)
            })
    }

    /// A buffer of this size that is of no budget, from what is kept where that is a size of ours.
    pub(super) fn beside_the_budget(self: &Rc<Self>, size: usize) -> Buffer {
        let bytes = match size {
            LARGE => self.large.take(LARGE),
            HUGE => self.huge.take(HUGE),
            _ => vec![0; size].into(),
        };
        self.hand_out(bytes, false)
    }

    /// An empty buffer for heads and small bodies on their way out.
    pub(crate) fn output(&self) -> Vec<u8> {
        let kept = self.outputs.borrow_mut().pop();
        kept.unwrap_or_else(|| Vec::with_capacity(OUTPUT))
    }

    /// Takes an output buffer back.
    pub(crate) fn take_output(&self, mut output: Vec<u8>) {
        let mut outputs = self.outputs.borrow_mut();
        if output.capacity() <= OUTPUT_KEPT_MOST && outputs.len() < OUTPUTS_KEPT {
            output.clear();
            outputs.push(output);
        }
    }

    fn hand_out(self: &Rc<Self>, bytes: Box<[u8]>, of_budget: bool) -> Buffer {
        Buffer {
            bytes,
            start: 0,
            end: 0,
            home: Some(Rc::clone(self)),
            of_budget,
        }
    }

    pub(super) fn take_back(&self, bytes: Box<[u8]>, of_budget: bool) {
        let (shelf, most) = match bytes.len() {
            SMALL => (&self.small, SMALL_KEPT),
            LARGE => (&self.large, BULK_KEPT),
            HUGE => (&self.huge, BULK_KEPT),
            _ => return,
        };
        if of_budget {
            shelf.out.set(shelf.out.get().saturating_sub(1));
        }
        shelf.put(bytes, most);
    }
}
