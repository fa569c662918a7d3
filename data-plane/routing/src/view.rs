//! What things add up to.

/// How many things, and the wrapping sum of their digests: two planes that agree on both hold the
/// same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How many things.
    pub things: u64,
    /// The wrapping sum of their digests.
    pub digest: u64,
}

impl View {
    /// One thing more.
    #[must_use]
    pub const fn with(self, digest: u64) -> Self {
        Self {
            things: self.things.wrapping_add(1),
            digest: self.digest.wrapping_add(digest),
        }
    }

    /// One thing less.
    #[must_use]
    pub const fn without(self, digest: u64) -> Self {
        Self {
            things: self.things.wrapping_sub(1),
            digest: self.digest.wrapping_sub(digest),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            things: self.things.wrapping_add(other.things),
            digest: self.digest.wrapping_add(other.digest),
        }
    }
}
