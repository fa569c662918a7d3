//! One connection of a client over HTTP/2: what drives it, how long it may do nothing, and how it ends.
//!
//! Whatever ends a connection that is in order, it is told in two steps: first that no more streams should be
//! opened, and, once the client has surely heard that, which of them was the last that is served. None is lost.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;

use super::flow::Piece;
use super::meter::{Budgets, Excess};
use super::metered::{Metered, Tap};
use super::request::{self, Live, Shared};
use crate::deadlines::{Deadline, Tick};
use crate::downstream::Client;
use crate::downstream::connection::{End, age_limit};
use crate::downstream::linger::linger;
use crate::drain::Stage;
use crate::io::Io;
use crate::settings::{Http2, Limits};
use crate::wire::Wire;
use crate::worker::{Open, Worker};

/// What a header field counts for beside its bytes in the size of a list (RFC 9113, section 6.5.2).
const AROUND_FIELD: u32 = 32;

/// Serves a client until its connection ends. `before` is what was read of it already.
pub(in crate::downstream) async fn serve(open: Open, io: Io, before: Vec<u8>, client: Client) {
    let worker = Rc::clone(open.worker());
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let deadline = worker.deadlines.register(waker.clone());
    let settings = &worker.settings.http2;
    let tap = Tap::new(
        io,
        before,
        Budgets::new(settings, worker.settings.limits.request.head),
        &worker.deadlines,
    );
    worker.counters.http2_connections.increment();
    let end = match shake(&worker, &tap, &deadline).await {
        Some(protocol) => {
            let shared = Shared::new(open, client, tap.local_ip(), waker);
            let mut driver = Driver {
                worker: &worker,
                tap: &tap,
                deadline: &deadline,
                shared: Rc::new(shared),
                ends_by: age_limit(&worker),
                begun: 0,
                idle_since: worker.deadlines.now(),
                unfinished: Watch::default(),
                stalled: Watch::default(),
                leaves_at: None,
                told: None,
                condemned: false,
                protocol,
            };
            poll_fn(|cx| driver.poll(cx)).await
        }
        None => End::Linger,
    };
    if let Some(io) = tap.into_io() {
        let mut wire = Wire::new(io, worker.buffers.clone());
        linger(&mut wire, &deadline, &worker, end).await;
    }
}

