//! The answer's way back: its head, its body piece by piece as the client takes them, and the end.

use std::future::poll_fn;
use std::task::{Context, Poll};

use pointsman_http1::{BadBody, Fields, InvalidField, Known, KnownSet, Name};
use smallvec::SmallVec;

use super::attempt::{Relaying, endpoint_reason};
use super::choose::Chosen;
use super::patience::Waiting;
use super::reason::{Failure, Reason, Sent};
use super::request_id::RequestId;
use super::{Journey, Trouble};
use crate::downstream::Outgoing;
use crate::settings::Rewrite;
use crate::upstream::Carrier;
use crate::wire::BodyFault;

/// Above this status, an answer that comes before the end of the request means that the endpoint
/// does not want the rest. Below it, the endpoint may be answering while it reads on.
const LAST_SUCCESS: u16 = 299;

/// What no client gets to see of an answer, whoever it is from (D-178).
pub(super) const NEVER_TOLD: KnownSet = KnownSet::of(&[Known::XCfProxySignature]);

impl Journey<'_, '_> {
    /// Passes the answer on, and keeps the connection if it can be used again. Without an endpoint it
    /// is the answer of a route service.
    pub(super) async fn relay(
        &mut self,
        mut upstream: Carrier,
        mut relaying: Relaying<'_>,
        chosen: Option<&Chosen>,
    ) -> Result<(), Trouble> {
        if self.desk.response.status() > LAST_SUCCESS {
            relaying.upload.stop();
        }
        self.begin_answer(&mut upstream, chosen).map_err(|reason| {
            Trouble::Failed(Failure {
                reason,
                sent: Sent::Head,
            })
        })?;
        poll_fn(|cx| self.poll_relay(cx, &mut upstream, &mut relaying))
            .await
            .map_err(Trouble::BrokenOff)?;
        self.give_back(upstream, &relaying, chosen.is_some());
        self.flush_answer(&mut relaying)
            .await
            .map_err(Trouble::BrokenOff)
    }

    /// Writes the head of the answer.
    fn begin_answer(
        &mut self,
        upstream: &mut Carrier,
        chosen: Option<&Chosen>,
    ) -> Result<(), Reason> {
        let cookies = self.session_cookies(chosen);
        self.desk.response.fields_mut().strip_hop_by_hop(|_| false);
        if let Some(chosen) = chosen {
            self.tell_way(chosen).map_err(|_| Reason::Unwritable)?;
            self.filter_response(chosen)
                .map_err(|_| Reason::Unwritable)?;
        }
        let settings = &self.worker.settings;
        let response = &mut self.desk.response;
        let body = response.body(self.exchange.request.method());
        upstream.expect_body(body, settings.limits.response_body);
        let mut without = NEVER_TOLD;
        if !settings.headers.keep_endpoint_router_error {
            without.insert(Known::XCfRouterError);
        }
        let mut with: SmallVec<[(Name<'_>, &[u8]); 1]> = SmallVec::new();
        let request_id = &self.record.request_id;
        if let Some(rewrite) = &settings.headers.rewrite {
            rewrite_answer(response.fields_mut(), rewrite, (request_id, &cookies))
                .map_err(|_| Reason::Unwritable)?;
        } else {
            if !response.fields().contains(Known::XVcapRequestId) {
                with.push((Known::XVcapRequestId.into(), request_id));
            }
            for cookie in &cookies {
                with.push((Known::SetCookie.into(), cookie));
            }
        }
        let date = self.worker.date.borrow();
        let how = Outgoing {
            body,
            date: &date,
            without,
            with: &with,
            trailed: upstream.may_have_trailers(),
        };
        self.exchange
            .answer(response, &how)
            .map_err(|_| Reason::Unwritable)?;
        self.record.status = response.status();
        Ok(())
    }

    /// Moves the body of the answer, and what is left of the request beside it.
    fn poll_relay(
        &mut self,
        cx: &mut Context<'_>,
        upstream: &mut Carrier,
        relaying: &mut Relaying<'_>,
    ) -> Poll<Result<(), Reason>> {
        if !relaying.upload.is_over() {
            self.send(cx, upstream, &mut relaying.upload)?;
        }
        let moved = self.poll_body(cx, upstream)?;
        let for_client_to_take = match moved {
            Moved::Done => return Poll::Ready(Ok(())),
            Moved::ClientIsSlow => true,
            Moved::EndpointIsSlow => {
                match self.exchange.poll_flush(cx) {
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Reason::ClientGone)),
                    Poll::Ready(Ok(())) | Poll::Pending => {}
                }
                if self.client_is_gone(cx) {
                    return Poll::Ready(Err(Reason::ClientGone));
                }
                self.exchange.has_output()
            }
        };
        let waiting = Waiting {
            request_is_sent: relaying.upload.is_over(),
            for_client_body: relaying.upload.waits_for_client(),
            for_client_to_take,
            endpoint_progress: self.exchange.sent() + upstream.written(),
            client_progress: self.exchange.written(),
            received: self.exchange.received(),
        };
        let by = relaying
            .patience
            .until(self.deadline.now(), waiting)
            .map_err(Reason::from)?;
        if relaying.patience.stands_still() {
            upstream.yield_large();
            self.exchange.yield_large();
        }
        self.deadline.set(by);
        Poll::Pending
    }

