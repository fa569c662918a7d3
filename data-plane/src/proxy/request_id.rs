//! The id of a request: a random UUID, version 4.

/// The text of an id.
pub(crate) type RequestId = [u8; 36];

/// Writes 128 random bits as a UUID of version 4, variant 1 (RFC 9562 §5.4).
#[inline]
pub(crate) fn generate(random: u128) -> RequestId {
    let random = random & !(0xf << 76) | (0x4 << 76);
    let random = random & !(0x3 << 62) | (0x2 << 62);
    let mut digits = [0; 32];
    let (words, _) = digits.as_chunks_mut::<8>();
    let (numbers, bytes) = (words.iter_mut(), random.to_be_bytes());
    for (word, bytes) in numbers.zip(bytes.as_chunks::<4>().0) {
        *word = hexadecimal(u32::from_be_bytes(*bytes));
    }
    let mut text = [b'-'; 36];
    text[..8].copy_from_slice(&digits[..8]);
    text[9..13].copy_from_slice(&digits[8..12]);
    text[14..18].copy_from_slice(&digits[12..16]);
    text[19..23].copy_from_slice(&digits[16..20]);
    text[24..].copy_from_slice(&digits[20..]);
    text
}

/// The eight digits of a number, all at once: one digit in each byte of a word.
#[inline]
fn hexadecimal(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut word = u64::from(number);
    word = (word | word << 16) & 0x0000_ffff_0000_ffff;
    word = (word | word << 8) & 0x00ff_00ff_00ff_00ff;
    word = (word | word << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Six more carries into the next digit from ten on: there the letters begin.
    let letters = ((word + 6 * EACH) >> 4) & EACH;
    let text = word + u64::from(b'0') * EACH + letters * u64::from(b'a' - b'0' - 10);
    text.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_of_version_four() {
        for random in [0, u128::MAX, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let text = generate(random);
            let text = std::str::from_utf8(&text).expect("ASCII");
            let id = uuid::Uuid::parse_str(text).expect("a UUID");
            assert_eq!(id.get_version_num(), 4, "{text}");
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122, "{text}");
            assert_eq!(id.to_string(), text);
        }
    }
}
