use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Strategy, any, prop, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use super::*;
use crate::testing::{key, writer};

fn found(table: &Table, host: &str, path: &str) -> String {
    let mut scratch = Scratch::default();
    table
        .lookup(host, path, &mut scratch)
        .map_or("no route".to_owned(), |route| {
            let empty = route.endpoints().is_empty();
            format!("{}{}", route.key(), if empty { ", empty" } else { "" })
        })
}

/// One row: the routes (an `!` marks an empty one), the request, the route that it gets.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "*.outer.wild.card *.wild.card",
        "foo.wild.card",
        "*.wild.card",
    ),
    (
        "*.outer.wild.card *.wild.card",
        "foo.space.wild.card",
        "*.wild.card",
    ),
    (
        "*.outer.wild.card *.wild.card",
        "a.outer.wild.card",
        "*.outer.wild.card",
    ),
    (
        "not.wild.card *.wild.card",
        "not.wild.card",
        "not.wild.card",
    ),
    ("*.com", "a.b.com/x", "*.com"),
    ("*.wild.card/api", "foo.wild.card/api/v1", "*.wild.card/api"),
    ("*.wild.card/api", "foo.wild.card/apis", "no route"),
    ("*.foo.com", "foo.com", "no route"),
    ("*.foo.com", "*.foo.com", "*.foo.com"),
    ("foo", "foo", "foo"),
    ("foo", "FOO", "foo"),
    ("foo", "foo/extra/paths", "foo"),
    ("foo/bar", "foo/bar", "foo/bar"),
    ("foo/bar", "foo/bar/baz", "foo/bar"),
    ("foo foo/bar/baz", "foo/bar", "foo"),
    ("foo/bar/baz foo", "foo/bar", "foo"),
    ("a.b.com", "a.b.com", "a.b.com"),
    ("a.b.com", "a.b.com/foo", "a.b.com"),
    ("!a.b.com", "a.b.com", "a.b.com, empty"),
    ("!a.b.com", "a.b.com/foo", "a.b.com, empty"),
    ("a.b.com !a.b.com/foo", "a.b.com/foo", "a.b.com"),
    ("a.b.com a.b.com/foo", "a.b.com/foo", "a.b.com/foo"),
    ("!a.b.com !a.b.com/foo", "a.b.com/foo", "a.b.com/foo, empty"),
    (
        "dora.app.com/app",
        "dora.app.com/app/with/extra",
        "dora.app.com/app",
    ),
    ("dora.app.com/app", "golang.app.com/app", "no route"),
    (
        "dora.app.com/env",
        "dora.app.com/env/abc",
        "dora.app.com/env",
    ),
    ("foo foo/bar/baz", "foo/bar/baz/x", "foo/bar/baz"),
    ("foo/bar/baz", "foo/bar", "no route"),
    ("foo.com/bar", "foo.com/baz", "no route"),
    ("foo.com/bar", "foo.com/barn", "no route"),
    ("foo.com/bar *.com", "foo.com/baz", "*.com"),
    ("foo.com/bar *.com/baz", "foo.com/baz", "*.com/baz"),
    ("!foo.com *.com", "foo.com", "foo.com, empty"),
    ("foo.com !foo.com/a", "foo.com/a/b", "foo.com"),
    ("!foo.com !foo.com/a", "foo.com/a/b", "foo.com/a, empty"),
    ("!foo.com foo.com/a/b", "foo.com/z", "foo.com, empty"),
    ("!foo.com foo.com/a/b", "foo.com/a", "no route"),
    ("!foo.com foo.com/a/b *.com", "foo.com/a", "*.com"),
    ("!*.b.com *.com", "x.b.com", "*.b.com, empty"),
    ("foo", "foo//bar", "foo"),
    ("foo/bar", "foo//bar", "no route"),
    ("foo/a//b foo/a/b", "foo/a//b", "foo/a//b"),
    ("foo.com///", "foo.com///", "foo.com/"),
    ("foo.com///", "foo.com//", "no route"),
    ("foo/a-b foo/a foo/a/b foo/a.b", "foo/a/c", "foo/a"),
    ("foo/a-b foo/a foo/a/b foo/a.b", "foo/a/b/c", "foo/a/b"),
    ("foo/a-b foo/a foo/a/b foo/a.b", "foo/a-b/c", "foo/a-b"),
    ("foo", "foo%", "no route"),
    ("*", "foo", "no route"),
    ("*", "*", "*"),
    ("a.*.com", "a.b.com", "no route"),
    ("a.*.com", "a.*.com", "a.*.com"),
    // The dot is looked for in the host only: `*.html` and `*.b` in a path are no wildcards.
    ("*.html", "localhost/index.html", "no route"),
    ("*.b", "x.com/a.b", "no route"),
];

