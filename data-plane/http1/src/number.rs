//! Numbers as bytes, without the formatting machinery.

/// Appends `number` in decimal.
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        // A remainder by ten fits its lowest byte.
        digits[at] = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

/// Appends a status, which has three digits.
pub(crate) fn push_status(out: &mut Vec<u8>, status: u16) {
    let digit = |value: u16| b'0' + (value % 10).to_le_bytes()[0];
    out.extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status)]);
}

/// Writes `number` in hexadecimal to the start of `to`, which has room for sixteen digits; says how
/// many it took.
pub(crate) fn write_hex(to: &mut [u8], number: u64) -> usize {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let len = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1) as usize;
    for (place, byte) in to.iter_mut().take(len).rev().enumerate() {
        *byte = DIGITS[usize::from((number >> (4 * place)).to_le_bytes()[0] & 0xf)];
    }
    len
}

/// Why bytes are not a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotALength {
    /// Not `1*DIGIT`.
    Digits,
    /// 2^63 or more.
    TooLarge,
}

/// Reads a length: `1*DIGIT`, below 2^63.
pub(crate) fn parse_length(bytes: &[u8]) -> Result<u64, NotALength> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(NotALength::Digits);
    }
    let number = |digits: &[u8]| {
        digits.iter().fold(0u64, |number, &digit| {
            number
                .wrapping_mul(10)
                .wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        })
    };
    // Eighteen digits cannot overflow. Leading zeros do not count.
    let zeros = bytes.iter().take_while(|&&digit| digit == b'0').count();
    match bytes.get(zeros..) {
        Some(digits) if digits.len() <= 18 => Ok(number(digits)),
        // Nineteen fit 64 bits, and perhaps 63.
        Some(digits) if digits.len() == 19 => Some(number(digits))
            .filter(|length| *length < 1 << 63)
            .ok_or(NotALength::TooLarge),
        _ => Err(NotALength::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        let edges = [
            0,
            1,
            9,
            10,
            15,
            16,
            17,
            99,
            100,
            255,
            256,
            u64::MAX >> 1,
            u64::MAX,
        ];
        let powers = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit]);
        for number in edges.into_iter().chain(powers) {
            let mut decimal = b"x".to_vec();
            push_decimal(&mut decimal, number);
            assert_eq!(decimal, format!("x{number}").into_bytes());
            let mut hex = [0; 16];
            let len = write_hex(&mut hex, number);
            assert_eq!(hex[..len], *format!("{number:x}").as_bytes());
        }
    }

    #[test]
    fn a_length_has_digits_only_and_63_bits() {
        assert_eq!(parse_length(b"0"), Ok(0));
        assert_eq!(parse_length(b"007"), Ok(7));
        assert_eq!(parse_length(b"000000000000000000000000000042"), Ok(42));
        assert_eq!(
            parse_length(b"999999999999999999"),
            Ok(999_999_999_999_999_999)
        );
        assert_eq!(
            parse_length(b"9999999999999999999"),
            Err(NotALength::TooLarge)
        );
        assert_eq!(parse_length(b"9223372036854775807"), Ok((1 << 63) - 1));
        assert_eq!(
            parse_length(b"9223372036854775808"),
            Err(NotALength::TooLarge)
        );
        assert_eq!(parse_length(&[b'1'; 400]), Err(NotALength::TooLarge));
        for wrong in [
            &b""[..],
            b"+5",
            b"-5",
            b"0x5",
            b"5.0",
            b"1_0",
            b" 5",
            "٥".as_bytes(),
        ] {
            assert_eq!(parse_length(wrong), Err(NotALength::Digits));
        }
    }
}
