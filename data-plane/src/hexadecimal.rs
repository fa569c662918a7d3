//! Numbers in hexadecimal digits.

/// The eight digits of a number, all at once: one digit in each byte of a word.
#[inline]
pub(crate) fn of_u32(number: u32) -> [u8; 8] {
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

/// The 16 digits of a number.
pub(crate) fn of_u64(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    let (words, _) = digits.as_chunks_mut::<8>();
    for (word, bytes) in words
        .iter_mut()
        .zip(number.to_be_bytes().as_chunks::<4>().0)
    {
        *word = of_u32(u32::from_be_bytes(*bytes));
    }
    digits
}

/// The 32 digits of a number.
#[inline]
pub(crate) fn of_u128(number: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    let (words, _) = digits.as_chunks_mut::<8>();
    for (word, bytes) in words
        .iter_mut()
        .zip(number.to_be_bytes().as_chunks::<4>().0)
    {
        *word = of_u32(u32::from_be_bytes(*bytes));
    }
    digits
}

/// The number that 1 to 32 digits in any case stand for.
pub(crate) fn parse(digits: &[u8]) -> Option<u128> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    digits.iter().try_fold(0, |number, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_all_their_digits_and_read_back() {
        for number in [0, 1, 0x9abc_def0, u128::from(u64::MAX), u128::MAX] {
            assert_eq!(of_u128(number), format!("{number:032x}").as_bytes());
            assert_eq!(parse(&of_u128(number)), Some(number));
        }
        assert_eq!(of_u64(0x53ce_929d_0e0e_4736), *b"53ce929d0e0e4736");
        assert_eq!(parse(b"00fF"), Some(255));
        for bad in [&b""[..], b"+1", b"0x1", b"g", b" 1", &[b'1'; 33]] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
