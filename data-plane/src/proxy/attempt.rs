//! One attempt: a connection to the endpoint, the request on it, and the head of the answer.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use pointsman_http1::Version;
use pointsman_routing::{Endpoint, Protocol};
use tokio::time::Instant;

use super::Journey;
use super::choose::Chosen;
use super::patience::{Bounds, Patience, Waiting};
use super::prepare::Addressed;
use super::reason::{Failure, Reason, Sent};
use super::relay::NEVER_TOLD;
use super::upload::{Upload, UploadFault};
use crate::deadlines::Tick;
use crate::upstream::{self, Carrier, HeadFault, Stream};
use crate::wire::{BodyFault, Wire};

impl<'a> Journey<'a, '_> {
    /// Tries one endpoint. A connection that was kept too long does not count: the same endpoint
    /// gets the request on a fresh one, if that is safe.
    pub(super) async fn attempt(
        &mut self,
        chosen: &mut Chosen,
    ) -> Result<(Carrier, Relaying<'a>), Failure> {
        self.record.attempts += 1;
        self.record.endpoint = Some(Arc::clone(chosen.lease.endpoint()));
        self.worker.counters.attempts.increment();
        self.watch_chosen(chosen);
        let mut kept = self.take_kept(chosen.lease.endpoint());
        let mut was_stale = false;
        loop {
            let mut upstream = match kept.take() {
                Some(upstream) => upstream,
                None => {
                    let connected = self.connect(chosen).await;
                    self.record.endpoint = Some(Arc::clone(chosen.lease.endpoint()));
                    connected.map_err(Failure::unsent)?
                }
            };
            let reused = upstream.begin();
            match self.exchange_with(&mut upstream, Some(chosen)).await {
                Ok(relaying) => {
                    chosen.answered(self.worker);
                    return Ok((upstream, relaying));
                }
                Err(failure)
                    if reused
                        && !was_stale
                        && upstream.has_ended()
                        && failure.is_stale_connection(self.safety()) =>
                {
                    // Once: a connection that is shared may be an old one again, and end again.
                    was_stale = true;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Whether the endpoint may choose to be spoken to in HTTP/2. There, nothing is switched to other protocols.
    #[inline]
    pub(super) fn may_share(&self, endpoint: &Endpoint) -> bool {
        endpoint.protocol() == Protocol::Http2
            && endpoint.tls().is_some()
            && self.worker.settings.upstream.http2
            && self.desk.prepared.upgrade.is_none()
    }

    /// A way to the endpoint that stands: a stream of a shared connection, or an unused connection.
    pub(super) fn take_kept(&self, endpoint: &Endpoint) -> Option<Carrier> {
        let repeatable = self.desk.prepared.idempotent;
        let now = self.deadline.now();
        if self.may_share(endpoint) {
            let index = endpoint.state().index();
            if let Some(stream) = self.worker.trunks.take(index, repeatable, now) {
                self.worker.counters.reused.increment();
                return Some(Carrier::Http2(stream));
            }
        }
        let mut idle = self.worker.idle.borrow_mut();
        let kept = idle.take(endpoint.state(), repeatable, now)?;
        if !repeatable && !kept.is_surely_open(now) {
            return None;
        }
        self.worker.counters.reused.increment();
        Some(Carrier::Http1(kept))
    }

    /// Whether the client has gone, as far as that can be seen.
    pub(super) fn client_is_gone(&mut self, cx: &mut Context<'_>) -> bool {
        self.exchange.poll_gone(cx).is_ready()
    }
}

/// An exchange whose response head has come.
pub(super) struct Relaying<'a> {
    /// What is left of the request.
    pub(super) upload: Upload,
    /// How long to wait on.
    pub(super) patience: Patience<'a>,
}

/// An exchange whose response head is awaited.
struct Asking<'a> {
    upload: Upload,
    patience: Patience<'a>,
    /// What the socket has taken once the head of the request is sent.
    head_ends: u64,
    /// When the body is sent though nobody asked for it.
    continue_by: Tick,
    interims: u64,
    /// When the age of the attempt is the next sample for the outlier detector.
    ages_at: Tick,
}

impl<'a> Journey<'a, '_> {
    /// Sends the request and waits for the final head of the answer, which is put on the desk.
    /// Without an endpoint it is for the route service that the request is at.
    pub(super) async fn exchange_with(
        &mut self,
        upstream: &mut Carrier,
        mut chosen: Option<&mut Chosen>,
    ) -> Result<Relaying<'a>, Failure> {
        let worker = self.worker;
        let timeouts = &worker.settings.timeouts;
        let endpoint = chosen.as_ref().map(|chosen| &**chosen.lease.endpoint());
        let head_ends = self
            .write_head(upstream, endpoint)
            .map_err(Failure::unsent)?;
        let now = self.deadline.now();
        let held = self.exchange.request.expects_continue() && !self.exchange.body_is_read();
        let mut asking = Asking {
            upload: Upload::new(held, self.desk.prepared.idempotent),
            patience: Patience::new(timeouts, self.bounds(chosen.as_deref(), now), now),
            head_ends,
            continue_by: if held {
                now.after(timeouts.wait_for_continue)
            } else {
                Tick::NEVER
            },
            interims: 0,
            ages_at: match chosen.as_ref().and_then(|chosen| chosen.watched) {
                Some(attempt) => now.after(attempt.next_age()),
                None => Tick::NEVER,
            },
        };
        let answered = poll_fn(|cx| {
            let chosen = chosen.as_deref_mut();
            self.poll_answer(cx, upstream, &mut asking, chosen)
        });
        let answered = answered.await;
        let Asking {
            upload,
            mut patience,
            head_ends,
            ..
        } = asking;
        match answered {
            Ok(()) => {
                patience.answered();
                Ok(Relaying { upload, patience })
            }
            Err(reason) => {
                let sent = upstream.written() >= head_ends;
                let sent = if sent { Sent::Head } else { Sent::Nothing };
                Err(Failure { reason, sent })
            }
        }
    }

    /// How long an attempt that begins now may take.
    #[inline]
    fn bounds(&self, chosen: Option<&Chosen>, now: Tick) -> Bounds {
        let when = (now, self.ends_by);
        let timeouts = &self.worker.settings.timeouts;
        let mut bounds = Bounds::new(timeouts, when);
        if let Some(own) = &timeouts.http2
            && self.exchange.request.version() == Version::Http2
        {
            bounds = bounds.of_http2(own, when);
        }
        if self.desk.prepared.upgrade.is_some() {
            bounds = bounds.of_switch(self.ends_by);
        }
        match chosen.and_then(|chosen| chosen.route.timeouts()) {
            Some(route) => bounds.of_route(route, when),
            None => bounds,
        }
    }

    /// Writes the head of the request, and answers what the endpoint has taken once it has taken that.
    fn write_head(
        &mut self,
        upstream: &mut Carrier,
        endpoint: Option<&Endpoint>,
    ) -> Result<u64, Reason> {
        let head_ends = match upstream {
            Carrier::Http1(connection) => self.write_lines(&mut connection.wire, endpoint)?,
            Carrier::Http2(stream) => self.open_stream(stream, endpoint)?,
        };
        if self.record.forwarded.is_none() && self.worker.lines.borrow().is_some() {
            self.record.forwarded = Some(Instant::now());
        }
        Ok(head_ends)
    }

    /// The same in HTTP/1.1.
    #[inline]
    fn write_lines(&self, wire: &mut Wire, endpoint: Option<&Endpoint>) -> Result<u64, Reason> {
        let head = &*self.exchange.request;
        let settings = &self.worker.settings.upstream;
        let out = wire.output();
        let before = out.len();
        if let Some(endpoint) = endpoint {
            let addressed = Addressed {
                endpoint,
                request_id: &self.record.request_id,
                keep_alive: settings.keep_alive
                    && (settings.keep_alive_after_continue || !head.expects_continue()),
            };
            let written = self.desk.prepared.write(out, head, &addressed);
            written.map_err(|_| Reason::Unwritable)?;
        } else {
            self.write_service_head(out)?;
        }
        let length = out.len() - before;
        wire.begin_body(head.body());
        Ok(wire.written() + length as u64)
    }

    /// The same in HTTP/2.
    #[cold]
    fn open_stream(&self, stream: &mut Stream, endpoint: Option<&Endpoint>) -> Result<u64, Reason> {
        let head = &*self.exchange.request;
        // Route services are not spoken to in HTTP/2.
        let endpoint = endpoint.ok_or(Reason::Unwritable)?;
        let addressed = Addressed {
            endpoint,
            request_id: &self.record.request_id,
            keep_alive: true,
        };
        let request = self.desk.prepared.http2(head, &addressed);
        let request = request.map_err(|_| Reason::Unwritable)?;
        stream.open(request, (head.method(), head.body().is_empty()))?;
        Ok(stream.written())
    }

    /// Sends, listens, and looks after both ends.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        upstream: &mut Carrier,
        asking: &mut Asking<'_>,
        chosen: Option<&mut Chosen>,
    ) -> Poll<Result<(), Reason>> {
        loop {
            self.send(cx, upstream, &mut asking.upload)?;
            match upstream.poll_head(cx, &mut self.desk.response) {
                Poll::Ready(Ok(())) if !self.desk.response.is_interim() => {
                    let permitted = self.desk.prepared.permits(&self.desk.response);
                    return Poll::Ready(if permitted {
                        Ok(())
                    } else {
                        Err(Reason::Switched)
                    });
                }
                Poll::Ready(Ok(())) => self.pass_interim(asking),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(head_reason(fault))),
                Poll::Pending if self.is_time_to_continue(asking) => {}
                Poll::Pending => break,
            }
        }
        if self.exchange.has_output()
            && let Poll::Ready(Err(_)) = self.exchange.poll_flush(cx)
        {
            return Poll::Ready(Err(Reason::ClientGone));
        }
        if self.client_is_gone(cx) {
            return Poll::Ready(Err(Reason::ClientGone));
        }
        if self.deadline.now() >= asking.ages_at {
            asking.ages_at = chosen.map_or(Tick::NEVER, |chosen| self.age(chosen));
        }
        self.wait(upstream, asking)
            .map_or_else(|reason| Poll::Ready(Err(reason)), |()| Poll::Pending)
    }

    /// Passes on what can be passed of the request. An endpoint that takes no more may have
    /// answered already: what it says is worth more than that it stopped listening.
    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        upstream: &mut Carrier,
        upload: &mut Upload,
    ) -> Result<(), Reason> {
        let sent = upload.poll(cx, self.exchange, upstream, &mut self.desk.replay);
        match sent {
            Poll::Ready(Err(UploadFault::Client(fault))) => Err(client_reason(&fault)),
            Poll::Ready(Err(UploadFault::Endpoint)) => {
                upload.stop();
                Ok(())
            }
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// An interim head has come: the client gets to see it, and 100 opens the upload.
    fn pass_interim(&mut self, asking: &mut Asking<'_>) {
        asking.interims += 1;
        let response = &mut self.desk.response;
        match response.status() {
            100 => asking.upload.open(),
            102 | 103 => {}
            // Nobody can know what others mean.
            _ => return,
        }
        let fields = response.fields_mut();
        fields.strip_hop_by_hop(|_| false);
        fields.remove_all(NEVER_TOLD);
        if let Some(rewrite) = &self.worker.settings.headers.rewrite {
            // What there is no room for is left out.
            let _ = rewrite.apply(fields);
        }
        self.exchange.interim(response);
    }

    /// Whether the endpoint has had its time to ask for the body: then it gets it unasked.
    fn is_time_to_continue(&mut self, asking: &mut Asking<'_>) -> bool {
        let due = asking.upload.is_held() && self.deadline.now() >= asking.continue_by;
        if due {
            self.exchange.ask_for_body();
            asking.upload.open();
        }
        due
    }

    /// An attempt without an answer tells its age; answers when it does so again.
    #[cold]
    fn age(&self, chosen: &mut Chosen) -> Tick {
        let Some(attempt) = &mut chosen.watched else {
            return Tick::NEVER;
        };
        let before = attempt.next_age();
        let conduct = chosen.lease.endpoint().state().conduct();
        conduct.aged(attempt, self.worker.coarse_time());
        let more = attempt.next_age().saturating_sub(before);
        self.deadline.now().after(more)
    }

    /// Sets the deadline, or says that it is over.
    fn wait(&mut self, upstream: &Carrier, asking: &mut Asking<'_>) -> Result<(), Reason> {
        let waiting = Waiting {
            request_is_sent: asking.upload.is_over() || asking.upload.is_held(),
            for_client_body: asking.upload.waits_for_client(),
            for_client_to_take: false,
            endpoint_progress: upstream.written() + asking.interims,
            client_progress: 0,
            received: self.exchange.received(),
        };
        let mut by = asking.patience.until(self.deadline.now(), waiting)?;
        if asking.patience.stands_still() {
            self.exchange.yield_large();
        }
        if asking.upload.is_held() {
            by = by.min(asking.continue_by);
        }
        self.deadline.set(by.min(asking.ages_at));
        Ok(())
    }
}

fn head_reason(fault: HeadFault) -> Reason {
    match fault {
        HeadFault::Closed => Reason::Closed,
        HeadFault::ClosedWithin => Reason::BadBody(pointsman_http1::BadBody::Truncated),
        HeadFault::Malformed(malformed) => Reason::Malformed(malformed),
        HeadFault::Io(error) => endpoint_reason(&error),
        HeadFault::Failed(reason) => reason,
    }
}

/// What an error of the endpoint's connection means.
pub(crate) fn endpoint_reason(error: &io::Error) -> Reason {
    if let Some(reason) = upstream::tls::reason(error) {
        return reason;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Reason::Closed,
        io::ErrorKind::TimedOut => Reason::Timeout,
        _ => Reason::Reset,
    }
}

/// What an error of the client's body means. A body that ends early is a client that went away.
pub(super) fn client_reason(fault: &BodyFault) -> Reason {
    match fault {
        BodyFault::Io(_) | BodyFault::Bad(pointsman_http1::BadBody::Truncated) => {
            Reason::ClientGone
        }
        BodyFault::Bad(bad) => Reason::ClientBody(*bad),
    }
}
