//! The routes that a client names.

use pointsman_route_key::RouteKey;

/// The key of the route that `text` names. `name` is what the client calls it.
///
/// # Errors
///
/// A text that names no route that there could ever be: it would be answered as one that is not registered.
pub(super) fn route(name: &str, text: &str) -> Result<RouteKey, String> {
    let wrong = |what: &str| {
        format!(
            "{name} is `{text}`, which has {what}; expected HOST or HOST/PATH as it is registered"
        )
    };
    if text.split('?').next().is_some_and(|it| it.contains("://")) {
        return Err(wrong("a scheme"));
    }
    if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(wrong("characters that no route has"));
    }
    let (host, _) = text.split_at(text.find('/').unwrap_or(text.len()));
    let behind_address = host.rfind(']').map_or(host, |end| &host[end..]);
    if behind_address.contains(':') {
        return Err(wrong("a port"));
    }
    if host.contains('@') {
        return Err(wrong("user information"));
    }
    RouteKey::from_uri(text).map_err(|error| format!("{name} is `{text}`: {error}"))
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
            "[::1]",
            "[::1]/x:1",
            "a/b:c",
        ] {
            assert!(route("uri", good).is_ok(), "{good}");
        }
        for (bad, told) in [
            ("https://a.example.com", "a scheme"),
            ("a.example.com:80", "a port"),
            ("[::1]:80/x", "a port"),
            ("me@a.example.com", "user information"),
            ("a\0", "characters"),
            ("/", "uri is `/`: "),
        ] {
            let refused = route("uri", bad).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
