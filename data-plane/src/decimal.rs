//! Numbers written as bytes, without the formatting machinery: they stand in every request and in
//! every line of the access log.

/// The two digits of each number below a hundred: half as many divisions as with one digit at a time.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0_u8;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// Appends a number.
#[inline]
pub(crate) fn push(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    let (_, pairs) = digits.as_rchunks_mut::<2>();
    for slot in pairs.iter_mut().rev() {
        *slot = pair(number % 100);
        first -= 2;
        number /= 100;
        if number == 0 {
            break;
        }
    }
    // The pair in front may begin with a zero that nobody says.
    first += usize::from(digits[first] == b'0');
    out.extend_from_slice(&digits[first..]);
}

/// Appends the lowest `WIDTH` digits of a number, with zeros in front.
#[inline]
pub(crate) fn push_padded<const WIDTH: usize>(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; WIDTH];
    let (rest, pairs) = digits.as_rchunks_mut::<2>();
    for slot in pairs.iter_mut().rev() {
        *slot = pair(number % 100);
        number /= 100;
    }
    if let [first] = rest {
        *first = pair(number % 10)[1];
    }
    out.extend_from_slice(&digits);
}

#[inline]
fn pair(value: u64) -> [u8; 2] {
    PAIRS[usize::from(value.to_le_bytes()[0] % 100)]
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
