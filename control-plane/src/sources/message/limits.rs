//! How much one message may hold, and what it may name.

use std::collections::BTreeSet;

/// Bounds on one message. Those on single fields are the registry's, since they hold for every source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a message that are decoded (L-30).
    pub message_bytes: usize,
    /// URIs of one message (L-31).
    pub uris: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 256 * 1024,
            uris: 1024,
        }
    }
}

/// Levels of arrays and objects in one message.
pub(super) const DEPTH: usize = 32;

/// Bytes of the name of an isolation segment.
pub(super) const SEGMENT_BYTES: usize = 128;

/// What a message may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Bounds on sizes.
    pub limits: Limits,
    /// Whether endpoints on a loopback address are registered.
    pub allow_loopback: bool,
    /// Which top-level domains may have a wildcard over all of them.
    pub top_level_wildcards: TopLevelWildcards,
    /// Whether `http2` is kept as the protocol of an endpoint, or taken for `http1`.
    pub enable_http2: bool,
}

impl Policy {
    /// What any control plane would register: which endpoints and wildcards one of them refuses is its configuration.
    #[must_use]
    pub fn widest() -> Self {
        Self {
            allow_loopback: true,
            top_level_wildcards: TopLevelWildcards::All,
            enable_http2: true,
            ..Self::default()
        }
    }
}

/// Top-level domains that may have a wildcard over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopLevelWildcards {
    /// All, as Gorouter has it.
    All,
    /// These, in lower case.
    Listed(BTreeSet<String>),
}

impl Default for TopLevelWildcards {
    fn default() -> Self {
        Self::Listed(BTreeSet::new())
    }
}

impl TopLevelWildcards {
    /// Whether `*.DOMAIN` may be registered.
    pub(super) fn allow(&self, domain: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(listed) => listed.contains(domain),
        }
    }
}
