//! The task of one stream: its request makes the journey that every request makes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;

use super::flow::Piece;
use super::stream::Stream;
use super::translate;
use crate::deadlines::Deadline;
use crate::downstream::connection::poll_journey;
use crate::downstream::{Client, Exchange};
use crate::proxy::{self, Broken, Ending, Room, Unread};
use crate::worker::{Open, Worker};

/// What the streams of a connection share.
pub(super) struct Shared {
    pub(super) open: Open,
    pub(super) client: Client,
    pub(super) local_ip: Option<IpAddr>,
    /// Requests in work, those of streams that the client has reset included.
    live: Cell<usize>,
    /// Who wants to know when there is none any more.
    driver: RefCell<Waker>,
}

impl Shared {
    /// Of a connection without streams.
    pub(super) fn new(open: Open, client: Client, local_ip: Option<IpAddr>, driver: Waker) -> Self {
        Self {
            open,
            client,
            local_ip,
            live: Cell::new(0),
            driver: RefCell::new(driver),
        }
    }

    /// Requests in work.
    pub(super) fn live(&self) -> usize {
        self.live.get()
    }

    fn worker(&self) -> &Rc<Worker> {
        self.open.worker()
    }
}

/// One request in work.
pub(super) struct Live(Rc<Shared>);

impl Live {
    /// Counts one until it is dropped.
    pub(super) fn count(shared: &Rc<Shared>) -> Self {
        shared.live.set(shared.live.get() + 1);
        Self(Rc::clone(shared))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let live = self.0.live.get() - 1;
        self.0.live.set(live);
        if live == 0 {
            self.0.driver.borrow().wake_by_ref();
        }
    }
}

/// Serves one request to the end of its stream.
pub(super) async fn serve(live: Live, request: Request<RecvStream>, respond: SendResponse<Piece>) {
    let shared = &live.0;
    let worker = shared.worker();
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let deadline = worker.deadlines.register(waker);
    let mut room = worker.room();
    let (parts, receiving) = request.into_parts();
    let limits = &worker.settings.limits;
    let mut stream = Stream::new(receiving, respond, limits.request_body, shared.local_ip);
    let ended = stream.body_is_read();
    let understood = translate::request(&parts, ended, &limits.request, &mut room.request);
    drop(parts);
    let ending = match understood {
        Ok(understood) => {
            if understood.expects {
                stream.expect();
            }
            travel(shared, &mut stream, &mut room, &deadline).await
        }
        Err(refused) => {
            let Room { request, desk } = &mut *room;
            let mut exchange = Exchange::over_http2(&shared.client, request, &mut stream);
            let unread = Unread::Refused(refused);
            proxy::answer_refused(worker, &mut exchange, desk, &deadline, unread).await;
            Ending::Complete
        }
    };
    worker.take_room(room);
    end(worker, stream, &deadline, ending).await;
}

/// Sends a request that was understood on its journey.
async fn travel(
    shared: &Shared,
    stream: &mut Stream,
    room: &mut Room,
    deadline: &Deadline,
) -> Ending {
    let worker = shared.worker();
    let Room { request, desk } = room;
    let mut exchange = Exchange::over_http2(&shared.client, request, stream);
    let ending = {
        let mut journey = pin!(proxy::handle(worker, &mut exchange, desk, deadline));
        poll_fn(|cx| poll_journey(cx, worker.stage(), journey.as_mut())).await
    };
    match ending {
        Ok(ending) => ending,
        Err(broken) => {
            if broken == Broken::Fault {
                worker.counters.panics.increment();
            }
            proxy::answer_broken(worker, &mut exchange, desk, deadline, broken).await
        }
    }
}

/// Ends a stream whose exchange has not done that itself. What is left of a request that was answered is told to be of
/// no use by `h2` (RFC 9113, section 8.1).
async fn end(worker: &Worker, mut stream: Stream, deadline: &Deadline, ending: Ending) {
    match ending {
        Ending::Complete => {}
        Ending::Short => {
            // What came before is the client's, who then has to see that it is short.
            deadline.set_after(worker.settings.timeouts.linger);
            poll_fn(|cx| match stream.poll_flush(cx) {
                Poll::Pending if !deadline.passed() && !worker.stage().is_ending() => Poll::Pending,
                _ => Poll::Ready(()),
            })
            .await;
            stream.reset(Reason::INTERNAL_ERROR);
        }
        Ending::Gone => stream.reset(Reason::CANCEL),
    }
}
