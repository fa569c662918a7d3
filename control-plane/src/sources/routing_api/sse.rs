//! Server-sent events (WHATWG HTML, section 9.2): bytes in, events out.
//!
//! Lines end with a line feed, a carriage return, or both; comments keep a connection alive and say nothing. Bytes may be cut
//! anywhere, within a character and between the two bytes of a line end too. Times to reconnect and ids are not looked
//! at: whoever lost the stream reads the whole list.

use std::fmt;

/// The most bytes of one event, its longest line included. A route with the longest URI and route service has less than
/// five kilobytes.
pub(super) const LARGEST: usize = 64 * 1024;

/// An event that was complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// What it is called; empty where nothing was said.
    pub(super) name: String,
    /// The lines of its data. What is no UTF-8 was replaced.
    pub(super) data: String,
}

/// An event is larger than [`LARGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event has more than {LARGEST} bytes")
    }
}

/// The reader of one stream, from its first byte.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return: a line feed after it ends no line of its own.
    after_return: bool,
    /// The first line is over, and with it the place of a byte order mark.
    begun: bool,
}

impl Reader {
    /// Reads on, and adds the events that are complete now.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]; then nothing more can be read.
    pub(super) fn read(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), TooLarge> {
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.take(&rest[..end])?;
            self.end_line(events);
            let after = &rest[end + 1..];
            rest = match (rest[end], after.first()) {
                (b'\r', Some(b'\n')) => &after[1..],
                (b'\r', None) => {
                    self.after_return = true;
                    after
                }
                _ => after,
            };
        }
        self.take(rest)
    }

    fn take(&mut self, part: &[u8]) -> Result<(), TooLarge> {
        let held = self.line.len() + self.name.len() + self.data.len();
        if held + part.len() > LARGEST {
            return Err(TooLarge);
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        let mut text = &*line;
        if !std::mem::replace(&mut self.begun, true) {
            text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch(events);
        } else {
            let colon = text.iter().position(|byte| *byte == b':');
            let (field, value) = text.split_at(colon.unwrap_or(text.len()));
            let value = value.strip_prefix(b":").unwrap_or(value);
            self.field(field, value.strip_prefix(b" ").unwrap_or(value));
        }
        // Its room is kept for the next line.
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, field: &[u8], value: &[u8]) {
        match field {
            b"event" => value.clone_into(&mut self.name),
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            // A comment, or a field that says nothing to us.
            _ => {}
        }
    }

    /// An event without data is none.
    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.has_data) {
            events.push(Event {
                name: text(name),
                data: text(data),
            });
        }
    }
}

#[cfg(test)]
mod tests;
