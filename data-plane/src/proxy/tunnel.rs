//! A connection that has left HTTP: bytes in both directions until both have ended (D-515 to D-528).
//!
//! It counts at its endpoint for as long as it lasts, and is no request any more in any
//! other respect: it holds neither its route nor a place among retries, and no wait of an answer cuts it.

mod frames;
mod lane;
mod waits;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pointsman_http1::{Known, Name};
use smallvec::SmallVec;

use super::attempt::endpoint_reason;
use super::choose::Chosen;
use super::reason::{Failure, Reason, Sent};
use super::relay::NEVER_TOLD;
use super::{Journey, Trouble};
use crate::counters::Counters;
use crate::upstream::Connection;
use crate::wire::Wire;
use frames::Frames;
use lane::Lane;
use waits::{Due, Standing, Waits};

/// The protocol whose frames are known.
const WEBSOCKET: &[u8] = b"websocket";

/// Both directions of a tunnel, and its waits.
struct Tunnel<'a> {
    /// From the client to the endpoint.
    up: Lane,
    /// From the endpoint to the client.
    down: Lane,
    waits: Waits<'a>,
}

/// A tunnel that is counted until it ends, however it ends.
struct Open(Arc<Counters>);

impl Open {
    fn count(counters: &Arc<Counters>) -> Self {
        counters.tunnels.increment();
        counters.tunnels_open.increment();
        Self(Arc::clone(counters))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.tunnels_open.decrement();
    }
}

impl Journey<'_, '_> {
    /// Passes the switch on, and then whatever comes.
    pub(super) async fn tunnel(
        &mut self,
        mut upstream: Box<Connection>,
        chosen: Option<Chosen>,
    ) -> Result<(), Trouble> {
        self.begin_tunnel(chosen.as_ref()).map_err(|reason| {
            Trouble::Failed(Failure {
                reason,
                sent: Sent::Head,
            })
        })?;
        let timeouts = chosen.as_ref().and_then(|chosen| chosen.route.timeouts());
        let idle = timeouts.and_then(|timeouts| timeouts.idle);
        let _lease = chosen.map(Chosen::into_lease);
        let worker = self.worker;
        let _open = Open::count(&worker.counters);
        let protocol = self.desk.prepared.upgrade.as_deref().unwrap_or_default();
        let frames = protocol
            .eq_ignore_ascii_case(WEBSOCKET)
            .then(Frames::default);
        let settings = &worker.settings;
        let idle = idle.or(settings.tunnels.idle);
        let life = settings.tunnels.life.map(|life| self.about(life));
        let now = self.deadline.now();
        let mut tunnel = Tunnel {
            up: Lane::new(None),
            down: Lane::new(frames),
            waits: Waits::new(settings, (idle, life), now),
        };
        poll_fn(|cx| self.poll_tunnel(cx, &mut upstream.wire, &mut tunnel))
            .await
            .map_err(Trouble::BrokenOff)
    }

    /// Writes the head of the switch: the endpoint's fields, the request's id and what the client is to
    /// keep. Nothing else is changed in it (D-515 to D-522), but what the route itself asks for.
    fn begin_tunnel(&mut self, chosen: Option<&Chosen>) -> Result<(), Reason> {
        let cookies = self.session_cookies(chosen);
        let response = &mut self.desk.response;
        let protocol: Box<[u8]> = response.upgrade().unwrap_or_default().into();
        response.fields_mut().strip_hop_by_hop(|_| false);
        if let Some(chosen) = chosen {
            self.tell_way(chosen).map_err(|_| Reason::Unwritable)?;
            self.filter_response(chosen)
                .map_err(|_| Reason::Unwritable)?;
        }
        let response = &self.desk.response;
        let mut without = NEVER_TOLD;
        if !self.worker.settings.headers.keep_endpoint_router_error {
            without.insert(Known::XCfRouterError);
        }
        let mut with: SmallVec<[(Name<'_>, &[u8]); 2]> = SmallVec::new();
        if !response.fields().contains(Known::XVcapRequestId) {
            with.push((Known::XVcapRequestId.into(), &self.record.request_id));
        }
        for cookie in &cookies {
            with.push((Known::SetCookie.into(), cookie));
        }
        self.exchange
            .switch(response, &protocol, (without, &with))
            .map_err(|_| Reason::Unwritable)?;
        self.record.status = response.status();
        Ok(())
    }

    /// A time, give or take a tenth, so that tunnels made together do not end together.
    fn about(&self, time: Duration) -> Duration {
        let jitter = u32::try_from(self.worker.random() % 1000).unwrap_or(0);
        time.mul_f64(0.9) + time.mul_f64(0.2) / 1000 * jitter
    }

    /// Moves bytes until somebody has to be waited for.
    fn poll_tunnel(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &mut Wire,
        tunnel: &mut Tunnel<'_>,
    ) -> Poll<Result<(), Reason>> {
        loop {
            if self.worker.stage().is_closing() {
                // One that cannot be told is cut when the time is over.
                let _told = tunnel.down.bid_farewell();
            }
            self.move_bytes(cx, endpoint, tunnel)?;
            if tunnel.up.is_over() && tunnel.down.is_over() {
                return Poll::Ready(Ok(()));
            }
            let now = self.deadline.now();
            let Some(client) = self.exchange.stream() else {
                return Poll::Ready(Err(Reason::Switched));
            };
            let due = match tunnel.until(client, endpoint, now) {
                Ok(by) => {
                    self.deadline.set(by);
                    return Poll::Pending;
                }
                Err(due) => due,
            };
            match due {
                Due::Farewell if tunnel.down.bid_farewell() => tunnel.waits.bid_farewell(now),
                Due::Farewell | Due::End => return Poll::Ready(Ok(())),
                Due::ClientStalled => return Poll::Ready(Err(Reason::ClientStalled)),
                Due::EndpointStalled => return Poll::Ready(Err(Reason::Timeout)),
            }
        }
    }

    /// Moves what can be moved in both directions.
    fn move_bytes(
        &mut self,
        cx: &mut Context<'_>,
        endpoint: &mut Wire,
        tunnel: &mut Tunnel<'_>,
    ) -> Result<(), Reason> {
        // Where nothing can be switched, no head of a switch was written.
        let client = self.exchange.stream().ok_or(Reason::Switched)?;
        let down = tunnel.down.poll(cx, endpoint, client);
        let up = tunnel.up.poll(cx, client, endpoint);
        self.exchange
            .count_stream(tunnel.up.passed(), tunnel.down.passed());
        down.map_err(|error| endpoint_reason(&error))?;
        up.map_err(|_| Reason::ClientGone)
    }
}

impl Tunnel<'_> {
    /// Until when to wait on. Whoever takes nothing for a while has only so much memory for it (L-10).
    fn until(
        &mut self,
        client: &mut Wire,
        endpoint: &mut Wire,
        now: crate::deadlines::Tick,
    ) -> Result<crate::deadlines::Tick, Due> {
        let (up, down) = (&self.up, &self.down);
        let standing = Standing {
            moved: up.passed() + down.passed(),
            half_closed: up.is_over() || down.is_over(),
            client_to_take: down
                .waits_for_target(endpoint, client)
                .then(|| client.written()),
            endpoint_to_take: up
                .waits_for_target(client, endpoint)
                .then(|| endpoint.written()),
        };
        let by = self.waits.until(now, standing)?;
        if self.waits.stands_still() {
            client.yield_large();
            endpoint.yield_large();
        } else if standing.client_to_take.is_none() && standing.endpoint_to_take.is_none() {
            client.rest();
            endpoint.rest();
        }
        Ok(by)
    }
}
