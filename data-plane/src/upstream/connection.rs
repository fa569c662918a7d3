//! HTTP/1.1 with an endpoint, one exchange at a time. A connection is a plain value, driven by the
//! task of the request that uses it.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pointsman_http1::{Malformed, ResponseHead, ResponseLimits, ResponseParser};
use pointsman_routing::EndpointIndex;

use crate::buffer::Buffers;
use crate::deadlines::{STEP, Tick};
use crate::io::Io;
use crate::proxy::Reason;
use crate::wire::Wire;

/// Why no response head came.
#[derive(Debug)]
pub(crate) enum HeadFault {
    /// The connection failed.
    Io(io::Error),
    /// The endpoint closed without a byte of a head.
    Closed,
    /// The endpoint closed within a head.
    ClosedWithin,
    /// What came is no head.
    Malformed(Malformed),
    /// Something else, which is known.
    Failed(Reason),
}

/// A connection to one endpoint.
pub(crate) struct Connection {
    /// Its bytes.
    pub(crate) wire: Wire,
    parser: ResponseParser,
    head_limit: usize,
    endpoint: EndpointIndex,
    /// Exchanges that were begun on it.
    exchanges: u32,
    /// Since when it is not used; meaningless while it is.
    pub(super) idle_since: Tick,
    /// When it is too old to be used again; known once it has rested for the first time.
    ends_by: Option<Tick>,
}

/// An unused connection without anything of a worker's but its place in the runtime, so that
/// another worker can take it.
#[derive(Debug)]
pub(super) struct Kept {
    io: Io,
    exchanges: u32,
    ends_by: Option<Tick>,
    /// Since when it is not used.
    pub(super) idle_since: Tick,
    /// The worker whose runtime knows the socket.
    home: usize,
}

impl Kept {
    /// Whether its peer neither closed it nor sent what nobody asked for, as far as its worker has
    /// heard.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.io.is_quiet()
    }

    /// The same connection in the runtime of `worker`, which is the calling one; `None` where it is
    /// not as it was left.
    pub(super) fn move_to(self, worker: usize) -> Option<Self> {
        if self.home == worker {
            return Some(self);
        }
        let io = self.io.move_here()?;
        Some(Self {
            io,
            home: worker,
            ..self
        })
    }
}

impl Connection {
    /// A connection that was just made.
    pub(crate) fn new(
        io: Io,
        buffers: Rc<Buffers>,
        endpoint: EndpointIndex,
        limits: ResponseLimits,
    ) -> Self {
        Self {
            wire: Wire::new(io, buffers),
            parser: ResponseParser::new(limits),
            head_limit: limits.head as usize + 1,
            endpoint,
            exchanges: 0,
            idle_since: Tick::NEVER,
            ends_by: None,
        }
    }

    /// One that was unused, at the worker that it was moved to.
    pub(super) fn revive(
        kept: Kept,
        buffers: Rc<Buffers>,
        endpoint: EndpointIndex,
        limits: ResponseLimits,
    ) -> Self {
        Self {
            exchanges: kept.exchanges,
            idle_since: kept.idle_since,
            ends_by: kept.ends_by,
            ..Self::new(kept.io, buffers, endpoint, limits)
        }
    }

    /// What is left of it while nobody uses it. `worker` is the calling one.
    pub(super) fn strip(self, worker: usize) -> Kept {
        Kept {
            io: self.wire.into_io(),
            exchanges: self.exchanges,
            ends_by: self.ends_by,
            idle_since: self.idle_since,
            home: worker,
        }
    }

    /// Whether it is young enough to be used again, given how old one may become, give or take a
    /// tenth (L-25), so that connections made together do not end together.
    #[inline]
    pub(super) fn may_rest(&mut self, now: Tick, life: Duration) -> bool {
        let ends_by = *self.ends_by.get_or_insert_with(|| {
            let jitter = life.mul_f64(0.2 * fastrand::f64());
            now.after(life.mul_f64(0.9) + jitter)
        });
        now < ends_by
    }

    /// Whether an unused connection may carry a request that cannot be repeated: it was used just
    /// now, or the system has not heard of its end either. The driver may be a turn behind, and a
    /// request that is sent in this turn would be lost.
    pub(crate) fn is_surely_open(&self, now: Tick) -> bool {
        now.since(self.idle_since) < STEP || self.wire.is_quiet_now()
    }

    /// Counts another exchange; answers whether there was one before.
    pub(crate) fn begin(&mut self) -> bool {
        self.exchanges += 1;
        self.exchanges > 1
    }

    /// How many exchanges were begun on it.
    pub(crate) fn exchanges(&self) -> u32 {
        self.exchanges
    }

    /// Whose connection it is.
    pub(crate) fn endpoint(&self) -> EndpointIndex {
        self.endpoint
    }

    /// Waits for a response head, interim or final.
    #[inline]
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &mut ResponseHead,
    ) -> Poll<Result<(), HeadFault>> {
        loop {
            if !self.wire.input().is_empty() {
                let parsed = self.parser.parse(self.wire.input(), head);
                if let Some(length) = parsed.map_err(HeadFault::Malformed)? {
                    self.wire.consume(length);
                    return Poll::Ready(Ok(()));
                }
                self.wire.grow(self.head_limit);
            }
            if ready!(self.wire.poll_fill(cx)).map_err(HeadFault::Io)? == 0 {
                let begun = !self.wire.input().is_empty();
                let fault = if begun {
                    HeadFault::ClosedWithin
                } else {
                    HeadFault::Closed
                };
                return Poll::Ready(Err(fault));
            }
        }
    }
}
