//! A request at a route service outside of the platform.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use pointsman_http1::{RequestOut, UpstreamConnection, write_request};
use tokio::time::Instant;

use super::{Outward, Service};
use crate::proxy::attempt::Relaying;
use crate::proxy::reason::{Failure, Reason};
use crate::proxy::{Journey, Refusal, Trouble};
use crate::upstream::{Carrier, Connection, Place};

impl<'a> Journey<'a, '_> {
    /// Sends the request to the service of its route, and its answer to the client.
    pub(in crate::proxy) async fn visit(&mut self, outward: Box<Outward>) -> Result<(), Trouble> {
        self.prepare();
        self.record.through_service = true;
        let (url, request_id) = (&outward.url, &self.record.request_id);
        let head = self.desk.prepared.for_service(
            self.exchange.request,
            (&url.target, &url.authority),
            (request_id, &outward.signed),
        );
        let head = head.ok_or(Trouble::Failed(Failure::unsent(Reason::Unwritable)))?;
        tracing::debug!("route-service-url" = &*url.authority, "route-service");
        if outward.is_within {
            return self.visit_within(head, &outward).await;
        }
        let place = Place::from(url);
        self.detour.get_or_insert_default().service = Some(Service { place, head });
        let (upstream, relaying) = self.ask_service(&outward).await?;
        self.tell_answer(&outward, self.desk.response.status());
        if self.desk.prepared.upgrade.is_some() {
            return self.switch(upstream, relaying, None).await;
        }
        self.relay(upstream, relaying, None).await
    }

    /// Tries the service, and again where that is safe.
    async fn ask_service(&mut self, outward: &Outward) -> Result<(Carrier, Relaying<'a>), Trouble> {
        let worker = self.worker;
        let most = worker.settings.route_services.attempts;
        if most == 0 {
            return Err(Trouble::Refused(Refusal::NoServiceAttempts));
        }
        let mut _retry;
        loop {
            let failure = match self.attempt_service().await {
                Ok(answered) => return Ok(answered),
                Err(failure) => failure,
            };
            worker.counters.failures.count(failure.reason);
            if failure.reason.is_of_endpoint() || failure.reason == Reason::Forbidden {
                let error = (self.record.attempts, failure.reason.text());
                worker
                    .told_of_services
                    .failed(&outward.url.authority, error);
            }
            if self.record.attempts >= most || !failure.may_repeat(self.safety()) {
                return Err(Trouble::Failed(failure));
            }
            let now = worker.table_time(Instant::now());
            _retry = worker.retries.take(&outward.route, now);
            if _retry.is_none() {
                worker.counters.retries_refused.increment();
                return Err(Trouble::Failed(failure));
            }
            worker.counters.retries.increment();
        }
    }

    /// One attempt. A connection that was kept too long does not count, as with endpoints.
    async fn attempt_service(&mut self) -> Result<(Carrier, Relaying<'a>), Failure> {
        self.record.attempts += 1;
        let worker = self.worker;
        worker.counters.route_service_attempts.increment();
        let Some(place) = self.service().map(|service| service.place.clone()) else {
            return Err(Failure::unsent(Reason::Unwritable));
        };
        let repeatable = self.desk.prepared.idempotent;
        let now = self.deadline.now();
        let mut kept = worker.services.take(&place, repeatable, now);
        loop {
            let connection = match kept.take() {
                Some(upstream) => {
                    worker.counters.reused.increment();
                    upstream
                }
                None => {
                    let connected = self.connect_service(&place).await;
                    connected.map_err(Failure::unsent)?
                }
            };
            let mut upstream = Carrier::Http1(connection);
            let reused = upstream.begin();
            match self.exchange_with(&mut upstream, None).await {
                Ok(relaying) => return Ok((upstream, relaying)),
                Err(failure) if reused && failure.is_stale_connection(self.safety()) => {}
                Err(failure) => return Err(failure),
            }
        }
    }

    /// A fresh connection, for as long as there is a client that waits for it.
    async fn connect_service(&mut self, place: &Place) -> Result<Box<Connection>, Reason> {
        let worker = self.worker;
        // What connecting may take, it measures itself.
        self.deadline.set(self.ends_by);
        let mut connecting = pin!(worker.services.connect(worker, place));
        poll_fn(|cx| {
            if let Poll::Ready(connected) = connecting.as_mut().poll(cx) {
                return Poll::Ready(connected);
            }
            if self.client_is_gone(cx) {
                return Poll::Ready(Err(Reason::ClientGone));
            }
            if self.deadline.now() >= self.ends_by {
                return Poll::Ready(Err(Reason::Timeout));
            }
            Poll::Pending
        })
        .await
    }

    /// Counts what the service has answered, and tells where that is no success.
    pub(super) fn tell_answer(&self, outward: &Outward, status: u16) {
        self.worker.counters.count_service_response(status);
        if !(200..300).contains(&status) {
            let service = &outward.url.authority;
            self.worker.told_of_services.unsuccessful(service, status);
        }
    }

    /// The service that the request is at, outside of the platform.
    fn service(&self) -> Option<&Service> {
        self.detour.as_ref()?.service.as_ref()
    }

    /// Writes the head of the request for the service that it is at.
    #[cold]
    pub(in crate::proxy) fn write_service_head(&self, out: &mut Vec<u8>) -> Result<(), Reason> {
        let head = &self.service().ok_or(Reason::Unwritable)?.head;
        let connection = match &self.desk.prepared.upgrade {
            Some(protocol) => UpstreamConnection::Upgrade(protocol),
            None if self.worker.settings.upstream.keep_alive => UpstreamConnection::KeepAlive,
            None => UpstreamConnection::Close,
        };
        let how = RequestOut {
            body: head.body(),
            connection,
            ..RequestOut::default()
        };
        write_request(out, head, &how).map_err(|_| Reason::Unwritable)
    }

    /// Keeps a connection to the service for another request.
    #[cold]
    pub(in crate::proxy) fn keep_service(&self, upstream: Box<Connection>) {
        if let Some(service) = self.service() {
            let how = (self.deadline.now(), &*self.worker.settings);
            self.worker.services.put(&service.place, upstream, how);
        }
    }
}
