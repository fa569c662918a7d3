//! One client connection over HTTP/1.1: request after request, each served to its end before the
//! next is looked at.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use pointsman_http1::{Refused, RequestParser};

use super::linger::linger;
use super::{Client, Exchange, http2};
use crate::deadlines::{Deadline, Tick};
use crate::drain::Stage;
use crate::io::Io;
use crate::proxy::{self, Broken, Ending, Room, Unread};
use crate::wire::Wire;
use crate::worker::{Open, Worker};

/// How long a connection that was accepted at the last moment may take to begin its request while
/// others without one are ended.
const FRESH: Duration = Duration::from_secs(1);

/// Serves a client until its connection ends.
pub(crate) async fn serve(open: Open, io: Io, client: Client) {
    let worker = &Rc::clone(open.worker());
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let mut connection = Connection {
        client,
        wire: Wire::new(io, worker.buffers.clone()),
        parser: RequestParser::new(worker.settings.limits.request),
        deadline: worker.deadlines.register(waker),
        served: 0,
        settled: worker.deadlines.now().after(FRESH),
        ends_by: Tick::NEVER,
        worker,
    };
    connection.ends_by = age_limit(worker);
    let end = loop {
        match connection.next().await {
            Next::Again => {}
            Next::End(end) => break end,
            Next::Http2 => {
                let Connection { client, wire, .. } = connection;
                let (io, before) = wire.into_parts();
                // In a place of its own, so that what it needs is not held for every connection.
                return Box::pin(http2::serve(open, io, before, client)).await;
            }
        }
    };
    linger(&mut connection.wire, &connection.deadline, worker, end).await;
}

/// Goes on with a request, unless the process ends now. A fault of the router costs this request,
/// and no other.
#[inline]
pub(super) fn poll_journey(
    cx: &mut Context<'_>,
    stage: Stage,
    journey: Pin<&mut impl Future<Output = Ending>>,
) -> Poll<Result<Ending, Broken>> {
    if stage.is_ending() {
        return Poll::Ready(Err(Broken::Cut));
    }
    // Whatever the journey has left half done is of this request, and goes with it.
    match catch_unwind(AssertUnwindSafe(|| journey.poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Broken::Fault)),
    }
}

/// A client's connection.
struct Connection<'a> {
    worker: &'a Rc<Worker>,
    client: Client,
    wire: Wire,
    parser: RequestParser,
    deadline: Deadline,
    /// Requests that were begun on it.
    served: u32,
    /// When it is no fresh connection any more.
    settled: Tick,
    /// When it is old enough to end (L-25).
    ends_by: Tick,
}

/// What comes after a request.
enum Next {
    /// Another one may.
    Again,
    /// Nothing.
    End(End),
    /// What has come is the beginning of HTTP/2, and nothing else was before.
    Http2,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is nobody to tell.
    Close,
    /// The client is told, and what it still sends is read for a while, so that the system does
    /// not throw away what it has not received yet.
    Linger,
    /// What was sent is not complete, and has to look like that.
    Reset,
}

/// What a wait for a request came to.
enum Waited {
    /// Its head stands in the room.
    Head,
    /// Bytes that are no request.
    Unread(Unread),
    /// The end of the connection.
    End(End),
}

