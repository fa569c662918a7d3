//! What a route does with its requests and responses, beyond leading them somewhere.

use std::time::Duration;

use pointsman_route_key::digest::Digest;

use crate::capability::Capabilities;

/// The rules of a route. Only whoever declares a route can say them; those of a route from NATS are the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is done to requests and responses, in this order. At most one of them rewrites.
    pub filters: Vec<Filter>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How many attempts a request may have, the first one included; `None`: as many as the data plane's own.
    pub max_attempts: Option<u32>,
    /// Doing any request twice is the same as doing it once, whatever its method.
    pub repeatable: bool,
    /// What a request gets while no endpoint is there: 404 or 503; `None`: what the fleet says.
    pub empty_status: Option<u16>,
}

/// One rewriting of requests or responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Changes header fields of the request.
    RequestHeaders(HeaderFilter),
    /// Changes header fields of the response.
    ResponseHeaders(HeaderFilter),
    /// Changes where the request seems to go.
    Rewrite(Rewrite),
}

/// Removes, sets and adds header fields, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFilter {
    /// Names to remove.
    pub remove: Vec<Box<str>>,
    /// Fields that replace all of the same name.
    pub set: Vec<HeaderField>,
    /// Fields beside others of the same name.
    pub add: Vec<HeaderField>,
}

/// One header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderField {
    /// The name.
    pub name: Box<str>,
    /// The value.
    pub value: Box<str>,
}

/// Changes where a request seems to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The new host; empty to keep it.
    pub host: Box<str>,
    /// What becomes of the path.
    pub path: PathRewrite,
}

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRewrite {
    /// It stays.
    Keep,
    /// It is replaced as a whole.
    Full(Box<str>),
    /// The prefix of the route is replaced; empty to strip it.
    Prefix(Box<str>),
}

/// How long things may take; absent: what the data plane says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// A request, attempts included.
    pub request: Option<Duration>,
    /// One attempt until the head of its response.
    pub attempt: Option<Duration>,
    /// Between two bytes of a stream.
    pub idle: Option<Duration>,
}

impl Rules {
    /// What the rules ask of whoever serves the route.
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        let filters = self.filters.iter().map(Filter::needs);
        filters.fold(Capabilities::NONE, |all, one| all | one)
            | Capabilities::ROUTE_TIMEOUTS.when(self.timeouts != Timeouts::default())
            | Capabilities::REPEATABLE.when(self.max_attempts.is_some() || self.repeatable)
            | Capabilities::ROUTE_EMPTY_POOL.when(self.empty_status.is_some())
    }

    pub(crate) fn digest_into(&self, digest: Digest) -> Digest {
        let filters = self.filters.iter();
        let digest = filters.fold(
            digest.number(self.filters.len() as u64),
            |digest, filter| filter.digest_into(digest),
        );
        let Timeouts {
            request,
            attempt,
            idle,
        } = self.timeouts;
        let times = [request, attempt, idle].into_iter();
        times
            .fold(digest, |digest, time| digest.number(nanos(time)))
            .number(self.max_attempts.map_or(0, |most| u64::from(most) + 1))
            .number(u64::from(self.repeatable))
            .number(self.empty_status.map_or(0, u64::from))
    }

    /// About how many bytes they take on a wire.
    pub(crate) fn weight(&self) -> usize {
        64 + self.filters.iter().map(Filter::weight).sum::<usize>()
    }
}

/// One more than the nanoseconds; 0 for no bound. Five hundred years fit.
fn nanos(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| {
        u64::try_from(time.as_nanos()).map_or(u64::MAX, |nanos| nanos.saturating_add(1))
    })
}

impl Filter {
    fn needs(&self) -> Capabilities {
        match self {
            Self::RequestHeaders(_) | Self::ResponseHeaders(_) => Capabilities::HEADER_FILTER,
            Self::Rewrite(_) => Capabilities::REWRITE,
        }
    }

