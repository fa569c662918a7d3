//! Looking at eight bytes at once: byte classes, and the first byte of a class in a word.
//!
//! Plain arithmetic on words, without `unsafe` and without a run-time choice of instructions. Heads
//! are many short stretches (names of 12 bytes, values of 30), where calling a wider search costs
//! more than it saves.

/// Bytes that may stand in a token (RFC 9110 §5.6.2): methods, field names, extension names.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
};

/// Whether `byte` may stand in a token.
#[inline]
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether `bytes` are a token, which is never empty.
#[inline]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Whether `byte` may not stand in a field value (RFC 9110 §5.5, R-010): anything below the blank
/// except HTAB, and DEL.
#[inline]
pub(crate) const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// Where the first control byte stands; see [`is_control`].
#[inline(always)]
pub(crate) fn find_control(bytes: &[u8]) -> Option<usize> {
    let (rows, tail) = bytes.as_chunks::<16>();
    for (index, row) in rows.iter().enumerate() {
        if any_control(row) {
            return find_in_row(row).map(|place| index * 16 + place);
        }
    }
    let in_tail = tail.iter().position(|&byte| is_control(byte))?;
    Some(rows.len() * 16 + in_tail)
}

/// Whether there is a control byte; for values that are short and known to their end.
#[inline]
pub(crate) fn has_control(bytes: &[u8]) -> bool {
    let (words, tail) = bytes.as_chunks::<8>();
    let suspicious = match bytes.last_chunk::<8>() {
        // The last word overlaps the one before. HTAB counts as suspicious and is looked at again.
        Some(last) => words.iter().chain([last]).fold(0, |found, word| {
            found | low_or_del(u64::from_le_bytes(*word))
        }),
        None => u64::from(tail.iter().any(|&byte| is_control(byte))),
    };
    suspicious != 0 && bytes.iter().any(|&byte| is_control(byte))
}

/// Whether there is a control byte in a row. Without a way out in between, this compiles to a few
/// instructions on the whole row.
#[inline]
fn any_control(row: &[u8; 16]) -> bool {
    row.iter().fold(false, |any, &byte| {
        any | ((byte < b' ') & (byte != b'\t')) | (byte == 0x7f)
    })
}

/// Where the first control byte of a row stands.
#[inline]
fn find_in_row(row: &[u8; 16]) -> Option<usize> {
    let (words, _) = row.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let found = low_or_del(u64::from_le_bytes(*word));
        if found != 0 {
            let place = index * 8 + first_lane(found);
            // HTAB is low as well, and rare.
            return if row.get(place) == Some(&b'\t') {
                find_after_tab(row)
            } else {
                Some(place)
            };
        }
    }
    None
}

#[cold]
fn find_after_tab(row: &[u8; 16]) -> Option<usize> {
    row.iter().position(|&byte| is_control(byte))
}

/// Where the first byte stands that is not visible ASCII.
#[inline]
pub(crate) fn find_invisible(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A lane below 0x21 borrows, DEL carries into its high bit, the rest has it already.
        // Whatever spills over goes upwards, so the lowest high bit is right.
        let found =
            (word.wrapping_sub(splat(0x21)) | word.wrapping_add(splat(0x01)) | word) & splat(0x80);
        if found != 0 {
            return Some(index * 8 + first_lane(found));
        }
    }
    let in_tail = tail.iter().position(|byte| !(0x21..=0x7e).contains(byte))?;
    Some(words.len() * 8 + in_tail)
}

/// Where `byte` first stands in `word`, counted from the lowest byte.
#[inline]
pub(crate) const fn find_in_word(word: u64, byte: u8) -> Option<usize> {
    let zeros = zero_lanes(word ^ splat(byte));
    if zeros == 0 {
        None
    } else {
        Some(first_lane(zeros))
    }
}

/// The high bit of each lane of `word` that is below the blank or DEL; of several, the lowest is
/// right, and higher ones may be wrong.
#[inline]
const fn low_or_del(word: u64) -> u64 {
    let low = word.wrapping_sub(splat(0x20)) & !word & splat(0x80);
    low | zero_lanes(word ^ splat(0x7f))
}

/// The high bit of each lane that is zero; of several, the lowest is right.
#[inline]
const fn zero_lanes(word: u64) -> u64 {
    word.wrapping_sub(splat(0x01)) & !word & splat(0x80)
}

/// The index of the lowest lane that has its high bit set.
#[inline]
const fn first_lane(high_bits: u64) -> usize {
    (high_bits.trailing_zeros() / 8) as usize
}

/// The byte `byte` in every place of a word.
const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The eight bytes from `at` on, the first one lowest; zeros where `bytes` end.
#[inline]
pub(crate) fn load_word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => load_tail(bytes, at),
    }
}

#[cold]
fn load_tail(bytes: &[u8], at: usize) -> u64 {
    let mut word = 0;
    for &byte in bytes.get(at..).unwrap_or_default().iter().rev().take(8) {
        word = (word << 8) | u64::from(byte);
    }
    word
}

/// The ASCII capitals of `word` as small letters; all other bytes stay.
#[inline]
pub(crate) const fn lower_word(word: u64) -> u64 {
    let low_bits = word & splat(0x7f);
    let from_a = low_bits.wrapping_add(splat(0x80 - b'A'));
    let beyond_z = low_bits.wrapping_add(splat(0x7f - b'Z'));
    let capitals = (from_a ^ beyond_z) & !word & splat(0x80);
    word | (capitals >> 2)
}

/// Ones in the lowest `len` bytes of a word, at most eight.
#[inline]
pub(crate) const fn tail_mask(len: usize) -> u64 {
    if len >= 8 {
        u64::MAX
    } else {
        !(u64::MAX << (len * 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of a longer stretch, so that each lane meets each neighbour.
    fn stretches(filler: u8) -> impl Iterator<Item = Vec<u8>> {
        (0..=u8::MAX).flat_map(move |byte| {
            (0..37).map(move |place| {
                let mut bytes = vec![filler; 37];
                bytes[place] = byte;
                bytes
            })
        })
    }

    #[test]
    fn words_find_what_a_look_at_each_byte_finds() {
        for filler in [b'a', b' ', b'\t', b'~', 0x80, 0xff, b'!', 0x7f, 0x1f, 0x00] {
            for bytes in stretches(filler) {
                for from in 0..=bytes.len() {
                    let bytes = &bytes[from..];
                    let first = |wrong: fn(u8) -> bool| bytes.iter().position(|&byte| wrong(byte));
                    assert_eq!(find_control(bytes), first(is_control), "{bytes:?}");
                    assert_eq!(has_control(bytes), first(is_control).is_some(), "{bytes:?}");
                    let invisible = first(|byte| !(0x21..=0x7e).contains(&byte));
                    assert_eq!(find_invisible(bytes), invisible, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn only_capitals_are_lowered() {
        for bytes in stretches(b'Q') {
            let lowered: Vec<u8> = bytes[..8].iter().map(u8::to_ascii_lowercase).collect();
            assert_eq!(lower_word(load_word(&bytes, 0)).to_le_bytes(), *lowered);
        }
    }

    #[test]
    fn a_word_at_the_end_is_filled_up_with_zeros() {
        assert_eq!(load_word(b"abc", 1).to_le_bytes(), *b"bc\0\0\0\0\0\0");
        assert_eq!(load_word(b"abc", 9), 0);
        assert_eq!(tail_mask(0), 0);
        assert_eq!(tail_mask(3), 0xff_ffff);
        assert_eq!(tail_mask(8), u64::MAX);
    }
}
