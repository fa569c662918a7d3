//! A field name, as callers hand it in.

use crate::known::Known;

/// A field name: known, or spelled out. [`Name::from`] recognises known names in any case, so a
/// spelled-out name never hides a known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    known: Known,
    bytes: &'a [u8],
}

impl<'a> Name<'a> {
    /// Which known name this is, or [`Known::Other`].
    pub const fn known(self) -> Known {
        self.known
    }

    /// The spelling: canonical where it was made from a [`Known`], as given otherwise.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// A name whose classification is already known.
    pub(crate) const fn classified(known: Known, bytes: &'a [u8]) -> Self {
        Self { known, bytes }
    }
}

impl From<Known> for Name<'static> {
    /// The canonical spelling. [`Known::Other`] has none: it becomes the empty name, which no list
    /// holds and no writer accepts.
    #[inline]
    fn from(known: Known) -> Self {
        Self {
            known,
            bytes: known.as_str().as_bytes(),
        }
    }
}

impl<'a> From<&'a [u8]> for Name<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self {
            known: Known::of(bytes),
            bytes,
        }
    }
}

impl<'a> From<&'a str> for Name<'a> {
    #[inline]
    fn from(spelling: &'a str) -> Self {
        Self::from(spelling.as_bytes())
    }
}
