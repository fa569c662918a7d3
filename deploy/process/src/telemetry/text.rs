//! Text under way. A line has some twenty pieces, most of them shorter than a call to copy them is long.

use std::fmt;

use super::escape::{copy_plain, push_special_ones};

/// Bytes that are looked at and copied together.
pub(super) const TOGETHER: usize = 16;

/// The least room that is made at once.
const LEAST: usize = 128;

/// Text with room behind it, into which more may be copied than belongs to the text.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The text, and the room.
    bytes: Vec<u8>,
    /// Where the text ends.
    end: usize,
}

impl Text {
    /// What is written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.end
    }

    pub(super) fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Makes it that of nothing, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.end = 0;
    }

    /// Makes room for at least so many bytes.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, length: usize) {
        let least = (self.end + length).max(LEAST);
        if self.bytes.len() < least {
            self.bytes.resize(least.next_power_of_two(), 0);
        }
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.extend_all(&[byte]);
    }

    #[inline]
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let Some(room) = self.bytes.get_mut(self.end..self.end + bytes.len()) else {
            self.grow(bytes.len());
            return self.extend(bytes);
        };
        room.copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Bytes of which it is known how many there are.
    #[inline]
    pub(super) fn extend_all<const N: usize>(&mut self, bytes: &[u8; N]) {
        let Some(room) = self.bytes.get_mut(self.end..self.end + N) else {
            self.grow(N);
            return self.extend(bytes);
        };
        room.copy_from_slice(bytes);
        self.end += N;
    }

    #[inline]
    pub(super) fn extend_padded(&mut self, padded: &Padded) {
        let Some(room) = self.bytes.get_mut(self.end..self.end + PADDED) else {
            return self.extend(padded.text());
        };
        room.copy_from_slice(&padded.padded);
        self.end += padded.length;
    }

    /// Text as it stands within the quotes of a JSON string. Hardly any has something that must be escaped.
    pub(super) fn extend_escaped(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let room = self.bytes.get_mut(self.end..self.end + bytes.len());
        if room.is_some_and(|room| copy_plain(bytes, room)) {
            self.end += bytes.len();
        } else {
            push_special_ones(self, bytes);
        }
    }

    /// The first text, the other one escaped, and a quote, with one look at the room: what most fields are.
    #[inline]
    pub(super) fn extend_quoted(&mut self, head: &Padded, text: &str) {
        let bytes = text.as_bytes();
        let most = bytes.len() + (PADDED + 1);
        let Some(room) = self.bytes.get_mut(self.end..self.end + most) else {
            return self.extend_quoted_slowly(head, text);
        };
        room[..PADDED].copy_from_slice(&head.padded);
        let Some(room) = room.get_mut(head.length..) else {
            return;
        };
        if copy_plain(bytes, room) {
            room[bytes.len()] = b'"';
            self.end += head.length + bytes.len() + 1;
        } else {
            self.extend_quoted_slowly(head, text);
        }
    }

    /// The same where something is special, or where there is no room yet.
    #[cold]
    #[inline(never)]
    fn extend_quoted_slowly(&mut self, head: &Padded, text: &str) {
        self.grow(text.len() + (PADDED + 1));
        self.extend_padded(head);
        self.extend_escaped(text);
        self.push(b'"');
    }

    /// Takes the last byte back.
    pub(super) fn pop(&mut self) {
        self.end = self.end.saturating_sub(1);
    }

    /// Moves the last bytes, so many, to this place.
    pub(super) fn move_last_to(&mut self, place: usize, length: usize) {
        self.bytes[place..self.end].rotate_right(length);
    }
}

/// A short text that is copied with what follows it in memory: that costs less than copying so many bytes.
#[derive(Debug)]
pub(super) struct Padded {
    padded: [u8; PADDED],
    length: usize,
}

const PADDED: usize = 32;

impl Padded {
    /// `None` for a text that is too long.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut padded = [0; PADDED];
        let length = text.len();
        padded.get_mut(..length)?.copy_from_slice(text.as_bytes());
        Some(Self { padded, length })
    }

    fn text(&self) -> &[u8] {
        self.padded.get(..self.length).unwrap_or_default()
    }
}

impl Clone for Text {
    fn clone(&self) -> Self {
        Self {
            bytes: self.as_bytes().to_vec(),
            end: self.end,
        }
    }

    fn clone_from(&mut self, other: &Self) {
        self.clear();
        self.extend(other.as_bytes());
    }
}

/// As it comes, without anything escaped.
impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &Text) -> &str {
        std::str::from_utf8(text.as_bytes()).unwrap()
    }

    /// Where there is room already as well as where there is none, and with something special at any place.
    #[test]
    fn a_quoted_text_is_escaped_whatever_room_there_is() {
        let head = Padded::new(",\"name\":\"").unwrap();
        let mut roomy = Text::default();
        roomy.extend(&[b'x'; 1000]);
        for length in 0..40 {
            for at in 0..=length {
                let mut text = "ä".repeat(at / 2) + &"#".repeat(length - at / 2);
                if at < length {
                    text.push('"');
                }
                let quoted = serde_json::to_string(&text).unwrap();
                let expected = format!(",\"name\":{quoted}");
                let mut fresh = Text::default();
                fresh.extend_quoted(&head, &text);
                assert_eq!(written(&fresh), expected);
                roomy.clear();
                roomy.extend_quoted(&head, &text);
                assert_eq!(written(&roomy), expected);
            }
        }
    }

    #[test]
    fn pieces_follow_one_another_while_it_grows() {
        let head = Padded::new("head").unwrap();
        let (mut text, mut expected) = (Text::default(), String::new());
        while expected.len() < 10 * LEAST {
            text.extend_padded(&head);
            text.extend(b"some");
            text.extend_all(b"!");
            text.extend_escaped("more");
            text.push(b'.');
            expected.push_str("headsome!more.");
            assert_eq!(written(&text), expected);
        }
        assert!(Padded::new(&"x".repeat(PADDED)).is_some());
        assert!(Padded::new(&"x".repeat(PADDED + 1)).is_none());
    }
}
