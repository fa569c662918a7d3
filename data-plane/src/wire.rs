//! One HTTP/1.1 connection in either role: its bytes, what was read and not yet used, what was
//! written and not yet sent, and the body on its way in each direction.
//!
//! Nothing is read before what was read is used, and nothing is taken for sending that the socket
//! could not take: so a stream holds one buffer, however long it is and however slow its ends are.

use std::io;
use std::io::IoSlice;
use std::net::IpAddr;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pointsman_http1::{BadBody, BodyLength, BodyLimits, Decoder, Encoder, Fields};

use crate::buffer::{Appetite, Buffer, Buffers};
use crate::io::Io;

/// Data up to this size is copied behind what waits to be sent, so that it leaves in one piece
/// with its head; above it, the copy would cost more than a second slice.
const COPY_MOST: usize = 4 * 1024;

/// How much may wait to be sent before the next piece has to wait for the socket.
const OUTPUT_MOST: usize = 16 * 1024;

/// Bytes of a pipelined request that are read while the one before is still in work.
const AHEAD_MOST: usize = 4 * 1024;

/// Why no more data of a body came.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// The connection failed.
    Io(io::Error),
    /// The bytes are not a body, or ended before it did.
    Bad(BadBody),
}

/// One HTTP/1.1 connection.
pub(crate) struct Wire {
    io: Io,
    buffers: Rc<Buffers>,
    input: Buffer,
    appetite: Appetite,
    decoder: Decoder,
    /// Data at the front of `input` that the decoder found and nobody took yet.
    data: Range<usize>,
    output: Vec<u8>,
    sent: usize,
    encoder: Encoder,
    /// Data of the current frame that was not put yet.
    frame_left: usize,
    frame_end: &'static [u8],
    /// All bytes that the socket took, ever.
    written: u64,
}

impl Wire {
    /// A connection between two messages.
    pub(crate) fn new(io: Io, buffers: Rc<Buffers>) -> Self {
        Self {
            io,
            buffers,
            input: Buffer::default(),
            appetite: Appetite::Small,
            decoder: Decoder::new(BodyLength::None, BodyLimits::REQUEST),
            data: 0..0,
            output: Vec::new(),
            sent: 0,
            encoder: Encoder::new(BodyLength::None),
            frame_left: 0,
            frame_end: b"",
            written: 0,
        }
    }
}

/// Reading.
impl Wire {
    /// What was read and belongs to no body.
    #[inline]
    pub(crate) fn input(&self) -> &[u8] {
        self.input.filled()
    }

    /// Drops what was used of the input.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }

    /// Drops everything that was read.
    pub(crate) fn discard_input(&mut self) {
        self.input.clear();
    }

    /// Makes room for a head of up to `most` bytes; answers whether there is any.
    #[inline]
    pub(crate) fn grow(&mut self, most: usize) -> bool {
        self.input.is_empty() || self.input.grow(most)
    }

    /// Reads what is there. Zero is the end of what the peer sends.
    ///
    /// While it has to wait with nothing read, it holds no buffer.
    #[inline]
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.is_empty() {
            let capacity = self.input.capacity();
            if self.appetite > Appetite::Small
                && let Some(larger) = self.buffers.bulk(self.appetite, capacity)
            {
                self.input = larger;
            }
            self.input.ensure(&self.buffers);
        }
        let space = self.input.space();
        let room = space.len();
        if room == 0 {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        match self.io.poll_read(cx, space) {
            Poll::Ready(Ok(count)) => {
                self.appetite = self.appetite.after(count, room);
                self.input.commit(count);
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.input.release_if_empty();
                Poll::Pending
            }
        }
    }

