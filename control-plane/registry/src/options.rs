//! What the endpoints of a route say about the route itself, or whoever declares it.

use std::sync::Arc;

use pointsman_route_key::digest::Digest;

use crate::capability::Capabilities;
use crate::description::{Description, TooLong};
use crate::rules::Rules;

/// The attributes of a route that its endpoints decide, or whoever declares it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The route service that requests visit first; empty for none.
    pub route_service_url: Box<str>,
    /// How an endpoint is chosen; `None` for the default of the fleet.
    pub balancing: Option<Balancing>,
    /// Who may call the route; `None` for everybody.
    pub policy: Option<Policy>,
    /// What is done with its requests and responses; `None` for nothing. No endpoint can say it.
    pub rules: Option<Arc<Rules>>,
}

/// How an endpoint is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Balancing {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The request header field that is hashed; empty for none.
    pub hash_header: Box<str>,
    /// The load, relative to the mean, above which a hashed choice moves on; 0 for any.
    pub hash_balance: f64,
}

/// A way of choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastConnection,
    /// By the hash of a request header field.
    Hash,
}

impl Algorithm {
    /// The algorithm of a registered name; `None` for a name that nobody knows. Case matters.
    #[must_use]
    pub fn from_registered(name: &str) -> Option<Self> {
        match name {
            "round-robin" => Some(Self::RoundRobin),
            "least-connection" => Some(Self::LeastConnection),
            "hash" => Some(Self::Hash),
            _ => None,
        }
    }
}

/// Who may call a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The scope: `any`, `org` or `space`.
    pub scope: Box<str>,
    /// The callers, as `cf:app:GUID`, `cf:space:GUID`, `cf:org:GUID` or `cf:any`. Empty: nobody.
    pub sources: Box<[Box<str>]>,
}

impl Policy {
    /// The policy of these words, which are copied only if there are not too many of them.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for a scope of more than 64 bytes, or sources of more than 4096 together.
    pub fn new<'a>(
        scope: &str,
        sources: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Self, TooLong> {
        check(scope, sources.clone())?;
        Ok(Self {
            scope: scope.into(),
            sources: sources.map(Box::from).collect(),
        })
    }

    pub(crate) fn check(&self) -> Result<(), TooLong> {
        check(&self.scope, self.sources.iter().map(|source| &**source))
    }

    pub(crate) fn digest_into(&self, digest: Digest) -> Digest {
        let digest = digest
            .field(self.scope.as_bytes())
            .number(self.sources.len() as u64);
        self.sources
            .iter()
            .fold(digest, |digest, source| digest.field(source.as_bytes()))
    }
}

impl Options {
    /// What one endpoint says. A route service and a policy that are absent are said to be absent; an algorithm that
    /// nobody knows says nothing, and `kept` stays (C-222).
    pub(crate) fn of(description: &Description, kept: Option<&Balancing>) -> Self {
        if !description.is_about_route() {
            return Self::default();
        }
        let said = description.parts();
        let balancing = match Algorithm::from_registered(said.algorithm) {
            // A hash of nothing is no choice: the router-wide algorithm makes it.
            Some(Algorithm::Hash) if description.hash_header().is_empty() => None,
            Some(algorithm) => Some(Balancing {
                algorithm,
                hash_header: description.hash_header().into(),
                hash_balance: description.hash_balance(),
            }),
            None if said.algorithm.is_empty() => None,
            None => kept.cloned(),
        };
        Self {
            route_service_url: said.route_service_url.into(),
            balancing,
            policy: description.policy().cloned(),
            rules: None,
        }
    }

    /// Whether nothing is said.
    pub(crate) fn is_default(&self) -> bool {
        let Self {
            route_service_url,
            balancing,
            policy,
            rules,
        } = self;
        route_service_url.is_empty() && balancing.is_none() && policy.is_none() && rules.is_none()
    }

    /// What the options ask of whoever serves the route.
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        let algorithm = self.balancing.as_ref().map(|balancing| balancing.algorithm);
        Capabilities::ROUTE_SERVICE.when(!self.route_service_url.is_empty())
            | Capabilities::LEAST_CONNECTION.when(algorithm == Some(Algorithm::LeastConnection))
            | Capabilities::HASH_BALANCING.when(algorithm == Some(Algorithm::Hash))
            | Capabilities::POLICY.when(self.policy.is_some())
            | self
                .rules
                .as_ref()
                .map_or(Capabilities::NONE, |rules| rules.needs())
    }

    pub(crate) fn digest_into(&self, digest: Digest) -> Digest {
        let digest = digest.field(self.route_service_url.as_bytes());
        let digest = match &self.balancing {
            None => digest.number(0),
            Some(balancing) => digest
                .number(balancing.algorithm as u64 + 1)
                .field(balancing.hash_header.as_bytes())
                .number(balancing.hash_balance.to_bits()),
        };
        let digest = match &self.policy {
            None => digest.number(0),
            Some(policy) => policy.digest_into(digest.number(1)),
        };
        match &self.rules {
            // Nothing, so that the digest of what endpoints say is what it always was.
            None => digest,
            Some(rules) => rules.digest_into(digest),
        }
    }
}

fn check<'a>(scope: &str, sources: impl Iterator<Item = &'a str>) -> Result<(), TooLong> {
    let length = sources.map(str::len).sum();
    for (field, length, limit) in [
        ("options.route_policy_scope", scope.len(), 64),
        ("options.route_policy_sources", length, 4096),
    ] {
        if length > limit {
            return Err(TooLong {
                field,
                length,
                limit,
            });
        }
    }
    Ok(())
}
