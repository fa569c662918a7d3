//! A choice by the hash of a request header field.

use crate::maglev;

/// By what requests are led to endpoints: those with the same value in this field to the same one.
///
/// A request without the field is balanced as if its route did not say how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HashedBy {
    header: Box<str>,
    /// The bits of a number that is neither negative nor infinite.
    balance: u64,
}

impl HashedBy {
    /// By the field `header`. Above the `balance`, which is relative to the mean of the pool, an
    /// endpoint's requests in flight are too many for another one; 0 for no such bound. `None`
    /// where there is no name, or the balance is no number that can be compared with.
    #[must_use]
    pub fn new(header: &str, balance: f64) -> Option<Self> {
        (!header.is_empty() && balance.is_finite() && balance >= 0.0).then(|| Self {
            header: header.into(),
            balance: balance.to_bits(),
        })
    }

    /// The name of the field.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The load, relative to the mean, above which a key is led on; 0 for any.
    #[must_use]
    pub const fn balance(&self) -> f64 {
        f64::from_bits(self.balance)
    }

    /// The key of a request with this value.
    #[must_use]
    pub fn key(&self, value: &[u8]) -> u64 {
        maglev::hash(value)
    }
}
