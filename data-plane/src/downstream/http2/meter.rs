//! What frames cost that bring nobody forward: the budgets that the `h2` crate does not keep (L-17 to L-20).

use std::time::Duration;

use h2::Reason;

use super::frames::{Frame, Frames, PREFACE, flag, kind};
use crate::deadlines::Tick;
use crate::settings::Http2;

/// The time over which resets are counted (L-17).
const RESETS_OVER: Duration = Duration::from_secs(30);

/// The time over which other frames are counted (L-19).
const CONTROL_OVER: Duration = Duration::from_secs(10);

/// Frames of control that one frame of content pays for: a client that takes an answer says so for the stream and for
/// the connection, and may ask for the distance meanwhile.
const PAID_BY_CONTENT: u32 = 4;

/// How many frames of a kind a client may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budgets {
    /// Resets of its own streams within half a minute.
    pub(super) resets: u32,
    /// Resets that it has made us send, ever.
    pub(super) errors: u32,
    /// Frames of control within ten seconds that nothing else came with.
    pub(super) control: u32,
    /// Those of them that are SETTINGS or PING.
    pub(super) answered: u32,
    /// CONTINUATION frames of one block.
    pub(super) continuations: u32,
}

/// The size of frames as every client may send them (RFC 9113, section 4.2).
const FRAME: u32 = 16 * 1024;

impl Budgets {
    /// Those of the settings, with a header block that may have this size: in frames that are not all full.
    pub(super) fn new(settings: &Http2, head: u32) -> Self {
        let needed = head / FRAME * 5 / 4;
        Self {
            resets: settings.resets.saturating_add(2 * settings.streams),
            errors: settings.errors,
            control: settings.control_frames,
            answered: settings.answered_frames,
            continuations: settings.continuations.max(needed),
        }
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// Its first frame is none of SETTINGS (RFC 9113, section 3.4).
    NoSettings,
    /// A frame does not have the size that its kind has (RFC 9113, section 4.2).
    FrameSize,
    /// Streams were opened and reset (CVE-2023-44487).
    Resets,
    /// We were made to reset streams (CVE-2025-8671).
    Errors,
    /// Frames of control without end (CVE-2019-9512 and its like).
    Control,
    /// A header block in many pieces (CVE-2024-27316 and its like).
    Continuations,
}

impl Excess {
    /// What the client is told.
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::NoSettings => Reason::PROTOCOL_ERROR,
            Self::FrameSize => Reason::FRAME_SIZE_ERROR,
            _ => Reason::ENHANCE_YOUR_CALM,
        }
    }

    /// Its name in the log.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NoSettings => "no_settings",
            Self::FrameSize => "frame_size",
            Self::Resets => "resets",
            Self::Errors => "stream_errors",
            Self::Control => "control_frames",
            Self::Continuations => "continuations",
        }
    }
}

/// A count that begins anew after a while.
#[derive(Clone, Copy, Debug)]
struct Window {
    count: u32,
    ends: Tick,
    length: Duration,
}

impl Window {
    fn of(length: Duration) -> Self {
        Self {
            count: 0,
            ends: Tick::START,
            length,
        }
    }

    /// One more; whether that is more than `most`.
    fn exceeds(&mut self, most: u32, now: Tick) -> bool {
        if now >= self.ends {
            self.count = 0;
            self.ends = now.after(self.length);
        }
        self.count = self.count.saturating_add(1);
        self.count > most
    }

    /// So many of them were paid for.
    fn pay(&mut self, count: u32) {
        self.count = self.count.saturating_sub(count);
    }
}

/// Watches the frames of one connection in both directions.
#[derive(Debug)]
pub(super) struct Meter {
    budgets: Budgets,
    received: Frames,
    sent: Frames,
    begun: bool,
    /// CONTINUATION frames of the block that is open; `None`: none is.
    block: Option<u32>,
    resets: Window,
    control: Window,
    answered: Window,
    errors: u32,
    /// Frames and blocks that have come to their end.
    whole: u64,
}

