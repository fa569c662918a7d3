//! What keeps a trunk going: the frames of all its requests, and the question whether the endpoint is still there.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::Connection;
use h2::{Ping, PingPong};

use super::below::Pipe;
use super::trunk::Trunk;
use crate::deadlines::Tick;
use crate::proxy::Reason;
use crate::worker::Worker;

/// How long the end of a trunk may take that carries nothing any more.
const GOODBYE: Duration = Duration::from_secs(5);

/// Runs for as long as the connection does.
pub(super) async fn drive(
    mut connection: Connection<Pipe, Bytes>,
    trunk: Rc<Trunk>,
    worker: Rc<Worker>,
) {
    let register = poll_fn(|cx| Poll::Ready(worker.deadlines.register(cx.waker().clone())));
    let deadline = register.await;
    let settings = &worker.settings.upstream;
    let waits = (settings.http2_silence, settings.http2_pong);
    let mut pulse = Pulse::new(connection.ping_pong(), waits, deadline.now());
    let mut gone_by = None;
    poll_fn(|cx| {
        let now = deadline.now();
        let mut by = trunk.tend(now);
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if trunk.is_over() {
            let gone_by = *gone_by.get_or_insert_with(|| now.after(GOODBYE));
            if now >= gone_by {
                return Poll::Ready(());
            }
            by = gone_by;
        } else {
            match pulse.poll(cx, &trunk, now) {
                Some(ask_by) => by = by.min(ask_by),
                None => {
                    trunk.below().fail(Reason::Timeout);
                    return Poll::Ready(());
                }
            }
        }
        deadline.set(by);
        Poll::Pending
    })
    .await;
    // Before the requests on it hear of it, which they do once the connection is dropped.
    trunk.end();
    worker.trunks.prune(trunk.endpoint());
}

/// Whether an endpoint is still there. It is asked once in a silence: endpoints take those who ask again and again for hostile.
struct Pulse {
    pings: Option<PingPong>,
    /// After how long a silence it is asked.
    silence: Duration,
    /// How long it may take to answer.
    pong_within: Duration,
    /// Bytes that had come when somebody looked last.
    received: u64,
    /// Since when nothing has come, though something was to come.
    since: Tick,
    /// Since when an answer to the question is awaited.
    asked: Option<Tick>,
    /// Whether it has answered in this silence.
    answered: bool,
}

impl Pulse {
    fn new(
        pings: Option<PingPong>,
        (silence, pong_within): (Duration, Duration),
        now: Tick,
    ) -> Self {
        Self {
            pings,
            silence,
            pong_within,
            received: 0,
            since: now,
            asked: None,
            answered: false,
        }
    }

    /// When to look again; `None`: it is not there any more.
    fn poll(&mut self, cx: &mut Context<'_>, trunk: &Trunk, now: Tick) -> Option<Tick> {
        let Some(pings) = &mut self.pings else {
            return Some(Tick::NEVER);
        };
        let received = trunk.below().received();
        let has_come = std::mem::replace(&mut self.received, received) != received;
        if let Some(asked) = self.asked {
            if pings.poll_pong(cx).is_ready() {
                self.asked = None;
                self.answered = true;
                self.since = now;
            } else {
                // Whatever it sends, it is there.
                let since = if has_come { now } else { asked };
                self.asked = Some(since);
                let by = since.after(self.pong_within);
                return (now < by).then_some(by);
            }
        } else if has_come {
            self.since = now;
            self.answered = false;
        }
        let Some(used) = trunk.busy_since() else {
            return Some(Tick::NEVER);
        };
        if used > self.since {
            self.since = used;
            self.answered = false;
        }
        if self.answered {
            return Some(Tick::NEVER);
        }
        let ask_at = self.since.after(self.silence);
        if now < ask_at {
            return Some(ask_at);
        }
        if pings.send_ping(Ping::opaque()).is_err() {
            return Some(Tick::NEVER);
        }
        self.asked = Some(now);
        Some(now.after(self.pong_within))
    }
}
