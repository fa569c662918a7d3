//! The routes that a client names.

use pointsman_route_key::RouteKey;

use crate::route_uri;

/// The key of the route that `text` names. `name` is what the client calls it.
///
/// # Errors
///
/// A text that names no route that there could ever be: it would be answered as one that is not registered.
pub(super) fn route(name: &str, text: &str) -> Result<RouteKey, String> {
    route_uri::parse_named(text)
        .map(|uri| RouteKey::clone(uri.key()))
        .map_err(|cause| format!("{name} is `{text}`: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_route_can_be_is_refused() {
        for good in [
            "a.example.com",
            "A.example.com/Path/",
            "*.example.com",
            "*.com",
            "*",
            "*/path",
            "[::1]",
            "[::1]/x:1",
            "a/b:c",
        ] {
            let key = route("uri", good).unwrap();
            assert_eq!(route("after", &key.to_string()), Ok(key), "{good}");
        }
        for (bad, told) in [
            ("https://a.example.com", "a scheme"),
            ("a.example.com:80", "a port"),
            ("[::1]:80/x", "a port"),
            ("me@a.example.com", "user"),
            ("a\0", "character"),
            ("/", "uri is `/`: "),
        ] {
            let refused = route("uri", bad).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
