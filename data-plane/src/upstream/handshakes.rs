//! A turnstile before the work of TLS handshakes.
//!
//! A step of a handshake costs as much as a dozen requests. When hundreds of connections have to
//! be made at the same time, after a control plane has moved an app or a data plane has started,
//! their steps would stand in one row before every other task of the worker. So only a few are let
//! through, then everybody else has a turn, then the next few. How long a handshake may take in
//! all (L-06, L-28), whoever asks for it measures.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};

use crate::io::tls::TlsIo;

/// Steps in one turn.
const STEPS: usize = 4;

/// The turnstile of one worker.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    /// Steps in this turn.
    taken: Cell<usize>,
    waiting: RefCell<VecDeque<Weak<Ticket>>>,
    /// Who ends a turn.
    keeper: RefCell<Option<Waker>>,
}

/// A place in the queue.
#[derive(Debug)]
struct Ticket {
    called: Cell<bool>,
    waker: RefCell<Waker>,
}

impl Handshakes {
    /// Waits for a turn: for work that is done at once.
    pub(crate) async fn turn(&self) {
        let mut ticket = None;
        poll_fn(|cx| self.poll_turn(cx, &mut ticket)).await;
    }

    /// Shakes hands, a turn for each step.
    ///
    /// # Errors
    /// Those of [`TlsIo::poll_handshake`].
    pub(crate) async fn shake(&self, tls: &mut TlsIo) -> io::Result<()> {
        let mut ticket = None;
        poll_fn(|cx| {
            ready!(tls.poll_work(cx))?;
            ready!(self.poll_turn(cx, &mut ticket));
            tls.poll_handshake(cx)
        })
        .await
    }

    fn poll_turn(&self, cx: &mut Context<'_>, ticket: &mut Option<Rc<Ticket>>) -> Poll<()> {
        if let Some(waiting) = ticket {
            if waiting.called.get() {
                *ticket = None;
                return Poll::Ready(());
            }
            waiting.waker.borrow_mut().clone_from(cx.waker());
            return Poll::Pending;
        }
        let mut queue = self.waiting.borrow_mut();
        if queue.is_empty() && self.taken.get() < STEPS {
            self.take();
            return Poll::Ready(());
        }
        let new = Rc::new(Ticket {
            called: Cell::new(false),
            waker: RefCell::new(cx.waker().clone()),
        });
        queue.push_back(Rc::downgrade(&new));
        *ticket = Some(new);
        Poll::Pending
    }

    fn take(&self) {
        self.taken.set(self.taken.get() + 1);
        if let Some(keeper) = self.keeper.borrow_mut().take() {
            keeper.wake();
        }
    }

    /// Ends turns and calls those who wait, for as long as the worker lives.
    pub(crate) async fn keep(&self) {
        loop {
            poll_fn(|cx| {
                if self.taken.get() > 0 {
                    return Poll::Ready(());
                }
                *self.keeper.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
            // Whoever was ready before comes first, and what the sockets have to say.
            tokio::task::yield_now().await;
            self.call_next();
        }
    }

    fn call_next(&self) {
        self.taken.set(0);
        let mut queue = self.waiting.borrow_mut();
        while self.taken.get() < STEPS
            && let Some(next) = queue.pop_front()
        {
            // Some have given up meanwhile.
            if let Some(ticket) = next.upgrade() {
                self.taken.set(self.taken.get() + 1);
                ticket.called.set(true);
                ticket.waker.borrow().wake_by_ref();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::task::{JoinSet, LocalSet, yield_now};

    use super::*;

    /// A storm of handshakes leaves every fifth step to the others.
    #[tokio::test]
    async fn between_a_few_steps_everybody_else_has_a_turn() {
        let all = Rc::new(Handshakes::default());
        let seen = Rc::new(RefCell::new(String::new()));
        let local = LocalSet::new();
        local
            .run_until(async {
                let keeper = Rc::clone(&all);
                tokio::task::spawn_local(async move { keeper.keep().await });
                let mut storm = JoinSet::new();
                for _ in 0..40 {
                    let (all, seen) = (Rc::clone(&all), Rc::clone(&seen));
                    storm.spawn_local(async move {
                        all.turn().await;
                        seen.borrow_mut().push('h');
                    });
                }
                let neighbour = Rc::clone(&seen);
                let other = tokio::task::spawn_local(async move {
                    loop {
                        neighbour.borrow_mut().push('.');
                        yield_now().await;
                    }
                });
                while storm.join_next().await.is_some() {}
                other.abort();
            })
            .await;
        let seen = seen.borrow();
        assert_eq!(seen.matches('h').count(), 40);
        let longest = seen.split('.').map(str::len).max();
        // Two turns of four may meet.
        assert!(longest <= Some(8), "{seen}");
    }

    #[tokio::test]
    async fn who_gives_up_takes_no_turn() {
        let all = Handshakes::default();
        for _ in 0..STEPS {
            all.turn().await;
        }
        let mut cx = Context::from_waker(Waker::noop());
        let (mut gone, mut stays) = (None, None);
        assert!(all.poll_turn(&mut cx, &mut gone).is_pending());
        assert!(all.poll_turn(&mut cx, &mut stays).is_pending());
        drop(gone);
        all.call_next();
        assert!(all.poll_turn(&mut cx, &mut stays).is_ready());
        assert_eq!(all.taken.get(), 1);
    }
}
