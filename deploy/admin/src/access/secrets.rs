//! Comparing secrets.

use subtle::{Choice, ConstantTimeEq as _};

/// More than any user, password or token has that is typed or generated.
pub(super) const LONGEST: usize = 512;

/// Compares without telling by time where, or after how many bytes, two texts differ.
pub(super) fn same(ours: &[u8], theirs: &[u8]) -> Choice {
    let padded = |bytes: &[u8]| {
        let mut padded = [0; LONGEST];
        let length = bytes.len().min(LONGEST);
        padded[..length].copy_from_slice(&bytes[..length]);
        padded
    };
    let bounded = Choice::from(u8::from(theirs.len() <= LONGEST));
    padded(ours).ct_eq(&padded(theirs)) & ours.len().ct_eq(&theirs.len()) & bounded
}
