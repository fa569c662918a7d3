//! What a registry's word is worth.

/// Whether others may rely on a registry yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It has listened long enough to fill an empty data plane.
    pub open: bool,
    /// It has listened long enough that what it has not heard may be taken for gone.
    pub authoritative: bool,
    /// Why it is not yet, for people; empty when it is.
    pub reason: String,
}