    fn digest_into(&self, digest: Digest) -> Digest {
        match self {
            Self::RequestHeaders(filter) => filter.digest_into(digest.number(1)),
            Self::ResponseHeaders(filter) => filter.digest_into(digest.number(2)),
            Self::Rewrite(rewrite) => {
                let (kind, path) = match &rewrite.path {
                    PathRewrite::Keep => (0, ""),
                    PathRewrite::Full(path) => (1, &**path),
                    PathRewrite::Prefix(path) => (2, &**path),
                };
                let digest = digest.number(3).field(rewrite.host.as_bytes());
                digest.number(kind).field(path.as_bytes())
            }
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::RequestHeaders(filter) | Self::ResponseHeaders(filter) => {
                let removed = filter.remove.iter().map(|name| name.len() + 4);
                let written = filter.set.iter().chain(&filter.add);
                let written = written.map(|field| field.name.len() + field.value.len() + 8);
                removed.chain(written).sum()
            }
            Self::Rewrite(rewrite) => match &rewrite.path {
                PathRewrite::Keep => rewrite.host.len() + 8,
                PathRewrite::Full(path) | PathRewrite::Prefix(path) => {
                    rewrite.host.len() + path.len() + 8
                }
            },
        }
    }
}

impl HeaderFilter {
    fn digest_into(&self, digest: Digest) -> Digest {
        let removed = self.remove.iter();
        let digest = removed.fold(digest.number(self.remove.len() as u64), |digest, name| {
            digest.field(name.as_bytes())
        });
        [&self.set, &self.add]
            .into_iter()
            .fold(digest, |digest, fields| {
                let digest = digest.number(fields.len() as u64);
                fields.iter().fold(digest, |digest, field| {
                    let digest = digest.field(field.name.as_bytes());
                    digest.field(field.value.as_bytes())
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rules: &Rules) -> u64 {
        rules.digest_into(Digest::new()).finish()
    }

    fn field(name: &str, value: &str) -> HeaderField {
        HeaderField {
            name: name.into(),
            value: value.into(),
        }
    }

    fn filtered(filter: Filter) -> Rules {
        Rules {
            filters: vec![filter],
            ..Rules::default()
        }
    }

    fn rewritten(path: PathRewrite) -> Rules {
        let host = "".into();
        filtered(Filter::Rewrite(Rewrite { host, path }))
    }

    fn timed(timeouts: Timeouts) -> Rules {
        Rules {
            timeouts,
            ..Rules::default()
        }
    }

    fn timeouts() -> Vec<Rules> {
        let none = Timeouts::default();
        let second = Some(Duration::from_secs(1));
        let each = [
            Timeouts {
                request: second,
                ..none
            },
            Timeouts {
                attempt: second,
                ..none
            },
            Timeouts {
                idle: second,
                ..none
            },
        ];
        each.into_iter().map(timed).collect()
    }

    fn header_filters() -> Vec<Rules> {
        let none = HeaderFilter::default();
        let set = HeaderFilter {
            set: vec![field("A", "b")],
            ..none.clone()
        };
        let add = HeaderFilter {
            add: vec![field("A", "b")],
            ..none.clone()
        };
        let remove = HeaderFilter {
            remove: vec!["A".into()],
            ..none
        };
        let on_requests =
            [&set, &add, &remove].map(|filter| Filter::RequestHeaders(filter.clone()));
        let all = on_requests
            .into_iter()
            .chain([Filter::ResponseHeaders(set.clone())]);
        all.map(filtered).collect()
    }

    /// Rules that differ in one thing each, with what they need.
    fn different() -> Vec<(Rules, Capabilities)> {
        let paths = [
            PathRewrite::Keep,
            PathRewrite::Prefix("".into()),
            PathRewrite::Full("".into()),
        ];
        let plain = Rules::default();
        let attempts = Rules {
            max_attempts: Some(2),
            ..plain.clone()
        };
        let repeatable = Rules {
            repeatable: true,
            ..plain.clone()
        };
        let empty = Rules {
            empty_status: Some(503),
            ..plain.clone()
        };
        [
            (vec![plain], Capabilities::NONE),
            (header_filters(), Capabilities::HEADER_FILTER),
            (paths.map(rewritten).to_vec(), Capabilities::REWRITE),
            (timeouts(), Capabilities::ROUTE_TIMEOUTS),
            (vec![attempts, repeatable], Capabilities::REPEATABLE),
            (vec![empty], Capabilities::ROUTE_EMPTY_POOL),
        ]
        .into_iter()
        .flat_map(|(all, needs)| all.into_iter().map(move |rules| (rules, needs)))
        .collect()
    }

    #[test]
    fn each_rule_counts_in_the_digest_and_needs_its_capability() {
        let all = different();
        for (at, (rules, needs)) in all.iter().enumerate() {
            assert_eq!(rules.needs(), *needs, "{rules:?}");
            for (other, _) in &all[..at] {
                assert_ne!(digest(rules), digest(other), "{rules:?} and {other:?}");
            }
        }
    }
}
