//! Text within the quotes of a JSON string (RFC 8259 section 7).

use std::fmt;

use super::text::{TOGETHER, Text};

/// Writes what it gets escaped into the text behind it.
pub(super) struct Escaped<'a>(pub(super) &'a mut Text);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_escaped(text);
        Ok(())
    }
}

/// Copies the bytes to where the room begins, unless one of them is special: then it is not told how many of them stand
/// there. The room is as long as they are, or longer.
#[expect(
    clippy::inline_always,
    reason = "most texts are short, and take no longer than a call"
)]
#[inline(always)]
pub(super) fn copy_plain(bytes: &[u8], room: &mut [u8]) -> bool {
    let Some(room) = room.get_mut(..bytes.len()) else {
        return false;
    };
    if bytes.len() < TOGETHER {
        copy_short(bytes, room)
    } else {
        copy_long(bytes, room)
    }
}

/// All of them but the last ones, and these: some may be copied twice, which costs less than to copy any of them alone.
/// One after the other with a look at each, so that a few instructions suffice for each.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn copy_long(bytes: &[u8], room: &mut [u8]) -> bool {
    let (rooms, _) = room.as_chunks_mut::<TOGETHER>();
    let (chunks, _) = bytes.as_chunks();
    for (room, chunk) in rooms.iter_mut().zip(chunks) {
        *room = *chunk;
        if any_special(chunk) {
            return false;
        }
    }
    let (Some(room), Some(chunk)) = (room.last_chunk_mut(), bytes.last_chunk()) else {
        return false;
    };
    *room = *chunk;
    !any_special(chunk)
}

/// Without a branch for any of the bytes, so that a few instructions look at all of them.
#[inline]
fn any_special(bytes: &[u8; TOGETHER]) -> bool {
    let mut found = 0;
    for byte in bytes {
        // Changing this one bit puts the quote next to the control characters, which stay among themselves.
        let below = byte ^ 0x02 <= b'"' ^ 0x02;
        found |= u8::from(below) | u8::from(*byte == b'\\');
    }
    found != 0
}

/// Of a shorter text the first half and the last half of these, which together are all of it.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
fn copy_short(bytes: &[u8], room: &mut [u8]) -> bool {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        put_ends(first, last, room);
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        (special_ones(first) | special_ones(last)) == 0
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        put_ends(first, last, room);
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        special_ones(u64::from(first) << 32 | u64::from(last)) == 0
    } else {
        room.iter_mut().zip(bytes).all(|(room, byte)| {
            *room = *byte;
            !is_special(*byte)
        })
    }
}

#[inline]
fn put_ends<const N: usize>(first: &[u8; N], last: &[u8; N], room: &mut [u8]) {
    if let Some(room) = room.first_chunk_mut() {
        *room = *first;
    }
    if let Some(room) = room.last_chunk_mut() {
        *room = *last;
    }
}

/// Not 0 where one of eight bytes is special. Of the bytes of each difference, the first one below 0 is that of a special
/// byte, if the byte itself is ASCII.
#[inline]
const fn special_ones(bytes: u64) -> u64 {
    let below = (bytes ^ all(0x02)).wrapping_sub(all(0x21));
    let backslash = (bytes ^ all(b'\\')).wrapping_sub(all(1));
    (below | backslash) & !bytes & all(0x80)
}

/// Eight of them.
const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Text with something special in it.
#[cold]
pub(super) fn push_special_ones(to: &mut Text, mut bytes: &[u8]) {
    while let Some(at) = bytes.iter().position(|byte| is_special(*byte)) {
        to.extend(&bytes[..at]);
        push_special(to, bytes[at]);
        bytes = &bytes[at + 1..];
    }
    to.extend(bytes);
}

const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_special(to: &mut Text, byte: u8) {
    match byte {
        b'"' => to.extend(br#"\""#),
        b'\\' => to.extend(br"\\"),
        b'\n' => to.extend(br"\n"),
        b'\r' => to.extend(br"\r"),
        b'\t' => to.extend(br"\t"),
        0x08 => to.extend(br"\b"),
        0x0c => to.extend(br"\f"),
        _ => {
            to.extend(br"\u00");
            for half in [byte >> 4, byte & 15] {
                to.push(b"0123456789abcdef"[usize::from(half)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut written = Text::default();
        written.extend(b"before: ");
        written.extend_escaped(text);
        let written = String::from_utf8(written.as_bytes().to_vec()).unwrap();
        written.strip_prefix("before: ").unwrap().to_owned()
    }

    #[test]
    fn what_is_special_is_found_anywhere() {
        for length in 0..40 {
            let plain = "#".repeat(length);
            assert_eq!(escaped(&plain), plain);
            for at in 0..length {
                for byte in 0..128 {
                    let mut text = plain.clone();
                    text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0; 4]));
                    let plain = escaped(&text) == text;
                    assert_eq!(plain, !is_special(byte), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn text_is_escaped_as_the_library_does_it() {
        let every: String = (0_u8..128).map(char::from).collect();
        for text in [
            "",
            "plain",
            "\"",
            "a\\",
            "ä\u{2028}\n",
            "it is rather a long text",
            &every,
        ] {
            let quoted = serde_json::to_string(text).unwrap();
            assert_eq!(format!("\"{}\"", escaped(text)), quoted);
        }
    }
}
