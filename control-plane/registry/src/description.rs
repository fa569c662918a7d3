//! What a registration says about an endpoint, packed into one allocation.

mod tags;

use std::fmt;

use pointsman_route_key::digest::Digest;

use crate::capability::Capabilities;
use crate::options::{Algorithm, Policy};

use pointsman_words::Words;
pub use tags::Tags;

/// The words of one registration, as they came. Every text is bounded (L-32), see [`Description::new`].
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    /// The protocol: `http1`, `http2`, or any other text, which behaves as `http1`.
    pub protocol: &'a str,
    /// The endpoint is reached over TLS, and its certificate must hold this name; the empty one stands for any.
    pub tls: Option<&'a str>,
    /// The app.
    pub app_id: &'a str,
    /// The instance.
    pub instance_id: &'a str,
    /// The index of the instance.
    pub instance_index: &'a str,
    /// The availability zone.
    pub availability_zone: &'a str,
    /// The route service that requests visit first; empty for none.
    pub route_service_url: &'a str,
    /// The balancing algorithm, even one that is not known; empty for none.
    pub algorithm: &'a str,
    /// The request header field that is hashed.
    pub hash_header: &'a str,
    /// The load, relative to the mean, above which a hashed choice moves on; 0 for any.
    pub hash_balance: f64,
    /// Tags for metrics and logs. `None` and an empty list are shown differently.
    pub tags: Option<Tags<'a>>,
    /// When the platform last changed the endpoint, in Unix nanoseconds; 0 where it is not known.
    pub updated_at_ns: i64,
    /// Who may call the route.
    pub policy: Option<Policy>,
}

/// The words of one registration, kept small, since a table holds very many.
///
/// Equal means that nothing but the availability of tags differs: absent and empty tags are the same to a comparison.
#[derive(Clone, Debug)]
pub struct Description {
    /// The fixed parts in the order of [`Part`], then names and values of tags.
    words: Words,
    updated_at_ns: i64,
    digest: u64,
    rare: Option<Box<Rare>>,
    /// About how many bytes the words take on a wire.
    weight: u32,
    tls: bool,
    has_tags: bool,
    /// It says something of the route, which few registrations do.
    is_about_route: bool,
}

/// What few registrations say.
#[derive(Clone, Debug, PartialEq)]
struct Rare {
    hash_balance: f64,
    policy: Option<Policy>,
}

/// What is told of an endpoint wherever it is told of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// See [`Description::protocol`].
    pub protocol: &'a str,
    /// See [`Description::server_cert_domain_san`].
    pub server_cert_domain_san: &'a str,
    /// See [`Description::app_id`].
    pub app_id: &'a str,
    /// See [`Description::instance_id`].
    pub instance_id: &'a str,
    /// See [`Description::route_service_url`].
    pub route_service_url: &'a str,
    /// See [`Description::algorithm`].
    pub algorithm: &'a str,
}

impl Parts<'_> {
    /// Whether an algorithm was registered that nobody knows. It is shown, and does not count (C-222, C-227).
    #[must_use]
    pub fn has_unknown_algorithm(&self) -> bool {
        !self.algorithm.is_empty() && Algorithm::from_registered(self.algorithm).is_none()
    }
}

#[derive(Clone, Copy)]
enum Part {
    Protocol,
    ServerCertDomainSan,
    AppId,
    InstanceId,
    InstanceIndex,
    AvailabilityZone,
    RouteServiceUrl,
    Algorithm,
    HashHeader,
}

const PARTS: usize = 9;

/// The most tags that an endpoint may carry (L-32).
pub const MAX_TAGS: usize = 32;

/// The longest that each field may be, in bytes (L-32 where it says so).
const LIMITS: [(&str, usize); PARTS] = [
    ("protocol", 64),
    ("server_cert_domain_san", 256),
    ("app", 128),
    ("private_instance_id", 128),
    ("private_instance_index", 16),
    ("availability_zone", 128),
    ("route_service_url", 2048),
    ("options.loadbalancing", 64),
    ("options.hash_header", 256),
];

/// The longest name and the longest value of a tag, in bytes (L-32).
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 256;

/// A registration says more about an endpoint than may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The field, in the spelling of the message.
    pub field: &'static str,
    /// How long it is, or how many there are.
    pub length: usize,
    /// The most that is allowed.
    pub limit: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            length,
            limit,
        } = self;
        write!(f, "{field} is {length} long; expected at most {limit}")
    }
}

impl std::error::Error for TooLong {}

impl Description {
    /// Packs the words of a registration.
    ///
    /// # Errors
    ///
    /// [`TooLong`] for the first field that is longer than L-32 allows: 128 bytes for the ids, 16 for the index,
    /// 32 tags with names of 64 and values of 256 bytes; the others have bounds of the same kind.
    pub fn new(mut fields: Fields<'_>) -> Result<Self, TooLong> {
        let fixed = [
            fields.protocol,
            fields.tls.unwrap_or_default(),
            fields.app_id,
            fields.instance_id,
            fields.instance_index,
            fields.availability_zone,
            fields.route_service_url,
            fields.algorithm,
            fields.hash_header,
        ];
        for (text, (field, limit)) in fixed.iter().zip(LIMITS) {
            within(field, text.len(), limit)?;
        }
        let has_tags = fields.tags.is_some();
        let tags = fields.tags.take().unwrap_or_default();
        check_tags(&tags)?;
        if let Some(policy) = &fields.policy {
            policy.check()?;
        }
        let mut texts = Vec::with_capacity(PARTS + 2 * tags.len());
        texts.extend(fixed);
        for (name, value) in tags.iter() {
            texts.extend_from_slice(&[name, value]);
        }
        let is_about_route = !fields.route_service_url.is_empty()
            || !fields.algorithm.is_empty()
            || fields.policy.is_some();
        let rare = Rare {
            hash_balance: fields.hash_balance,
            policy: fields.policy,
        };
        let mut description = Self {
            words: Words::new(&texts),
            updated_at_ns: fields.updated_at_ns,
            digest: 0,
            // By its bits, of which minus zero has some.
            rare: (rare.hash_balance.to_bits() != 0 || rare.policy.is_some())
                .then(|| Box::new(rare)),
            weight: weight(&texts),
            tls: fields.tls.is_some(),
            has_tags,
            is_about_route,
        };
        description.digest = description.compute_digest(&texts);
        Ok(description)
    }