/// The beginning of a connection: our settings, and the client's preface, for which it has only so long (L-05).
async fn shake(
    worker: &Worker,
    tap: &Rc<Tap>,
    deadline: &Deadline,
) -> Option<Connection<Metered, Piece>> {
    deadline.set_after(worker.settings.timeouts.request_head);
    let mut shaking =
        pin!(builder(&worker.settings.http2, &worker.settings.limits).handshake(tap.metered()));
    poll_fn(|cx| match shaking.as_mut().poll(cx) {
        Poll::Ready(shaken) => Poll::Ready(shaken.ok()),
        Poll::Pending if deadline.passed() || worker.stage().is_closing() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// What the protocol is told.
fn builder(settings: &Http2, limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    // A list that is somewhat too long is refused by us, with a reason; what is far beyond, by the protocol.
    let list = limits
        .request
        .head
        .saturating_add(limits.request.fields.saturating_mul(AROUND_FIELD));
    builder
        .max_concurrent_streams(settings.streams)
        .initial_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_header_list_size(list)
        .max_send_buffer_size(settings.unsent)
        // The meter counts those that are the client's fault, and counts them first.
        .max_local_error_reset_streams(Some(settings.errors.saturating_mul(16) as usize));
    builder
}

/// A number, and since when it has been what it is.
#[derive(Clone, Copy, Debug, Default)]
struct Watch(Option<(u64, Tick)>);

impl Watch {
    /// Since when; `None` where there is nothing to watch.
    fn since(&mut self, number: Option<u64>, now: Tick) -> Option<Tick> {
        let number = number?;
        match self.0 {
            Some((seen, since)) if seen == number => Some(since),
            _ => {
                self.0 = Some((number, now));
                Some(now)
            }
        }
    }
}

/// What drives a connection.
struct Driver<'a> {
    worker: &'a Rc<Worker>,
    tap: &'a Rc<Tap>,
    deadline: &'a Deadline,
    shared: Rc<Shared>,
    protocol: Connection<Metered, Piece>,
    /// When it is old enough to end (L-25).
    ends_by: Tick,
    /// Requests that were begun on it.
    begun: u32,
    /// Since when it has had no request in work.
    idle_since: Tick,
    unfinished: Watch,
    stalled: Watch,
    /// When it is told to leave, in a drain.
    leaves_at: Option<Tick>,
    /// When it was told that it ends.
    told: Option<Tick>,
    /// Whether it was ended at once.
    condemned: bool,
}

impl Driver<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.mind_stage();
        loop {
            match self.protocol.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.accept(cx, request, respond),
                Poll::Ready(Some(Err(error))) => {
                    self.note(&error);
                    return Poll::Ready(End::Linger);
                }
                Poll::Ready(None) => return Poll::Ready(End::Linger),
                Poll::Pending => match self.tap.excess() {
                    Some(excess) if !self.condemned => self.condemn(excess),
                    _ => break,
                },
            }
        }
        self.wait()
    }

    /// Begins with a request, unless there are too many in work. One whose stream was reset before anybody looked at
    /// it is none.
    fn accept(
        &mut self,
        cx: &mut Context<'_>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Piece>,
    ) {
        if respond.poll_reset(cx).is_ready() {
            return;
        }
        let settings = &self.worker.settings;
        if self.shared.live() >= settings.http2.streams as usize {
            self.worker.counters.http2_refused_streams.increment();
            respond.send_reset(Reason::REFUSED_STREAM);
            return;
        }
        self.begun += 1;
        let live = Live::count(&self.shared);
        tokio::task::spawn_local(request::serve(live, request, respond));
        let is_last = self.begun >= settings.limits.connection_requests;
        // One that was made during a drain ends after its first requests.
        if is_last || self.worker.stage() > Stage::Serving && self.leaves_at.is_none() {
            self.tell();
        }
    }

    /// Ends the connection at once: what it costs is out of proportion.
    fn condemn(&mut self, excess: Excess) {
        self.condemned = true;
        self.worker.counters.http2_floods.increment();
        tracing::debug!(
            client = self.shared.client.address(),
            excess = excess.word(),
            "http2-connection-ended"
        );
        self.protocol.abrupt_shutdown(excess.reason());
    }

    /// Counts a flood that the protocol has ended by itself, as of tiny pieces of data.
    fn note(&self, error: &h2::Error) {
        let is_flood = error.is_library() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM);
        if is_flood && !self.condemned {
            self.worker.counters.http2_floods.increment();
            tracing::debug!(
                client = self.shared.client.address(),
                excess = "protocol",
                "http2-connection-ended"
            );
        }
    }

    /// Says that the connection ends, once.
    fn tell(&mut self) {
        if self.told.is_none() {
            self.told = Some(self.deadline.now());
            self.protocol.graceful_shutdown();
        }
    }

    /// Looks at what the process, and its own age, want of the connection.
    fn mind_stage(&mut self) {
        let (now, stage) = (self.deadline.now(), self.worker.stage());
        if stage == Stage::Leaving && self.leaves_at.is_none() && self.begun > 0 {
            self.leaves_at = Some(self.leaving(now));
        }
        let is_over = now >= self.ends_by || self.leaves_at.is_some_and(|at| now >= at);
        if stage.is_closing() || is_over || self.worker.switches.disable_http2() {
            self.tell();
        }
    }

    /// When a connection is told to leave: not all at once, and late enough that balancers have noticed.
    fn leaving(&self, now: Tick) -> Tick {
        let half = self.worker.settings.timeouts.leaving / 2;
        let share = u32::try_from(self.worker.random() % 1000).unwrap_or(0);
        now.after(half + half / 1000 * share)
    }

    /// Sets the deadline, or says that it is over.
    fn wait(&mut self) -> Poll<End> {
        let (now, timeouts) = (self.deadline.now(), &self.worker.settings.timeouts);
        let is_idle = self.shared.live() == 0;
        if !is_idle {
            self.idle_since = now;
        }
        let stalled = self.stalled.since(self.tap.stalled(), now);
        let unfinished = self.unfinished.since(self.tap.unfinished(), now);
        // Nobody takes what is sent (L-09), or something that was begun does not end (L-05).
        let cut = [
            stalled.map(|since| since.after(timeouts.client_stall)),
            unfinished.map(|since| since.after(timeouts.request_head)),
            self.told
                .filter(|_| is_idle)
                .map(|told| told.max(self.idle_since).after(timeouts.linger)),
        ];
        let cut = cut.into_iter().flatten().min().unwrap_or(Tick::NEVER);
        if now >= cut || is_idle && self.worker.stage().is_ending() {
            return Poll::Ready(if stalled.is_some() {
                End::Reset
            } else {
                End::Linger
            });
        }
        let mut by = cut.min(self.ends_by);
        if let Some(leaves_at) = self.leaves_at {
            by = by.min(leaves_at);
        }
        if is_idle {
            let idle_ends = self.idle_since.after(timeouts.client_idle);
            if now >= idle_ends && self.told.is_none() {
                self.tell();
                // What was said has still to be sent.
                self.deadline.set(now);
                return Poll::Pending;
            }
            by = by.min(idle_ends);
        }
        if self.told.is_some() {
            by = cut;
        }
        self.deadline.set(by);
        Poll::Pending
    }
}