    /// Waits, without a buffer, until there is something to read.
    #[inline]
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.input.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.input.release_if_empty();
        self.io.poll_readable(cx)
    }

    /// Waits until the peer has ended or broken the connection. What it sends until then is kept,
    /// up to a bound, for the next message.
    #[inline]
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.input.len() < AHEAD_MOST {
            match ready!(self.poll_fill(cx)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    /// Begins to read a body.
    #[inline]
    pub(crate) fn expect_body(&mut self, length: BodyLength, limits: BodyLimits) {
        self.decoder = Decoder::new(length, limits);
        self.data = 0..0;
    }

    /// Waits for data of the body. `true`: there is some; `false`: the body has ended.
    #[inline]
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BodyFault>> {
        while !self.step().map_err(BodyFault::Bad)? {
            if ready!(self.poll_fill(cx)).map_err(BodyFault::Io)? == 0 {
                self.decoder.end_of_input().map_err(BodyFault::Bad)?;
                return Poll::Ready(Ok(false));
            }
        }
        Poll::Ready(Ok(!self.data.is_empty()))
    }

    /// Decodes what was read. `false`: there is neither data nor the end of the body in it.
    #[inline]
    fn step(&mut self) -> Result<bool, BadBody> {
        use pointsman_http1::Step;

        if !self.data.is_empty() || self.decoder.is_done() {
            return Ok(true);
        }
        match self.decoder.step(self.input.filled())? {
            Step::Data(range) => self.data = range,
            Step::Done(length) => self.input.consume(length),
            Step::NeedMore => {
                self.input.clear();
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Decodes and drops what was already read of the body. Whether that was all of it.
    pub(crate) fn skip_read_body(&mut self) -> bool {
        while let Ok(true) = self.step() {
            if self.data.is_empty() {
                return true;
            }
            self.take(self.data.len());
        }
        false
    }

    /// The data that [`Wire::poll_data`] found.
    #[inline]
    pub(crate) fn data(&self) -> &[u8] {
        self.input
            .filled()
            .get(self.data.clone())
            .unwrap_or_default()
    }

    /// Drops what was taken of the data.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) {
        self.data.start = (self.data.start + count).min(self.data.end);
        if self.data.is_empty() {
            self.input.consume(self.data.end);
            self.data = 0..0;
        }
    }

    /// Whether the body was read and taken to its end.
    #[inline]
    pub(crate) fn body_is_read(&self) -> bool {
        self.data.is_empty() && self.decoder.is_done()
    }

    /// The trailers of a body that has ended.
    pub(crate) fn trailers(&self) -> &Fields {
        self.decoder.trailers()
    }
}

/// Writing.
impl Wire {
    /// Where heads are written to; [`Wire::poll_flush`] sends them.
    #[inline]
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        if self.output.capacity() == 0 {
            self.output = self.buffers.output();
        }
        &mut self.output
    }

    /// Begins to send a body.
    #[inline]
    pub(crate) fn begin_body(&mut self, length: BodyLength) {
        self.encoder = Encoder::new(length);
        self.frame_left = 0;
    }

    /// Takes a front part of `data`, which is not empty, into the body that is sent.
    #[inline]
    pub(crate) fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.frame_left == 0 {
            let frame = self.encoder.frame(data.len()).map_err(wrong_length)?;
            self.output().extend_from_slice(frame.before.as_bytes());
            self.frame_left = data.len();
            self.frame_end = frame.after;
        }
        let piece = data.get(..self.frame_left).unwrap_or(data);
        let waiting = self.output.len() - self.sent;
        let taken = if piece.len() <= COPY_MOST && waiting + piece.len() <= OUTPUT_MOST {
            self.output.extend_from_slice(piece);
            piece.len()
        } else {
            ready!(self.poll_send_with(cx, piece))?
        };
        self.frame_left -= taken;
        if self.frame_left == 0 {
            self.output.extend_from_slice(self.frame_end);
        }
        Poll::Ready(Ok(taken))
    }

    /// Sends what waits and `piece` behind it, and answers how much of the piece was sent: at
    /// least one byte.
    pub(crate) fn poll_send_with(
        &mut self,
        cx: &mut Context<'_>,
        piece: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let waiting = self.output.get(self.sent..).unwrap_or_default();
            let waits = waiting.len();
            let count = if waits == 0 {
                ready!(self.io.poll_write(cx, &[IoSlice::new(piece)]))?
            } else {
                let parts = [IoSlice::new(waiting), IoSlice::new(piece)];
                ready!(self.io.poll_write(cx, &parts))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count as u64;
            self.sent += count.min(waits);
            if count >= waits {
                self.output.clear();
                self.sent = 0;
            }
            if count > waits {
                return Poll::Ready(Ok(count - waits));
            }
        }
    }

    /// Marks the end of the body that is sent.
    ///
    /// # Errors
    /// Less was put than the head promised.
    #[inline]
    pub(crate) fn finish(&mut self, trailers: &Fields) -> io::Result<()> {
        if self.output.capacity() == 0 {
            self.output = self.buffers.output();
        }
        self.encoder
            .finish(trailers, &mut self.output)
            .map_err(wrong_length)
    }

    /// Sends what waits.
    #[inline]
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.output.len() {
            let waiting = self.output.get(self.sent..).unwrap_or_default();
            let count = ready!(self.io.poll_write(cx, &[IoSlice::new(waiting)]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
            self.written += count as u64;
        }
        self.output.clear();
        self.sent = 0;
        self.io.poll_flush(cx)
    }

    /// All bytes that the socket took, ever: whether the peer accepts any shows in whether it
    /// grows.
    #[inline]
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The same, of a connection over TLS in encrypted bytes: the session takes more than the socket does.
    #[inline]
    pub(crate) fn progress(&self) -> u64 {
        self.io.sent_encrypted().unwrap_or(self.written)
    }

    /// Tells the peer that the connection ends, where it could not see it.
    pub(crate) fn say_goodbye(&mut self) {
        self.io.say_goodbye();
    }

    /// Sends what waits, then ends what this side sends. `false`: the peer is gone.
    pub(crate) fn poll_end_output(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if ready!(self.poll_flush(cx)).is_err() {
            return Poll::Ready(false);
        }
        self.io.poll_finish(cx).map(|finished| finished.is_ok())
    }

    /// Whether closing loses nothing: nothing waits in either direction, and the peer sees the end
    /// by the end of the connection.
    pub(crate) fn may_just_close(&self) -> bool {
        self.input.is_empty() && !self.has_output() && matches!(self.io, Io::Plain(_))
    }

    /// The address of this side.
    pub(crate) fn local_ip(&self) -> Option<IpAddr> {
        self.io.local_ip()
    }

    /// Makes the end of the connection one that nobody takes for the end of a message.
    pub(crate) fn reset(&self) {
        self.io.reset_on_close();
    }

    /// Whether something waits to be sent.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        self.sent < self.output.len() || self.io.has_unsent()
    }
}

/// Standing still, or between two messages.
impl Wire {
    /// Gives the memory for bulk back: what was read waits for somebody who takes nothing.
    pub(crate) fn yield_large(&mut self) {
        self.input.yield_large();
    }

    /// Gives all memory back that holds nothing.
    pub(crate) fn rest(&mut self) {
        self.input.release_if_empty();
        if self.output.is_empty() && self.output.capacity() > 0 {
            self.buffers.take_output(std::mem::take(&mut self.output));
        }
    }

    /// The connection below, and what was read of it and not used.
    pub(crate) fn into_parts(self) -> (Io, Vec<u8>) {
        (self.io, self.input.filled().to_vec())
    }

    /// The connection below, where nothing of a message is left.
    pub(crate) fn into_io(self) -> Io {
        self.io
    }

    /// Whether the connection can carry another message: nothing of this one is left to send, and
    /// the peer has sent nothing beyond it.
    pub(crate) fn is_clean(&self) -> bool {
        self.input.is_empty() && !self.has_output() && self.body_is_read()
    }

    /// Whether the peer has not ended an idle connection at this very moment; asks the system.
    pub(crate) fn is_quiet_now(&self) -> bool {
        self.io.is_quiet_now()
    }

    /// Whether an idle connection is still as it was left.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.input.is_empty() && self.io.is_quiet()
    }
}

fn wrong_length(error: pointsman_http1::WrongLength) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
