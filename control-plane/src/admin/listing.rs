//! Reading the routes of the registry in the order of their spelling, in bounded looks.

use std::cmp::Ordering;
use std::sync::Arc;

use pointsman_registry::{ListingCursor, RouteListing};
use pointsman_route_key::{Host, Path, RouteKey};

use crate::registry_task::{Ended, Handle};

/// Things that one look may touch.
const LOOK: usize = 512;

/// The keys of all routes, sorted bytewise by their spelling.
pub(super) async fn sorted_keys(registry: &Handle) -> Result<Vec<Arc<RouteKey>>, Ended> {
    let mut keys = Vec::new();
    let mut from = Some(ListingCursor::default());
    while let Some(cursor) = from {
        let (some, next) = registry
            .read(move |registry, _| registry.route_keys(cursor, LOOK))
            .await?;
        keys.extend(some);
        from = next;
    }
    // A million keys take a second to sort, which must not be a second of others.
    let sorted = tokio::task::spawn_blocking(move || {
        keys.sort_unstable_by(|a, b| compare(a, b));
        keys.dedup();
        keys
    });
    sorted.await.map_err(|_| Ended)
}

/// What is known of some of these routes, which begin with the first, and how many of them that were. A route that is
/// gone by now is left out.
pub(super) async fn look(
    registry: &Handle,
    keys: &[Arc<RouteKey>],
) -> Result<(Vec<(Arc<RouteKey>, RouteListing)>, usize), Ended> {
    let keys = keys[..keys.len().min(LOOK)].to_vec();
    let look = registry.read(move |registry, now| {
        let mut found = Vec::new();
        let (mut looked, mut things) = (0, 0);
        for key in keys {
            if looked > 0 && things >= LOOK {
                break;
            }
            looked += 1;
            things += 1;
            if let Some(route) = registry.route(&key, now) {
                things += route.endpoints.len();
                found.push((key, route));
            }
        }
        (found, looked)
    });
    look.await
}

/// Compares the spellings of two keys without writing them.
pub(super) fn compare(a: &RouteKey, b: &RouteKey) -> Ordering {
    parts(a)
        .into_iter()
        .flatten()
        .cmp(parts(b).into_iter().flatten())
}

/// The bytes of a key's spelling, in parts.
fn parts(key: &RouteKey) -> [&[u8]; 3] {
    let (wildcard, host): (&str, &str) = match &key.host {
        Host::Exact(host) => ("", host),
        Host::Suffix(suffix) => ("*.", suffix),
        Host::Any => ("*", ""),
    };
    let (Path::Prefix(path) | Path::Exact(path) | Path::Template(path)) = &key.path;
    [wildcard.as_bytes(), host.as_bytes(), path.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_the_bytes_of_their_spelling() {
        let mut keys: Vec<_> = ["b", "a/x", "a", "*.a", "a.b", "a-b", "*.a/x", "aa", "a/x/y"]
            .map(|uri| RouteKey::from_uri(uri).unwrap())
            .into();
        keys.sort_by(compare);
        let spelled: Vec<_> = keys.iter().map(ToString::to_string).collect();
        let mut sorted = spelled.clone();
        sorted.sort();
        assert_eq!(spelled, sorted);
        assert_eq!(spelled[0], "*.a");
    }
}
