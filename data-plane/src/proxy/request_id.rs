//! The id of a request: a random UUID, version 4.

/// The text of an id.
pub(crate) type RequestId = [u8; 36];

/// Writes 128 random bits as a UUID of version 4, variant 1 (RFC 9562 §5.4).
#[inline]
pub(crate) fn generate(random: u128) -> RequestId {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let random = random & !(0xf << 76) | (0x4 << 76);
    let random = random & !(0x3 << 62) | (0x2 << 62);
    let mut text = [b'-'; 36];
    let mut at = 0;
    for byte in random.to_be_bytes() {
        if matches!(at, 8 | 13 | 18 | 23) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 0xf)];
        at += 2;
    }
    text
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