    /// Moves pieces of the answer until somebody has to be waited for.
    fn poll_body(&mut self, cx: &mut Context<'_>, upstream: &mut Carrier) -> Result<Moved, Reason> {
        loop {
            match upstream.poll_data(cx) {
                Poll::Ready(Ok(true)) => match self.exchange.poll_put(cx, upstream.data()) {
                    Poll::Ready(Ok(taken)) => upstream.take(taken),
                    Poll::Ready(Err(_)) => return Err(Reason::ClientGone),
                    Poll::Pending => return Ok(Moved::ClientIsSlow),
                },
                Poll::Ready(Ok(false)) => {
                    let finished = self.exchange.finish(upstream.trailers());
                    return finished
                        .map(|()| Moved::Done)
                        .map_err(|_| Reason::BadBody(BadBody::Truncated));
                }
                Poll::Ready(Err(fault)) => {
                    // What came before the fault is the client's, who has to see that it is short.
                    let _ = self.exchange.poll_flush(cx);
                    return Err(body_reason(&fault));
                }
                Poll::Pending => return Ok(Moved::EndpointIsSlow),
            }
        }
    }

    /// Keeps the connection for another request, if both messages on it have ended as they should.
    fn give_back(&mut self, upstream: Carrier, relaying: &Relaying<'_>, of_endpoint: bool) {
        let Carrier::Http1(upstream) = upstream else {
            // A stream ends by itself, and its connection goes on.
            return;
        };
        let worker = self.worker;
        let settings = &worker.settings.upstream;
        let reusable = settings.keep_alive
            && relaying.upload.is_done()
            && (settings.keep_alive_after_continue || !self.exchange.request.expects_continue())
            && self.desk.response.reusable(self.exchange.request.method())
            && upstream.exchanges() < settings.connection_requests
            && upstream.wire.is_clean()
            && !worker.stage().is_closing();
        if reusable && !of_endpoint {
            self.keep_service(upstream);
        } else if reusable {
            worker.idle.borrow_mut().put(upstream, self.deadline.now());
        }
    }

    /// Sends what is left of the answer.
    pub(super) async fn flush_answer(&mut self, relaying: &mut Relaying<'_>) -> Result<(), Reason> {
        poll_fn(|cx| {
            match self.exchange.poll_flush(cx) {
                Poll::Ready(flushed) => {
                    return Poll::Ready(flushed.map_err(|_| Reason::ClientGone));
                }
                Poll::Pending => {}
            }
            let waiting = Waiting {
                request_is_sent: true,
                for_client_body: false,
                for_client_to_take: true,
                endpoint_progress: 0,
                client_progress: self.exchange.written(),
                received: 0,
            };
            let by = relaying
                .patience
                .until(self.deadline.now(), waiting)
                .map_err(Reason::from)?;
            self.deadline.set(by);
            Poll::Pending
        })
        .await
    }
}

/// Says the request's id where the endpoint has not, and what the client is to keep, and changes what is to be changed,
/// these included (D-181).
fn rewrite_answer(
    fields: &mut Fields,
    rewrite: &Rewrite,
    (request_id, cookies): (&RequestId, &[Vec<u8>]),
) -> Result<(), InvalidField> {
    if !fields.contains(Known::XVcapRequestId) {
        fields.push(Known::XVcapRequestId, request_id)?;
    }
    for cookie in cookies {
        fields.push(Known::SetCookie, cookie)?;
    }
    rewrite.apply(fields)
}

/// What stopped the body.
enum Moved {
    /// Its end.
    Done,
    /// The client takes no more for now.
    ClientIsSlow,
    /// The endpoint has no more for now.
    EndpointIsSlow,
}

fn body_reason(fault: &BodyFault) -> Reason {
    match fault {
        BodyFault::Io(error) => match endpoint_reason(error) {
            Reason::Closed => Reason::BadBody(BadBody::Truncated),
            reason => reason,
        },
        BodyFault::Bad(bad) => Reason::BadBody(*bad),
    }
}
