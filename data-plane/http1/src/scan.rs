//! Looking at many bytes at once: words of eight, byte classes, and the count of control bytes.

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

/// How many control bytes `bytes` hold; see [`is_control`].
///
/// One pass over a whole head replaces a check of each value: a head is clean if and only if the
/// only control bytes are the two of each line end. The lanes are counted in bytes, which the
/// compiler turns into sixteen at a time.
pub(crate) fn count_controls(bytes: &[u8]) -> usize {
    const LANES: usize = 16;
    // A lane counts to 255 before it has to be added up.
    const BLOCK: usize = LANES * 255;
    let mut total = 0usize;
    for block in bytes.chunks(BLOCK) {
        let (rows, rest) = block.as_chunks::<LANES>();
        let mut lanes = [0u8; LANES];
        for row in rows {
            for (lane, &byte) in lanes.iter_mut().zip(row) {
                let control =
                    u8::from(byte < b' ') & u8::from(byte != b'\t') | u8::from(byte == 0x7f);
                *lane = lane.wrapping_add(control);
            }
        }
        total += lanes.iter().map(|&lane| usize::from(lane)).sum::<usize>();
        total += rest.iter().filter(|&&byte| is_control(byte)).count();
    }
    total
}

/// The byte `byte` in every place of a word.
pub(crate) const fn splat(byte: u8) -> u64 {
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
    let mut word = [0u8; 8];
    for (to, from) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// Where `byte` first stands in `word`, counted from the lowest byte.
#[inline]
pub(crate) const fn find_in_word(word: u64, byte: u8) -> Option<usize> {
    let differing = word ^ splat(byte);
    // The lowest zero byte of `differing` gets its high bit; higher ones may be wrong (a borrow),
    // which does not matter for the first.
    let zeros = differing.wrapping_sub(splat(0x01)) & !differing & splat(0x80);
    if zeros == 0 {
        None
    } else {
        Some((zeros.trailing_zeros() / 8) as usize)
    }
}

/// The ASCII capitals of `word` as small letters; all other bytes stay.
#[inline]
pub(crate) const fn lower_word(word: u64) -> u64 {
    let low_bits = word & splat(0x7f);
    let from_a = low_bits + splat(0x80 - b'A');
    let beyond_z = low_bits + splat(0x7f - b'Z');
    let capitals = (from_a ^ beyond_z) & !word & splat(0x80);
    word | (capitals >> 2)
}

/// Ones in the lowest `len` bytes of a word; `len` is at most 8.
#[inline]
pub(crate) const fn tail_mask(len: usize) -> u64 {
    if len >= 8 {
        u64::MAX
    } else {
        !(u64::MAX << (len * 8))
    }
}

/// Whether `bytes` hold a control byte; for short ones, as a single value.
#[inline]
pub(crate) fn has_controls(bytes: &[u8]) -> bool {
    // HTAB counts as suspicious here and is looked at again.
    let suspicious = |word: u64| {
        let low = word.wrapping_sub(splat(0x20)) & !word;
        let del = word ^ splat(0x7f);
        let del = del.wrapping_sub(splat(0x01)) & !del;
        (low | del) & splat(0x80) != 0
    };
    let (words, rest) = bytes.as_chunks::<8>();
    (words
        .iter()
        .any(|word| suspicious(u64::from_le_bytes(*word)))
        && bytes.iter().any(|&byte| is_control(byte)))
        || rest.iter().any(|&byte| is_control(byte))
}
