use pointsman_routing::{Attributes, RouteThing, Thing, Writer};

use super::*;
use pointsman_route_key::RouteKey;

fn table(uris: &[&str]) -> Arc<Table> {
    let mut writer = Writer::new(7);
    writer.begin(1);
    for uri in uris {
        writer.upsert(Thing::Route(RouteThing {
            key: RouteKey::from_uri(uri).expect("a route"),
            segment: String::new(),
            revision: 1,
            birth: 1,
            generation: 1,
            host_as_registered: String::new(),
            path_as_registered: String::new(),
            attributes: Attributes::default(),
        }));
    }
    writer.publish()
}

/// Whether a signature for `url` is one for the route `uri` of a table, and for a path.
fn proven(url: &str, uri: &str, path: Option<&str>) -> Result<(), Invalid> {
    let table = table(&["app.test", "app.test/ctx", "*.wild.test", "other.test"]);
    let route = table.get(&RouteKey::from_uri(uri).expect("a route"));
    let mut found = Found {
        table: &table,
        route: route.expect("it is there"),
        scratch: &mut Scratch::default(),
    };
    prove(url, &mut found, path.map(str::as_bytes))
}

/// D-578: a signature for another route proves nothing.
/// D-586: ports do not count.
/// no spelling of host or path leads a signature to another route than the request.
#[test]
fn a_signature_is_for_one_route() {
    for (url, uri, expected) in [
        ("https://app.test/x?y", "app.test", Ok(())),
        ("http://APP.TEST:8080/x", "app.test", Ok(())),
        ("https://app.test/ctx/deep?x", "app.test/ctx", Ok(())),
        ("https://app.test/CTX/", "app.test/ctx", Ok(())),
        ("https://app.test//ctx", "app.test", Ok(())),
        ("https://app.test/%63tx", "app.test", Ok(())),
        ("https://app.test/ctx%2fdeep", "app.test", Ok(())),
        ("https://one.wild.test/", "*.wild.test", Ok(())),
        ("https://app.test/ctx", "app.test", Err(Invalid::OtherRoute)),
        (
            "https://app.test/ctx2",
            "app.test/ctx",
            Err(Invalid::OtherRoute),
        ),
        (
            "https://app.test//ctx",
            "app.test/ctx",
            Err(Invalid::OtherRoute),
        ),
        (
            "https://app.test/%63tx",
            "app.test/ctx",
            Err(Invalid::OtherRoute),
        ),
        ("https://other.test/", "app.test", Err(Invalid::OtherRoute)),
        (
            "https://nowhere.test/",
            "app.test",
            Err(Invalid::UnknownRoute),
        ),
        (
            "https://app.test@other.test/",
            "app.test",
            Err(Invalid::UnknownRoute),
        ),
        (
            "https://app.test\\.other.test/",
            "app.test",
            Err(Invalid::UnknownRoute),
        ),
        ("app.test/", "app.test", Err(Invalid::UnknownRoute)),
        ("", "app.test", Err(Invalid::UnknownRoute)),
    ] {
        assert_eq!(proven(url, uri, None), expected, "{url} at {uri}");
    }
}

/// where a path is bound, it is bound to the letter.
#[test]
fn a_signature_may_be_for_one_path() {
    for (url, path, expected) in [
        ("https://app.test/a?q", "/a", Ok(())),
        ("https://app.test", "/", Ok(())),
        ("https://app.test/a", "/b", Err(Invalid::OtherPath)),
        ("https://app.test/a", "/A", Err(Invalid::OtherPath)),
    ] {
        assert_eq!(
            proven(url, "app.test", Some(path)),
            expected,
            "{url} {path}"
        );
    }
}
