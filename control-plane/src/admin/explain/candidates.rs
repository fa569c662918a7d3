//! The routes that a request may get, in the order in which they are looked for.

use std::sync::Arc;

use pointsman_route_key::{Host, Path, RouteKey};

use super::Found;
use super::asked::Asked;
use super::pool::given;
use crate::admin::{Inside, listing};
use crate::registry_task::Ended;

/// The longest host for which wildcards are tried: no DNS name is longer.
const LONGEST_HOST: usize = 255;

/// Candidates of one look at the registry.
const LOOK: usize = 128;

/// A route that would fit, if it were there.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) key: RouteKey,
    pub(super) place: Place,
    pub(super) outcome: Outcome,
}

/// How specific a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Name,
    Wildcard,
    Every,
}

/// What becomes of a candidate.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is the route.
    Answers(Found),
    /// There is no such route.
    NotRegistered,
    /// It has no endpoint, and a shorter one of the same host does.
    Empty,
    /// It has no endpoint, and the path leads on to routes below it, none of which fits.
    EmptyAbove,
    /// It would fit, and another one comes first.
    Later,
}

impl Outcome {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Answers(_) => "answers",
            Self::NotRegistered => "not-registered",
            Self::Empty | Self::EmptyAbove => "empty",
            Self::Later => "later",
        }
    }

    pub(super) fn why(&self, place: Place) -> String {
        let of = match place {
            Place::Name => "the name itself",
            Place::Wildcard => "a wildcard that fits",
            Place::Every => "the routes of every host",
        };
        match self {
            Self::Answers(route) if given(route).next().is_none() => {
                format!("answers: the longest path that fits, of {of}; it has no endpoint")
            }
            Self::Answers(_) => {
                format!("answers: the longest path that fits and has endpoints, of {of}")
            }
            Self::NotRegistered => "is not registered".to_owned(),
            Self::Empty => "has no endpoint, so a shorter one is looked for".to_owned(),
            Self::EmptyAbove => {
                "has no endpoint, and the path leads on to longer routes that do not fit".to_owned()
            }
            Self::Later => format!("would fit by {of}, and another one comes first"),
        }
    }
}

/// The longest path by whole segments that has endpoints wins; where there is none under the name, wildcards follow, the
/// most specific first, and then the routes of every host. Names that nobody has registered are shown for the host itself
/// only: of wildcards there are very many.
pub(super) async fn all(inside: &Inside, asked: &Asked) -> Result<Vec<Candidate>, Ended> {
    let mut shown = Vec::new();
    let mut found = false;
    for (place, host) in hosts(&asked.host) {
        let keys: Vec<_> = paths(&asked.path)
            .map(|path| RouteKey {
                host: host.clone(),
                path: Path::Prefix(path.into()),
            })
            .collect();
        let listed = listed(inside, &keys).await?;
        let winner = match listed.iter().position(with_endpoints) {
            _ if found => None,
            Some(winner) => Some(winner),
            None => last_node(inside, asked, &keys, &listed).await?,
        };
        for (at, (key, route)) in keys.into_iter().zip(listed).enumerate() {
            let outcome = match route {
                None if place == Place::Name => Outcome::NotRegistered,
                None => continue,
                Some(route) if winner == Some(at) => Outcome::Answers(route),
                Some(_) if found || winner.is_some_and(|winner| winner < at) => Outcome::Later,
                Some(_) if winner.is_some() => Outcome::Empty,
                Some(_) => Outcome::EmptyAbove,
            };
            shown.push(Candidate {
                key,
                place,
                outcome,
            });
        }
        found |= winner.is_some();
    }
    Ok(shown)
}

fn with_endpoints(route: &Option<Found>) -> bool {
    route.as_ref().is_some_and(|it| given(it).next().is_some())
}

/// The hosts under which a route may stand, the most specific first.
fn hosts(host: &str) -> Vec<(Place, Host)> {
    let mut hosts = vec![(Place::Name, Host::Exact(host.into()))];
    if host.len() <= LONGEST_HOST {
        let dots = host.match_indices('.');
        let suffixes = dots.filter_map(|(dot, _)| host.get(dot + 1..));
        let suffixes = suffixes.filter(|suffix| !suffix.is_empty());
        hosts.extend(suffixes.map(|suffix| (Place::Wildcard, Host::Suffix(suffix.into()))));
    }
    hosts.push((Place::Every, Host::Any));
    hosts
}

/// A path and everything above it, the longest first; the last one is the root.
fn paths(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let path = rest?;
        rest = path.rfind('/').and_then(|slash| path.get(..slash));
        Some(path)
    })
}

/// What is registered of these, in their order.
async fn listed(inside: &Inside, keys: &[RouteKey]) -> Result<Vec<Option<Found>>, Ended> {
    let mut all = Vec::with_capacity(keys.len());
    for some in keys.chunks(LOOK) {
        let some = some.to_vec();
        let read = inside.registry.read(move |registry, now| {
            let each = some.iter();
            each.map(|key| registry.route(key, now).map(Box::new))
                .collect::<Vec<_>>()
        });
        all.extend(read.await?);
    }
    Ok(all)
}

/// Where no route of a host that fits has endpoints: the one without endpoints that answers all the same, which is that
/// of the last node on the way down. A node is there where a route has its path or a path below it, so a longer route
/// that does not fit takes the way further down than the empty one.
async fn last_node(
    inside: &Inside,
    asked: &Asked,
    keys: &[RouteKey],
    listed: &[Option<Found>],
) -> Result<Option<usize>, Ended> {
    let Some(deepest) = listed.iter().position(Option::is_some) else {
        return Ok(None);
    };
    let Some(key) = keys.get(deepest) else {
        return Ok(None);
    };
    let Path::Prefix(empty) = &key.path else {
        return Ok(None);
    };
    if empty.len() == asked.path.len() {
        return Ok(Some(deepest));
    }
    let rest = &asked.path[empty.len() + 1..];
    let end = rest
        .find('/')
        .map_or(asked.path.len(), |slash| empty.len() + 1 + slash);
    let node = asked.path[..end].to_owned();
    let all: Vec<Arc<RouteKey>> = listing::sorted_keys(&inside.registry).await?;
    let below = all.iter().any(|other| {
        let Path::Prefix(path) = &other.path else {
            return false;
        };
        let rest = path.strip_prefix(&*node);
        other.host == key.host && rest.is_some_and(|rest| rest.starts_with('/'))
    });
    Ok((!below).then_some(deepest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_by_whole_segments() {
        let all = |path| paths(path).collect::<Vec<_>>();
        assert_eq!(all(""), [""]);
        assert_eq!(all("/a/bc"), ["/a/bc", "/a", ""]);
        assert_eq!(all("/a//b"), ["/a//b", "/a/", "/a", ""]);
    }

    #[test]
    fn hosts_are_tried_from_the_name_to_every_host() {
        let all: Vec<_> = hosts("a.b.c")
            .iter()
            .map(|(_, it)| it.to_string())
            .collect();
        assert_eq!(all, ["a.b.c", "*.b.c", "*.c", "*"]);
        let all: Vec<_> = hosts("a.").iter().map(|(_, it)| it.to_string()).collect();
        assert_eq!(all, ["a.", "*"]);
        assert_eq!(hosts(&"a.".repeat(200)).len(), 2);
    }
}
