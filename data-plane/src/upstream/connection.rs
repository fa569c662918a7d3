//! HTTP/1.1 with an endpoint, one exchange at a time. A connection is a plain value, driven by the
//! task of the request that uses it.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pointsman_http1::{Malformed, ResponseHead, ResponseLimits, ResponseParser};
use pointsman_routing::EndpointIndex;

use crate::buffer::Buffers;
use crate::deadlines::Tick;
use crate::io::Io;
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
        }
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
