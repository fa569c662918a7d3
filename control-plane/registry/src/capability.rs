//! What a thing asks of whoever serves it.

use std::ops::BitOr;

/// The words for [`Capabilities::EACH`].
const NAMES: [&str; 9] = [
    "tls endpoints",
    "http2 endpoints",
    "least-connection",
    "hash balancing",
    "route services",
    "any host",
    "exact paths",
    "path templates",
    "caller policies",
];

/// A set of abilities beyond the simple route. A thing is kept from a reader that lacks one that it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Nothing beyond the simple route.
    pub const NONE: Self = Self(0);
    /// Everything, for readers that only look.
    pub const ALL: Self = Self(u32::MAX);
    /// Endpoints over TLS with a checked name.
    pub const TLS_ENDPOINT: Self = Self(1);
    /// Endpoints that speak HTTP/2.
    pub const HTTP2_ENDPOINT: Self = Self(1 << 1);
    /// Least connection.
    pub const LEAST_CONNECTION: Self = Self(1 << 2);
    /// Choice by the hash of a header field.
    pub const HASH_BALANCING: Self = Self(1 << 3);
    /// Route services.
    pub const ROUTE_SERVICE: Self = Self(1 << 4);
    /// Routes for every host.
    pub const ANY_HOST: Self = Self(1 << 5);
    /// Exact paths.
    pub const EXACT_PATH: Self = Self(1 << 6);
    /// Path templates.
    pub const PATH_TEMPLATE: Self = Self(1 << 7);
    /// Caller policies.
    pub const POLICY: Self = Self(1 << 8);

    /// Every single capability that a thing of this registry can need.
    pub const EACH: [Self; 9] = [
        Self::TLS_ENDPOINT,
        Self::HTTP2_ENDPOINT,
        Self::LEAST_CONNECTION,
        Self::HASH_BALANCING,
        Self::ROUTE_SERVICE,
        Self::ANY_HOST,
        Self::EXACT_PATH,
        Self::PATH_TEMPLATE,
        Self::POLICY,
    ];

    /// Which of [`Self::EACH`] are in `self`.
    pub fn each(self) -> impl Iterator<Item = Self> {
        Self::EACH.into_iter().filter(move |one| self.cover(*one))
    }

    /// The word for one of [`Self::EACH`]; for several, that of the first.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::EACH.into_iter().zip(NAMES);
        let mut named = named.filter(|(one, _)| self.cover(*one));
        named.next().map_or("", |(_, name)| name)
    }

    /// Whether everything in `needed` is in `self`.
    #[must_use]
    pub const fn cover(self, needed: Self) -> bool {
        needed.0 & !self.0 == 0
    }

    /// `self` if it applies, else nothing.
    #[must_use]
    pub(crate) const fn when(self, applies: bool) -> Self {
        if applies { self } else { Self::NONE }
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