impl Meter {
    /// Of a connection whose preface is still to come.
    pub(super) fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            received: Frames::behind(PREFACE.len()),
            sent: Frames::default(),
            begun: false,
            block: None,
            resets: Window::of(RESETS_OVER),
            control: Window::of(CONTROL_OVER),
            answered: Window::of(CONTROL_OVER),
            errors: 0,
            whole: 0,
        }
    }

    /// What is awaited of something that was begun: a number that changes with everything that comes to its end; `None`
    /// where nothing was begun. Data does not count: it has a bound of its own (L-08).
    pub(super) fn unfinished(&self) -> Option<u64> {
        let within = !self.received.at_an_end() && self.received.within() != Some(kind::DATA);
        let waits = !self.begun || self.block.is_some() || within;
        waits.then_some(self.whole)
    }

    /// Bytes that the client has sent.
    ///
    /// # Errors
    /// It has sent too much of something.
    pub(super) fn receive(&mut self, mut bytes: &[u8], now: Tick) -> Result<(), Excess> {
        while let Some(frame) = self.received.next(&mut bytes) {
            self.judge(&frame, now)?;
        }
        Ok(())
    }

    /// Bytes that were sent to the client.
    ///
    /// # Errors
    /// It has made us send too much of something.
    pub(super) fn send(&mut self, mut bytes: &[u8]) -> Result<(), Excess> {
        while let Some(frame) = self.sent.next(&mut bytes) {
            match frame.kind {
                kind::DATA | kind::HEADERS => self.pay(),
                kind::RST_STREAM if is_error(frame.code()) => {
                    self.errors += 1;
                    if self.errors > self.budgets.errors {
                        return Err(Excess::Errors);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Content has passed.
    fn pay(&mut self) {
        self.control.pay(PAID_BY_CONTENT);
        self.answered.pay(1);
    }

    fn judge(&mut self, frame: &Frame, now: Tick) -> Result<(), Excess> {
        if !self.begun {
            if frame.kind != kind::SETTINGS || frame.has(flag::ACK) {
                return Err(Excess::NoSettings);
            }
            self.begun = true;
        }
        if !has_its_size(frame) {
            return Err(Excess::FrameSize);
        }
        match frame.kind {
            kind::HEADERS => self.block(0, frame)?,
            kind::CONTINUATION => {
                self.block(self.block.unwrap_or_default() + 1, frame)?;
                if frame.length == 0 {
                    self.control(now)?;
                }
            }
            kind::DATA if frame.data() > 0 => self.pay(),
            kind::DATA if frame.has(flag::END_STREAM) => {}
            kind::RST_STREAM if self.resets.exceeds(self.budgets.resets, now) => {
                return Err(Excess::Resets);
            }
            kind::RST_STREAM => {}
            kind::SETTINGS | kind::PING if !frame.has(flag::ACK) => {
                self.control(now)?;
                if self.answered.exceeds(self.budgets.answered, now) {
                    return Err(Excess::Control);
                }
            }
            _ => self.control(now)?,
        }
        if self.block.is_none() && frame.kind != kind::DATA {
            self.whole += 1;
        }
        Ok(())
    }

    /// A frame of a header block, with so many of CONTINUATION so far.
    fn block(&mut self, continuations: u32, frame: &Frame) -> Result<(), Excess> {
        if continuations > self.budgets.continuations {
            return Err(Excess::Continuations);
        }
        self.block = (!frame.has(flag::END_HEADERS)).then_some(continuations);
        Ok(())
    }

    fn control(&mut self, now: Tick) -> Result<(), Excess> {
        if self.control.exceeds(self.budgets.control, now) {
            return Err(Excess::Control);
        }
        Ok(())
    }
}

/// Whether a frame is as long as its kind always is, and no longer than any may be. Of all that can be wrong with a frame
/// `h2` tells this as something else.
fn has_its_size(frame: &Frame) -> bool {
    let length = frame.length;
    match frame.kind {
        kind::PRIORITY => length == 5,
        kind::RST_STREAM | kind::WINDOW_UPDATE => length == 4,
        kind::SETTINGS if frame.has(flag::ACK) => length == 0,
        kind::SETTINGS => length.is_multiple_of(6) && length <= FRAME,
        kind::PING => length == 8,
        kind::GOAWAY => (8..=FRAME).contains(&length),
        _ => length <= FRAME,
    }
}

/// Whether a stream that we reset with this code was at fault. Others are reset because their exchange came to nothing.
fn is_error(code: u32) -> bool {
    [
        Reason::PROTOCOL_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::STREAM_CLOSED,
        Reason::FRAME_SIZE_ERROR,
        Reason::COMPRESSION_ERROR,
    ]
    .contains(&Reason::from(code))
}

#[cfg(test)]
mod tests;