impl Connection<'_> {
    /// Serves one request.
    async fn next(&mut self) -> Next {
        if let Err(end) = self.wait_for_bytes().await {
            return Next::End(end);
        }
        let mut room = self.worker.room();
        let next = match self.read_head(&mut room).await {
            Waited::Head => self.serve(&mut room).await,
            Waited::Unread(Unread::Refused(Refused::Http2Preface)) if self.may_be_http2() => {
                Next::Http2
            }
            Waited::Unread(unread) => {
                self.refuse(&mut room, unread).await;
                Next::End(End::Linger)
            }
            Waited::End(end) => Next::End(end),
        };
        self.worker.take_room(room);
        next
    }

    /// Waits for a client that has nothing to say, without holding anything for it.
    async fn wait_for_bytes(&mut self) -> Result<(), End> {
        let timeouts = &self.worker.settings.timeouts;
        let first = self.served == 0;
        let wait = if first {
            timeouts.request_head
        } else {
            timeouts.client_idle
        };
        self.wire.rest();
        self.deadline.set_after(wait);
        poll_fn(|cx| self.poll_bytes(cx)).await?;
        if !first {
            self.deadline.set_after(timeouts.request_head);
        }
        Ok(())
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        match self.wire.poll_readable(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(_)) => Poll::Ready(Err(End::Close)),
            Poll::Pending if self.deadline.passed() => Poll::Ready(Err(End::Close)),
            // Untouched: it is half-closed, and a request that is on its way is not reset. The system
            // is asked: what has come while the worker was busy is still to be answered.
            Poll::Pending
                if self.worker.stage().is_closing()
                    && !self.is_fresh()
                    && self.wire.is_quiet_now() =>
            {
                Poll::Ready(Err(End::Linger))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether its first request is surely on its way: it was accepted so shortly ago.
    fn is_fresh(&self) -> bool {
        self.served == 0 && self.deadline.now() < self.settled && !self.worker.stage().is_ending()
    }

    /// Reads until there is a whole head.
    async fn read_head(&mut self, room: &mut Room) -> Waited {
        poll_fn(|cx| self.poll_head(cx, room)).await
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, room: &mut Room) -> Poll<Waited> {
        let most = self.worker.settings.limits.request.head as usize + 1;
        loop {
            if !self.wire.input().is_empty() {
                match self.parser.parse(self.wire.input(), &mut room.request) {
                    Ok(Some(length)) => {
                        self.wire.consume(length);
                        return Poll::Ready(Waited::Head);
                    }
                    Ok(None) => {}
                    Err(refused) => return Poll::Ready(Waited::Unread(Unread::Refused(refused))),
                }
                if !self.wire.grow(most) {
                    let unread = Unread::Refused(Refused::HeadTooLong);
                    return Poll::Ready(Waited::Unread(unread));
                }
            }
            match self.wire.poll_fill(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Waited::End(End::Close)),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending if self.worker.stage().is_ending() => {
                    return Poll::Ready(Waited::End(End::Close));
                }
                Poll::Pending if self.deadline.passed() => {
                    let started = self.parser.is_started();
                    return Poll::Ready(if started {
                        Waited::Unread(Unread::TooSlow)
                    } else {
                        Waited::End(End::Close)
                    });
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends the request whose head stands in the room on its journey.
    async fn serve(&mut self, room: &mut Room) -> Next {
        self.served += 1;
        let reusable = self.may_go_on();
        let Room { request, desk } = room;
        let limits = self.worker.settings.limits.request_body;
        let mut exchange = Exchange::new(&self.client, request, &mut self.wire, limits, reusable);
        let ending = {
            let journey = proxy::handle(self.worker, &mut exchange, desk, &self.deadline);
            let mut journey = pin!(journey);
            poll_fn(|cx| poll_journey(cx, self.worker.stage(), journey.as_mut())).await
        };
        let ending = match ending {
            Ok(ending) => ending,
            Err(broken) => {
                if broken == Broken::Fault {
                    self.worker.counters.panics.increment();
                }
                let deadline = &self.deadline;
                let answer =
                    proxy::answer_broken(self.worker, &mut exchange, desk, deadline, broken);
                return match answer.await {
                    Ending::Complete => Next::End(End::Linger),
                    Ending::Short | Ending::Gone => Next::End(End::Reset),
                };
            }
        };
        match ending {
            Ending::Complete if exchange.is_reusable() => Next::Again,
            Ending::Complete if exchange.is_last_word() => Next::End(End::Close),
            Ending::Complete => Next::End(End::Linger),
            // The missing end of a chunked body, or of one with a length, shows by itself.
            Ending::Short if !exchange.ends_with_connection() => Next::End(End::Close),
            Ending::Short | Ending::Gone => Next::End(End::Reset),
        }
    }

    async fn refuse(&mut self, room: &mut Room, unread: Unread) {
        let Room { request, desk } = room;
        let limits = self.worker.settings.limits.request_body;
        // Nothing behind it is read as HTTP, nor as its body.
        self.wire.discard_input();
        let mut exchange = Exchange::new(&self.client, request, &mut self.wire, limits, false);
        proxy::answer_refused(self.worker, &mut exchange, desk, &self.deadline, unread).await;
    }

    /// Whether a client may go on with HTTP/2 without having agreed on it: in clear text, as its first words.
    fn may_be_http2(&self) -> bool {
        self.served == 0
            && self.worker.settings.http2.cleartext
            && self.client.tls().is_none()
            && !self.worker.switches.disable_http2()
    }

    /// Whether the connection would take another request after this one (L-24, L-25, R-152).
    fn may_go_on(&self) -> bool {
        self.served < self.worker.settings.limits.connection_requests
            && self.deadline.now() < self.ends_by
            && self.worker.stage().is_serving()
    }
}

/// When a connection made now is old enough to end (L-25): at the configured age, give or take a tenth, so that those
/// made together do not end together.
pub(super) fn age_limit(worker: &Worker) -> Tick {
    let age = worker.settings.limits.connection_age;
    let jitter = age.mul_f64(0.2) / 1000 * u32::try_from(worker.random() % 1000).unwrap_or(0);
    worker.deadlines.now().after(age.mul_f64(0.9) + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(stage: Stage, journey: impl Future<Output = Ending>) -> Poll<Result<Ending, Broken>> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        poll_journey(&mut cx, stage, pin!(journey))
    }

    #[test]
    fn a_fault_costs_the_request_and_not_the_worker() {
        let fault = async { panic!("a fault") };
        assert_eq!(poll(Stage::Closing, fault), Poll::Ready(Err(Broken::Fault)));
        let whole = async { Ending::Complete };
        assert_eq!(
            poll(Stage::Closing, whole),
            Poll::Ready(Ok(Ending::Complete))
        );
    }

    #[test]
    fn the_last_stage_cuts_what_is_in_work() {
        let endless = std::future::pending();
        assert_eq!(poll(Stage::Ending, endless), Poll::Ready(Err(Broken::Cut)));
    }
}
