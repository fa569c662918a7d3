//! The id of a request: a random UUID, version 4, or what its trace makes of it.

use crate::hexadecimal;

/// The text of an id.
pub(crate) type RequestId = [u8; 36];

/// Writes 128 random bits as a UUID of version 4, variant 1 (RFC 9562 §5.4).
#[inline]
pub(crate) fn generate(random: u128) -> RequestId {
    text(version_4(random))
}

/// 128 random bits as a UUID of version 4, variant 1.
#[inline]
pub(super) fn version_4(random: u128) -> u128 {
    let random = random & !(0xf << 76) | (0x4 << 76);
    random & !(0x3 << 62) | (0x2 << 62)
}

/// The text of a UUID.
#[inline]
pub(super) fn text(uuid: u128) -> RequestId {
    let digits = hexadecimal::of_u128(uuid);
    let mut text = [b'-'; 36];
    text[..8].copy_from_slice(&digits[..8]);
    text[9..13].copy_from_slice(&digits[8..12]);
    text[14..18].copy_from_slice(&digits[12..16]);
    text[19..23].copy_from_slice(&digits[16..20]);
    text[24..].copy_from_slice(&digits[20..]);
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
