//! Numbers written as bytes, without the formatting machinery: they stand in every request and in
//! every line of the access log.

/// Appends a number.
#[inline]
pub(crate) fn push(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = digit(number % 10);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Appends the lowest `WIDTH` digits of a number, with zeros in front.
#[inline]
pub(crate) fn push_padded<const WIDTH: usize>(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; WIDTH];
    for slot in digits.iter_mut().rev() {
        *slot = digit(number % 10);
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

#[inline]
fn digit(value: u64) -> u8 {
    b"0123456789"[usize::from(value.to_le_bytes()[0] % 10)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_formatting_would_write_them() {
        for number in [0, 7, 10, 99, 100, 1_795_316_053_725, u64::MAX] {
            let mut out = Vec::new();
            push(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
        let mut out = Vec::new();
        push_padded::<9>(&mut out, 75_216_112);
        push_padded::<2>(&mut out, 5);
        assert_eq!(out, b"07521611205");
    }
}