/// D-194: given no matching pool, then none
/// D-216: given an unknown host, then none
/// D-217: given an unknown host of valid characters, then none
/// D-221: the deepest pool with endpoints answers; an empty one falls back to a shorter one
/// D-222: a wildcard answers for several labels
/// D-223: a trailing dot in the host is another host
/// C-103: the route of exactly the path is found
/// C-104: a route answers for what is below its path
/// C-105: and not for what is above it
/// C-106: the longest path with endpoints answers
/// C-107: whichever was registered first
/// C-108: a host without a path answers for every path
/// C-109: also while it is empty
/// C-110: an empty deeper route leaves the request to the shorter one
/// C-111: a deeper route with endpoints does not
/// C-112: of two empty ones the deeper one is found
/// C-113: an empty shorter route is no match where the way goes on to a node without a route
/// C-278: the wildcard that matches is found, however many labels it stands for
/// C-279: an exact host comes before a wildcard
/// C-283: an unknown host has no route
/// C-284: a route answers for further paths
/// C-286: what is no route has none
/// C-287: a wildcard answers where a host has no route for the path
/// C-288: an empty route of the exact host comes before a full wildcard
/// C-290: a lone star is no wildcard
/// C-291: nor is a star within a name
/// C-114: a route stands at its own path, and not at those that lead there
/// C-115: a deeper route stands below a shorter one
/// C-130: every route is visited once
/// C-144: a path answers for itself and what is below it, at its own host
#[test]
fn requests_find_the_route_that_gorouter_finds() {
    for (routes, request, expected) in ROWS {
        let routes: Vec<(&str, usize)> = routes
            .split(' ')
            .map(|uri| uri.strip_prefix('!').map_or((uri, 1), |uri| (uri, 0)))
            .collect();
        let table = writer(&routes).publish();
        let (host, path) = request.split_at(request.find('/').unwrap_or(request.len()));
        assert_eq!(
            &found(&table, host, path),
            expected,
            "{routes:?}: {request}"
        );
    }
    let table = writer(&[("app.example.com", 1)]).publish();
    assert_eq!(found(&table, "app.example.com.", ""), "no route");
    let table = writer(&[("a", 1), ("a/b", 0), ("a/b/c", 1), ("*.a", 1)]).publish();
    let mut all: Vec<_> = table.iter().map(|it| it.key().to_string()).collect();
    all.sort();
    assert_eq!(all, ["*.a", "a", "a/b", "a/b/c"]);
}

#[test]
fn routes_of_every_host_answer_where_no_other_does() {
    use pointsman_route_key::{Host, Path};
    let mut writer = writer(&[("foo.com", 1), ("*.bar.com/a", 1), ("empty.com", 0)]);
    for path in ["", "/svc/v1"] {
        let mut thing = crate::testing::route("x", 1);
        thing.key = RouteKey {
            host: Host::Any,
            path: Path::Prefix(path.into()),
        };
        let mut endpoint = crate::testing::endpoint("x", "10.0.0.9:80");
        endpoint.key = thing.key.clone();
        writer.upsert(crate::Thing::Route(thing));
        writer.upsert(crate::Thing::Endpoint(Box::new(endpoint)));
    }
    let table = writer.publish();
    for (host, path, expected) in [
        ("foo.com", "/svc/v1", "foo.com"),
        ("x.bar.com", "/a/b", "*.bar.com/a"),
        ("x.bar.com", "/svc/v1/x", "*/svc/v1"),
        ("x.bar.com", "/b", "*"),
        ("anything", "/SVC/v1", "*/svc/v1"),
        ("[::1]:80", "/svc/v1x", "*"),
        ("empty.com", "/svc/v1", "empty.com, empty"),
    ] {
        assert_eq!(found(&table, host, path), expected, "{host}{path}");
    }
    assert_eq!(table.routes(), 5);
}

/// D-218: a trailing slash does not count
/// D-219: keys are lower case, without trailing slashes
/// D-220: neither port nor case of host and path count
/// D-224: a port is cut before the search
/// C-276: case does not count
#[test]
fn ports_case_and_trailing_slashes_do_not_count() {
    let table = writer(&[("app.example.com/ctx", 1), ("[::1]", 1)]).publish();
    for (host, path) in [
        ("app.example.com", "/ctx"),
        ("app.example.com", "/ctx/"),
        ("app.example.com", "/ctx//"),
        ("APP.Example.COM:1234", "/CTX/x"),
        ("app.example.com:", "/ctx/X"),
        ("app.example.com", "/ctx/%2F"),
    ] {
        assert_eq!(
            found(&table, host, path),
            "app.example.com/ctx",
            "{host}{path}"
        );
    }
    assert_eq!(found(&table, "[::1]:80", "/x"), "[::1]");
    for (host, path) in [
        ("", "/ctx"),
        (":80", "/ctx"),
        ("app.example.com", "*"),
        ("app.example.com", "ctx"),
        ("app.example.com", ""),
        ("app.example.com", "/%63tx"),
    ] {
        assert_eq!(found(&table, host, path), "no route", "{host:?} {path:?}");
    }
}

#[test]
fn text_beyond_ascii_is_lowered_as_it_was_registered() {
    let table = writer(&[("ÄPP.example/Ö", 1)]).publish();
    assert_eq!(found(&table, "äpp.example", "/Ö/x"), "äpp.example/ö");
    assert_eq!(found(&table, "ÄPP.EXAMPLE", "/ö"), "äpp.example/ö");
}

