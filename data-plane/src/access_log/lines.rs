//! One worker's lines on their way to the writer.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use super::extra::Extra;
use super::line::Line;
use super::time::StartTime;

/// A buffer is handed over when it holds this much, or at the next [`Lines::flush`].
const HAND_OVER: usize = 32 * 1024;

/// Room for the line that crosses the mark.
const ROOM: usize = HAND_OVER + 4 * 1024;

/// A buffer of whole lines.
#[derive(Debug)]
pub(super) struct Batch {
    /// The lines, each with its line end.
    pub(super) bytes: Vec<u8>,
    /// How many there are.
    pub(super) lines: u64,
}

/// Formats lines and hands them over in batches.
#[derive(Debug)]
pub(crate) struct Lines {
    batch: Batch,
    time: StartTime,
    writer: SyncSender<Batch>,
    shown: Shown,
    dropped: u64,
}

/// What lines show and what they hide.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) hide_source_ip: bool,
    pub(super) hide_forwarded_for: bool,
    pub(super) extra: Arc<[Extra]>,
}

impl Lines {
    pub(super) fn new(writer: SyncSender<Batch>, shown: Shown) -> Self {
        Self {
            batch: Batch {
                bytes: Vec::with_capacity(ROOM),
                lines: 0,
            },
            time: StartTime::default(),
            writer,
            shown,
            dropped: 0,
        }
    }

    /// Adds a line.
    #[inline]
    pub(crate) fn push(&mut self, mut line: Line<'_>) {
        if self.shown.hide_source_ip {
            line.remote = None;
        }
        if self.shown.hide_forwarded_for {
            line.forwarded_for = None;
        }
        line.write(&mut self.batch.bytes, &mut self.time, &self.shown.extra);
        self.batch.lines += 1;
        if self.batch.bytes.len() >= HAND_OVER {
            self.flush();
        }
    }

    /// Hands over what there is. Lines for which the writer has no room are dropped and counted.
    pub(crate) fn flush(&mut self) {
        if self.batch.lines == 0 {
            return;
        }
        let empty = Batch {
            bytes: Vec::with_capacity(ROOM),
            lines: 0,
        };
        let batch = std::mem::replace(&mut self.batch, empty);
        match self.writer.try_send(batch) {
            Ok(()) => {}
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.dropped += batch.lines;
                self.batch = Batch {
                    bytes: batch.bytes,
                    lines: 0,
                };
                self.batch.bytes.clear();
            }
        }
    }

    /// How many lines were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// However a worker ends, its last lines are handed over, waiting for the writer if it is behind:
/// nothing else waits then.
impl Drop for Lines {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.batch.bytes);
        let lines = std::mem::take(&mut self.batch.lines);
        if lines > 0 {
            // A writer that is gone has said why itself.
            let _ = self.writer.send(Batch { bytes, lines });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn line() -> Line<'static> {
        Line {
            host: b"h",
            method: b"GET",
            uri: b"/",
            protocol: "HTTP/1.1",
            ..Line::default()
        }
    }

    #[test]
    fn batches_hold_whole_lines_and_are_handed_over_when_full() {
        let (writer, batches) = sync_channel(1);
        let mut lines = Lines::new(writer, Shown::default());
        while lines.batch.bytes.len() + 400 < HAND_OVER {
            lines.push(line());
        }
        assert!(batches.try_recv().is_err());
        for _ in 0..3 {
            lines.push(line());
        }
        let batch = batches.try_recv().expect("the buffer was full");
        assert_eq!(batch.bytes.last(), Some(&b'\n'));
        let ends = batch.bytes.iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(ends as u64, batch.lines);
    }

    #[test]
    fn a_writer_that_is_behind_costs_lines_which_are_counted() {
        let (writer, batches) = sync_channel(1);
        let mut lines = Lines::new(writer, Shown::default());
        for _ in 0..3 {
            lines.push(line());
            lines.flush();
        }
        assert_eq!(lines.dropped(), 2);
        assert_eq!(batches.try_iter().map(|batch| batch.lines).sum::<u64>(), 1);
    }

    #[test]
    fn the_last_lines_wait_for_the_writer() {
        let (writer, batches) = sync_channel(1);
        let shown = Shown {
            hide_source_ip: true,
            hide_forwarded_for: true,
            ..Shown::default()
        };
        let mut lines = Lines::new(writer, shown);
        lines.push(Line {
            remote: Some(b"1.2.3.4:5"),
            forwarded_for: Some(b"1.2.3.4"),
            ..line()
        });
        drop(lines);
        let text = String::from_utf8(batches.recv().expect("a batch").bytes).expect("UTF-8");
        assert!(!text.contains("1.2.3.4"), "{text}");
    }
}
