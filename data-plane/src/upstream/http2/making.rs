//! Connections in the making, to endpoints that would share them. Requests that come meanwhile wait for the same one.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use pointsman_routing::Endpoint;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Trunk;
use crate::proxy::Reason;
use crate::upstream::dial::{self, Made};
use crate::upstream::{Carrier, Connection};
use crate::worker::Worker;

/// One connection in the making.
#[derive(Default)]
pub(super) struct Making {
    /// Whether the endpoint has accepted it; what follows is the handshake.
    accepted: Cell<bool>,
    outcome: RefCell<Option<Outcome>>,
    done: Notify,
}

/// What has become of it.
enum Outcome {
    /// All who wait may share it.
    Trunk(Rc<Trunk>),
    /// The endpoint has chosen HTTP/1.1: it is for one of them.
    Http1(Option<Box<Connection>>),
    /// It is none.
    Failed(Reason),
}

impl Making {
    /// Waits for what becomes of it. `None`: there is nothing in it for whoever has waited.
    async fn wait(
        &self,
        worker: &Worker,
        accepted: &Cell<bool>,
    ) -> Result<Option<Carrier>, Reason> {
        let mut done = pin!(self.done.notified());
        poll_fn(|cx| {
            accepted.set(accepted.get() || self.accepted.get());
            match self.outcome.borrow().is_some() {
                true => Poll::Ready(()),
                false => done.as_mut().poll(cx),
            }
        })
        .await;
        match &mut *self.outcome.borrow_mut() {
            Some(Outcome::Trunk(trunk)) => Ok(worker.trunks.on(trunk).map(Carrier::Http2)),
            Some(Outcome::Http1(connection)) => Ok(connection.take().map(Carrier::Http1)),
            Some(Outcome::Failed(reason)) => Err(*reason),
            None => Ok(None),
        }
    }
}

/// A way to an endpoint that would share connections: a stream of one that stands or is in the making, else a connection
/// of its own. `accepted` is set once the endpoint has accepted a connection.
///
/// # Errors
/// Why there is none.
pub(crate) async fn share(
    worker: Rc<Worker>,
    endpoint: Arc<Endpoint>,
    repeatable: bool,
    accepted: Rc<Cell<bool>>,
) -> Result<Carrier, Reason> {
    let index = endpoint.state().index();
    loop {
        let now = worker.deadlines.now();
        if let Some(stream) = worker.trunks.take(index, repeatable, now) {
            return Ok(Carrier::Http2(stream));
        }
        let kept = worker.settings.upstream.keep_alive && !worker.stage().is_closing();
        let Some((making, is_new)) = kept.then(|| worker.trunks.join(index)).flatten() else {
            let made = make(&worker, &endpoint, &accepted).await?;
            return alone(&worker, made, kept);
        };
        if is_new {
            let (worker, endpoint) = (Rc::clone(&worker), Arc::clone(&endpoint));
            tokio::task::spawn_local(see_through(worker, endpoint, Rc::clone(&making)));
        }
        if let Some(carrier) = making.wait(&worker, &accepted).await? {
            return Ok(carrier);
        }
    }
}

/// Makes a connection that nobody else waits for one's own.
fn alone(worker: &Worker, made: Made, kept: bool) -> Result<Carrier, Reason> {
    match made {
        Made::Http1(connection) => Ok(Carrier::Http1(connection)),
        Made::Http2(trunk) => {
            let stream = worker.trunks.on(&trunk).ok_or(Reason::HandshakeBroken)?;
            if kept {
                worker.trunks.keep(&trunk);
            } else {
                trunk.retire();
            }
            Ok(Carrier::Http2(stream))
        }
    }
}

/// Makes a connection, and tells all who wait for it.
async fn see_through(worker: Rc<Worker>, endpoint: Arc<Endpoint>, making: Rc<Making>) {
    let index = endpoint.state().index();
    let made = make(&worker, &endpoint, &making.accepted).await;
    let outcome = match made {
        Ok(Made::Http2(trunk)) => {
            worker.trunks.keep(&trunk);
            Outcome::Trunk(trunk)
        }
        Ok(Made::Http1(connection)) => {
            worker.trunks.note_http1(index);
            Outcome::Http1(Some(connection))
        }
        Err(reason) => Outcome::Failed(reason),
    };
    *making.outcome.borrow_mut() = Some(outcome);
    worker.trunks.leave(index, &making);
    making.done.notify_waiters();
}

async fn make(
    worker: &Rc<Worker>,
    endpoint: &Endpoint,
    accepted: &Cell<bool>,
) -> Result<Made, Reason> {
    worker.counters.dials.increment();
    let timeouts = &worker.settings.timeouts;
    let socket = timeout(timeouts.dial, dial::connect(endpoint)).await;
    let socket = socket.unwrap_or(Err(Reason::DialTimeout))?;
    accepted.set(true);
    let made = timeout(timeouts.handshake, dial::settle(socket, endpoint, worker));
    made.await.unwrap_or(Err(Reason::HandshakeTimeout))
}
