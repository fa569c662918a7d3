//! What carries an exchange with an endpoint: a connection of HTTP/1.1 that is the request's alone, or a stream of a
//! connection of HTTP/2 that it shares. The journey speaks with both in the same words.

use std::io;
use std::task::{Context, Poll};

use pointsman_http1::{BodyLength, BodyLimits, Fields, ResponseHead};

use super::{Connection, HeadFault, Stream};
use crate::wire::BodyFault;

/// A way to an endpoint, for one exchange.
pub(crate) enum Carrier {
    /// A connection of its own.
    Http1(Box<Connection>),
    /// A stream beside others.
    Http2(Box<Stream>),
}

impl Carrier {
    /// Counts another exchange; answers whether its connection has carried one before.
    pub(crate) fn begin(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.begin(),
            Self::Http2(stream) => stream.is_reused(),
        }
    }

    /// Whether a failure was the end of its connection, and not of this exchange alone.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Self::Http1(_) => true,
            Self::Http2(stream) => stream.connection_has_ended(),
        }
    }

    /// Whether an endpoint may say of a request that it has not looked at it, however much of it was sent: then what
    /// was sent is worth keeping, whatever the method.
    #[inline]
    pub(crate) fn may_be_refused(&self) -> bool {
        matches!(self, Self::Http2(_))
    }
}

/// The request's way.
impl Carrier {
    /// Takes a front part of `data`, which is not empty, into the body.
    #[inline]
    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Http1(connection) => connection.wire.poll_put(cx, data),
            Self::Http2(stream) => stream.poll_put(cx, data),
        }
    }

    /// Marks the end of the body.
    ///
    /// # Errors
    /// Less was put than the head promised, or the endpoint takes nothing any more.
    #[inline]
    pub(crate) fn finish(&mut self, trailers: &Fields) -> io::Result<()> {
        match self {
            Self::Http1(connection) => connection.wire.finish(trailers),
            Self::Http2(stream) => stream.finish(trailers),
        }
    }

    /// Sends what waits. What a stream has taken is sent by its connection.
    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Http1(connection) => connection.wire.poll_flush(cx),
            Self::Http2(_) => Poll::Ready(Ok(())),
        }
    }

    /// A number that grows with what the endpoint takes.
    #[inline]
    pub(crate) fn written(&self) -> u64 {
        match self {
            Self::Http1(connection) => connection.wire.written(),
            Self::Http2(stream) => stream.written(),
        }
    }
}

/// The answer's way.
impl Carrier {
    /// Waits for a response head, interim or final.
    #[inline]
    pub(crate) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        head: &mut ResponseHead,
    ) -> Poll<Result<(), HeadFault>> {
        match self {
            Self::Http1(connection) => connection.poll_head(cx, head),
            Self::Http2(stream) => stream.poll_head(cx, head),
        }
    }

    /// Begins to read the body behind a final head.
    #[inline]
    pub(crate) fn expect_body(&mut self, length: BodyLength, limits: BodyLimits) {
        match self {
            Self::Http1(connection) => connection.wire.expect_body(length, limits),
            Self::Http2(stream) => stream.expect_body(length, limits),
        }
    }

    /// Waits for data of the body. `true`: there is some; `false`: the body has ended.
    #[inline]
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyFault>> {
        match self {
            Self::Http1(connection) => connection.wire.poll_data(cx),
            Self::Http2(stream) => stream.poll_data(cx),
        }
    }

    /// The data that is there.
    #[inline]
    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Http1(connection) => connection.wire.data(),
            Self::Http2(stream) => stream.data(),
        }
    }

    /// Drops what was taken of it.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) {
        match self {
            Self::Http1(connection) => connection.wire.take(count),
            Self::Http2(stream) => stream.take(count),
        }
    }

    /// Whether trailers may come behind a body whatever its head says of its length.
    #[inline]
    pub(crate) fn may_have_trailers(&self) -> bool {
        match self {
            Self::Http1(_) => false,
            Self::Http2(stream) => !stream.has_ended(),
        }
    }

    /// The trailers of a body that has ended.
    pub(crate) fn trailers(&self) -> &Fields {
        match self {
            Self::Http1(connection) => connection.wire.trailers(),
            Self::Http2(stream) => stream.trailers(),
        }
    }

    /// Gives the memory for bulk back: what was read waits for somebody who takes nothing. A stream holds what its
    /// window allows, and nothing beside it.
    pub(crate) fn yield_large(&mut self) {
        if let Self::Http1(connection) = self {
            connection.wire.yield_large();
        }
    }
}
