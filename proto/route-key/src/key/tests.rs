use super::*;

fn key(uri: &str) -> String {
    RouteKey::from_uri(uri).map_or_else(|error| format!("{error:?}"), |key| key.to_string())
}

/// C-082: a bare host is its own key
/// C-083: a trailing slash does not count
/// C-084: a context path is part of the key
/// C-085: so is a deeper one
/// C-086: the query does not count
/// C-087: nor does a longer query
/// C-088: nor behind a deeper path
/// C-089: nor behind a bare host
/// C-090: case does not count
#[test]
fn uris_become_canonical_keys() {
    for (uri, expected) in [
        ("dora.app.com", "dora.app.com"),
        ("dora.app.com/", "dora.app.com"),
        ("dora.app.com/v1", "dora.app.com/v1"),
        ("dora.app.com/v1/abc", "dora.app.com/v1/abc"),
        ("dora.app.com/v1?foo=bar", "dora.app.com/v1"),
        ("dora.app.com/v1?foo=bar&baz=bing", "dora.app.com/v1"),
        (
            "dora.app.com/v1/abc?foo=bar&baz=bing",
            "dora.app.com/v1/abc",
        ),
        ("dora.app.com?foo=bar", "dora.app.com"),
        ("DoRa.ApP.CoM", "dora.app.com"),
        ("DORA.APP.COM/", "dora.app.com"),
        ("Äpp.example.com", "äpp.example.com"),
        ("/foo.com", "foo.com"),
        ("foo.com/?x=1", "foo.com"),
        ("foo.com/a//b", "foo.com/a//b"),
        ("foo.com/API/V1", "foo.com/api/v1"),
        ("foo.com/%41", "foo.com/%41"),
        ("foo.com#x", "foo.com#x"),
    ] {
        assert_eq!(key(uri), expected, "{uri}");
    }
}

/// C-092: a second trailing slash does not count either
/// C-093: a third one is an empty segment, and another route
#[test]
fn two_trailing_slashes_go_and_a_third_stays() {
    assert_eq!(
        RouteKey::from_uri("foo.com//"),
        RouteKey::from_uri("foo.com")
    );
    assert_ne!(
        RouteKey::from_uri("foo.com///"),
        RouteKey::from_uri("foo.com")
    );
    assert_eq!(key("foo.com///"), "foo.com/");
}

/// C-095: a scheme is not understood, only kept
#[test]
fn a_scheme_is_kept_as_text() {
    assert_eq!(key("http://something"), "http://something");
}

#[test]
fn a_leading_star_label_makes_a_wildcard() {
    let host = |uri| RouteKey::from_uri(uri).unwrap().host;
    assert_eq!(host("*.Foo.com/x"), Host::Suffix("foo.com".into()));
    assert_eq!(host("*"), Host::Exact("*".into()));
    assert_eq!(host("*."), Host::Exact("*.".into()));
    assert_eq!(host("a.*.com"), Host::Exact("a.*.com".into()));
    assert_eq!(host("*.*.com"), Host::Suffix("*.com".into()));
}

#[test]
fn a_uri_without_a_host_is_refused() {
    for uri in ["", "/", "//", "//path", "?a=b", "/?a=b"] {
        assert_eq!(RouteKey::from_uri(uri), Err(KeyError::NoHost), "{uri:?}");
    }
}

#[test]
fn a_canonical_key_is_its_own_key() {
    for uri in [
        "A.b/C/",
        "*.x.y/Z?q",
        "foo.com///",
        "foo.com/a//b",
        "[::1]/x",
    ] {
        let once = RouteKey::from_uri(uri).unwrap();
        let twice = RouteKey::from_uri(&format!("{once}//")).unwrap();
        assert_eq!(once, twice, "{uri}");
    }
}

/// C-190: with one host and one path, two URIs are one route
/// C-191: with another path they are two
/// C-192: with another host too
/// C-193: and with both
/// C-129: a key is spelled by its segments, with slashes between them
#[test]
fn host_and_path_make_the_route() {
    let one = RouteKey::from_uri("Foo.com/a/B").unwrap();
    assert_eq!(one, RouteKey::from_uri("foo.com/A/b/").unwrap());
    for other in ["foo.com/a", "bar.com/a/b", "bar.com/a"] {
        assert_ne!(one, RouteKey::from_uri(other).unwrap(), "{other}");
    }
    assert_eq!(one.to_string(), "foo.com/a/b");
}
