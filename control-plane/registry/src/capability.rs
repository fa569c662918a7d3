//! What a thing asks of whoever serves it.

use std::ops::BitOr;

/// The words for [`Capabilities::EACH`].
const NAMES: [&str; 14] = [
    "tls endpoints",
    "http2 endpoints",
    "least-connection",
    "hash balancing",
    "route services",
    "any host",
    "exact paths",
    "path templates",
    "caller policies",
    "header filters",
    "rewriting",
    "timeouts of routes",
    "repeatable requests",
    "empty-pool rules of routes",
];

/// A set of abilities beyond the simple route. A thing is kept from a reader that lacks one that it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capabilities(u32);

impl Capabilities {
    /// Nothing beyond the simple route.
    pub const NONE: Self = Self(0);
    /// Everything that a data plane can claim.
    pub const ALL: Self = Self(!Self::EJECTED.0);
    /// Of who serves nothing and only looks: everything, with what an operator has taken out.
    pub const ONLOOKER: Self = Self(u32::MAX);
    /// What no data plane can claim: an operator has taken the thing out, so none is given it.
    pub const EJECTED: Self = Self(1 << 31);
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
    /// Filters of header fields.
    pub const HEADER_FILTER: Self = Self(1 << 9);
    /// Rewriting of host and path.
    pub const REWRITE: Self = Self(1 << 10);
    /// Timeouts of a route.
    pub const ROUTE_TIMEOUTS: Self = Self(1 << 11);
    /// The number of attempts of a route, and routes whose requests may all be repeated.
    pub const REPEATABLE: Self = Self(1 << 12);
    /// An empty-pool rule of a route.
    pub const ROUTE_EMPTY_POOL: Self = Self(1 << 13);

    /// Every single capability that a thing of this registry can need, and a reader can claim.
    pub const EACH: [Self; 14] = [
        Self::TLS_ENDPOINT,
        Self::HTTP2_ENDPOINT,
        Self::LEAST_CONNECTION,
        Self::HASH_BALANCING,
        Self::ROUTE_SERVICE,
        Self::ANY_HOST,
        Self::EXACT_PATH,
        Self::PATH_TEMPLATE,
        Self::POLICY,
        Self::HEADER_FILTER,
        Self::REWRITE,
        Self::ROUTE_TIMEOUTS,
        Self::REPEATABLE,
        Self::ROUTE_EMPTY_POOL,
    ];

    /// Which of [`Self::EACH`], and of [`Self::EJECTED`], are in `self`.
    pub fn each(self) -> impl Iterator<Item = Self> {
        let all = Self::EACH.into_iter().chain([Self::EJECTED]);
        all.filter(move |one| self.cover(*one))
    }

    /// The word for one of [`Self::each`]; for several, that of the first.
    #[must_use]
    pub fn name(self) -> &'static str {
        let ejected = [(Self::EJECTED, "reinstatement by an operator")];
        let named = Self::EACH.into_iter().zip(NAMES).chain(ejected);
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