#[test]
fn a_host_of_countless_labels_costs_one_search() {
    let table = writer(&[("*.a", 1)]).publish();
    assert_eq!(found(&table, &format!("{}a", "a.".repeat(127)), ""), "*.a");
    assert_eq!(found(&table, &"a.".repeat(16_384), ""), "no route");
}

#[test]
fn a_scratch_is_not_touched_by_lower_case() {
    let table = writer(&[("app.example.com", 1)]).publish();
    let mut scratch = Scratch::default();
    assert!(
        table
            .lookup("app.example.com:80", "/a/b", &mut scratch)
            .is_some()
    );
    assert_eq!(scratch.capacity(), 0);
    assert!(
        table
            .lookup("App.example.com", "/a/b", &mut scratch)
            .is_some()
    );
    assert_ne!(scratch.capacity(), 0);
}

#[test]
fn a_route_is_renewed_by_its_key() {
    let mut writer = writer(&[("a/x", 1), ("*.b", 1)]);
    let old = writer.publish();
    let (exact, wildcard) = (old.get(&key("a/x")).unwrap(), old.get(&key("*.b")).unwrap());
    writer.upsert(crate::Thing::Endpoint(Box::new(crate::testing::endpoint(
        "a/x",
        "10.9.9.9:80",
    ))));
    let new = writer.publish();
    assert_eq!(new.renew(exact).unwrap().endpoints().len(), 2);
    assert!(Arc::ptr_eq(new.renew(wildcard).unwrap(), wildcard));
    assert_eq!(exact.endpoints().len(), 1, "the old table stays as it was");
}

/// Gorouter's algorithm as it is told: a tree of segments whose first is the host, walked once per
/// candidate.
fn naive(routes: &BTreeMap<RouteKey, bool>, host: &str, path: &str) -> Option<RouteKey> {
    let mut candidates = vec![host.to_owned()];
    let labels: Vec<&str> = host.split('.').collect();
    candidates.extend((1..labels.len()).map(|n| format!("*.{}", labels[n..].join("."))));
    candidates
        .iter()
        .find_map(|candidate| walk(routes, candidate, path))
}

fn walk(routes: &BTreeMap<RouteKey, bool>, host: &str, path: &str) -> Option<RouteKey> {
    let wanted: Vec<&str> = path.split('/').collect();
    let stored: Vec<(Vec<String>, &RouteKey, bool)> = routes
        .iter()
        .filter(|(key, _)| key.host.to_string() == host)
        .map(|(key, filled)| {
            let segments = key.path.to_string().split('/').map(str::to_owned).collect();
            (segments, key, *filled)
        })
        .collect();
    let mut deepest = None;
    let mut last = None;
    for depth in 1..=wanted.len() {
        let node = &wanted[..depth];
        if !stored
            .iter()
            .any(|(segments, ..)| segments.starts_with(&owned(node)))
        {
            break;
        }
        last = stored
            .iter()
            .find(|(segments, ..)| *segments == owned(node));
        if let Some(filled) = last.filter(|(.., filled)| *filled) {
            deepest = Some(filled);
        }
    }
    deepest.or(last).map(|(_, key, _)| (*key).clone())
}

fn owned(segments: &[&str]) -> Vec<String> {
    segments.iter().map(|&segment| segment.to_owned()).collect()
}

/// Few labels and segments, so that hosts and paths meet; some sort around the slash.
fn host() -> impl Strategy<Value = String> {
    vec(prop::sample::select(vec!["a", "b", "com"]), 1..4).prop_map(|labels| labels.join("."))
}

fn path() -> impl Strategy<Value = String> {
    vec(
        prop::sample::select(vec!["x", "x-", "x.", "y", "", "x0"]),
        0..4,
    )
    .prop_map(|segments| {
        segments
            .iter()
            .map(|segment| format!("/{segment}"))
            .collect()
    })
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        (host(), path()).prop_map(|(host, path)| format!("{host}{path}")),
        (host(), path()).prop_map(|(host, path)| format!("*.{host}{path}")),
    ]
}

proptest! {
    #[test]
    fn lookup_agrees_with_the_walk_of_a_tree(
        uris in btree_map(uri(), any::<bool>(), 0..30),
        requests in vec((host(), path()), 1..30),
    ) {
        let routes: BTreeMap<RouteKey, bool> =
            uris.iter().map(|(uri, filled)| (key(uri), *filled)).collect();
        let uris: Vec<(String, usize)> = routes
            .iter()
            .map(|(key, filled)| (format!("{key}//"), usize::from(*filled)))
            .collect();
        let uris: Vec<(&str, usize)> =
            uris.iter().map(|(uri, endpoints)| (uri.as_str(), *endpoints)).collect();
        let table = writer(&uris).publish();
        prop_assert_eq!(table.routes(), routes.len() as u64);
        let mut scratch = Scratch::default();
        for (host, path) in requests {
            let canonical = key(&format!("{host}{path}"));
            let expected = naive(&routes, &host, &canonical.path.to_string());
            let found = table.lookup(&host, &path, &mut scratch).map(|route| route.key().clone());
            prop_assert_eq!(found, expected, "{}{}", host, path);
        }
    }
}
