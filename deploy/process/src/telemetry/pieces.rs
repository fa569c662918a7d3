//! Bytes that wait, in pieces: what waits already is never copied to make room for more.

use std::io::{self, Write};

/// Room that is kept even when there is nothing in it, and the least that is made.
pub(super) const KEPT: usize = 64 * 1024;

/// Bytes in the order in which they came. What is added together stays together.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Those that had no room for what came next.
    full: Vec<Vec<u8>>,
    last: Vec<u8>,
    /// All bytes of those that are full.
    length_of_full: usize,
}

impl Pieces {
    /// No bytes yet, and this room for them.
    pub(super) fn in_room(room: Vec<u8>) -> Self {
        Self {
            last: room,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length_of_full + self.last.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.last.capacity() - self.last.len() < bytes.len() {
            self.add_piece(bytes.len());
        }
        self.last.extend_from_slice(bytes);
    }

    /// Each is about as large as those before it together, so that there are few of them.
    #[cold]
    fn add_piece(&mut self, least: usize) {
        let room = self.len().max(KEPT).max(least);
        let full = std::mem::replace(&mut self.last, Vec::with_capacity(room));
        if !full.is_empty() {
            self.length_of_full += full.len();
            self.full.push(full);
        }
    }

    pub(super) fn write_to(&self, to: &mut impl Write) -> io::Result<()> {
        self.iter().try_for_each(|piece| to.write_all(piece))
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.full.iter().chain([&self.last]).map(Vec::as_slice)
    }

    /// The room of the last piece, for what comes next.
    pub(super) fn into_room(mut self) -> Vec<u8> {
        self.last.clear();
        self.last
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.full
            .iter()
            .chain([&self.last])
            .map(Vec::capacity)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_their_order_and_what_came_together_stays_together() {
        let mut pieces = Pieces::default();
        assert!(pieces.is_empty());
        let (mut all, mut number) = (Vec::new(), 0);
        while all.len() < 10 * KEPT {
            let bytes = format!("{number}\n").repeat(number % 100 + 1);
            pieces.push(bytes.as_bytes());
            all.extend_from_slice(bytes.as_bytes());
            number += 1;
        }
        let long = "x".repeat(100 * KEPT);
        pieces.push(long.as_bytes());
        all.extend_from_slice(long.as_bytes());
        assert_eq!(pieces.len(), all.len());
        let mut written = Vec::new();
        pieces.write_to(&mut written).unwrap();
        assert!(written == all);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.ends_with(b"\n") || piece.ends_with(b"x"))
        );
        assert!(pieces.iter().count() <= 7);
    }

    /// What has room is written into it.
    #[test]
    fn a_room_is_used_again() {
        let mut pieces = Pieces::default();
        pieces.push(&[b'x'; KEPT]);
        pieces.push(b"y");
        let room = pieces.into_room();
        let place = room.as_ptr();
        let mut pieces = Pieces::in_room(room);
        assert!(pieces.is_empty());
        pieces.push(b"z");
        let piece = pieces.iter().next().unwrap();
        assert_eq!((piece, piece.as_ptr()), (&b"z"[..], place));
    }
}