    /// Of the texts themselves: it does not depend on how they are packed, and is the same in every release.
    fn compute_digest(&self, texts: &[&str]) -> u64 {
        let digest = texts
            .iter()
            .fold(Digest::new(), |digest, text| digest.field(text.as_bytes()))
            .number(u64::from(self.tls))
            .number(self.hash_balance().to_bits())
            .number(self.updated_at_ns.cast_unsigned());
        let policy = self
            .policy()
            .map(|policy| policy.digest_into(Digest::new()).finish());
        policy
            .map_or(digest, |policy| digest.number(policy))
            .finish()
    }

    /// The digest of everything that a comparison looks at: two registrations with the same one say the same.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    fn part(&self, part: Part) -> &str {
        self.words.nth(part as usize)
    }

    /// All fixed words at once: each of them alone costs as much as those in front of it.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        let [
            protocol,
            server_cert_domain_san,
            app_id,
            instance_id,
            _,
            _,
            route_service_url,
            algorithm,
        ] = self.words.leading();
        Parts {
            protocol,
            server_cert_domain_san,
            app_id,
            instance_id,
            route_service_url,
            algorithm,
        }
    }

    /// The protocol as registered.
    #[must_use]
    pub fn protocol(&self) -> &str {
        self.part(Part::Protocol)
    }

    /// Whether the endpoint is reached over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The name that must stand in the endpoint's certificate; empty for any name, and without TLS.
    #[must_use]
    pub fn server_cert_domain_san(&self) -> &str {
        self.part(Part::ServerCertDomainSan)
    }

    /// The app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        self.part(Part::AppId)
    }

    /// The instance.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        self.part(Part::InstanceId)
    }

    /// The index of the instance.
    #[must_use]
    pub fn instance_index(&self) -> &str {
        self.part(Part::InstanceIndex)
    }

    /// The availability zone.
    #[must_use]
    pub fn availability_zone(&self) -> &str {
        self.part(Part::AvailabilityZone)
    }

    /// The endpoint's own route service; empty for none.
    #[must_use]
    pub fn route_service_url(&self) -> &str {
        self.part(Part::RouteServiceUrl)
    }

    /// The balancing algorithm as registered; empty for none.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.part(Part::Algorithm)
    }

    /// See [`Parts::has_unknown_algorithm`].
    #[must_use]
    pub fn has_unknown_algorithm(&self) -> bool {
        self.is_about_route && self.parts().has_unknown_algorithm()
    }

    /// Whether it says anything of the route itself: a route service, an algorithm, or who may call it.
    pub(crate) fn is_about_route(&self) -> bool {
        self.is_about_route
    }

    /// The request header field that is hashed; empty for none.
    #[must_use]
    pub fn hash_header(&self) -> &str {
        self.part(Part::HashHeader)
    }

    /// The balance factor of the hash; 0 for none.
    #[must_use]
    pub fn hash_balance(&self) -> f64 {
        self.rare.as_ref().map_or(0.0, |rare| rare.hash_balance)
    }

    /// The tags in the order of their names.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut words = self.words.from(PARTS);
        std::iter::from_fn(move || Some((words.next()?, words.next()?)))
    }

    /// The value of one tag.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.words.behind(name, PARTS)
    }

    /// Whether tags were registered at all.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.has_tags
    }

    /// When the platform last changed the endpoint, in Unix nanoseconds; 0 where it is not known.
    #[must_use]
    pub fn updated_at_ns(&self) -> i64 {
        self.updated_at_ns
    }

    /// Who may call the route, as this endpoint says.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.rare.as_ref()?.policy.as_ref()
    }

    /// What the endpoint asks of whoever reaches it.
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        Capabilities::TLS_ENDPOINT.when(self.tls)
            | Capabilities::HTTP2_ENDPOINT.when(self.protocol() == "http2")
    }

    /// About how many bytes the words take on a wire.
    pub(crate) fn weight(&self) -> usize {
        self.weight as usize
    }
}

impl PartialEq for Description {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.tls == other.tls
            && self.words == other.words
            && self.updated_at_ns == other.updated_at_ns
            && self.hash_balance().to_bits() == other.hash_balance().to_bits()
            && self.policy() == other.policy()
    }
}

/// The limits above add up to far less than would not fit.
fn weight(texts: &[&str]) -> u32 {
    let lengths = texts.iter().map(|text| text.len());
    let weight = lengths.fold(3 * texts.len(), usize::wrapping_add);
    u32::try_from(weight).unwrap_or(u32::MAX)
}

fn within(field: &'static str, length: usize, limit: usize) -> Result<(), TooLong> {
    if length > limit {
        Err(TooLong {
            field,
            length,
            limit,
        })
    } else {
        Ok(())
    }
}

fn check_tags(tags: &Tags<'_>) -> Result<(), TooLong> {
    within("tags", tags.len(), MAX_TAGS)?;
    for (name, value) in tags.iter() {
        within("the name of a tag", name.len(), LONGEST_NAME)?;
        within("the value of a tag", value.len(), LONGEST_VALUE)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
