//! Words of the command line that are checked before anybody is asked.
//!
//! What can be no route is no question: that nothing is found would be true, and mislead.

use pointsman_control_plane::route_uri;

/// A route, as it may be registered.
pub(super) fn route(text: &str) -> Result<String, String> {
    checked(text, "HOST or HOST/PATH, without a scheme and a port")
}

/// The host of a route, or `*` for the routes of every host.
pub(super) fn host(text: &str) -> Result<String, String> {
    let expected = "HOST, without a scheme, a port and a path";
    let host = checked(text, expected)?;
    if host.contains(['/', '?']) {
        return Err(format!("the host has a path; expected {expected}"));
    }
    Ok(host)
}

fn checked(text: &str, expected: &str) -> Result<String, String> {
    route_uri::parse_named(text).map_err(|cause| {
        let cause = cause.to_string();
        let wrong = cause.split_once("; ").map_or(&*cause, |(wrong, _)| wrong);
        format!("{wrong}; expected {expected}")
    })?;
    Ok(text.to_owned())
}

/// An id as lists show it. Two dots would lead to another path than that of a thing.
pub(super) fn id(text: &str) -> Result<String, String> {
    if ["", ".", ".."].contains(&text) {
        return Err("expected an id as the list shows it".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_route_is_refused_with_what_would_be_right() {
        for (text, wrong) in [
            (
                "https://a.example.com",
                "the URI has a scheme; expected HOST or HOST/PATH",
            ),
            (
                "https://a.example.com/",
                "the URI has a scheme; expected HOST or HOST/PATH",
            ),
            (
                "a.example.com:80",
                "the URI has a port; expected HOST or HOST/PATH",
            ),
            (
                "a.example.com/x#y",
                "the URI has a fragment; expected HOST or HOST/PATH",
            ),
            ("", "the URI names no host; expected HOST or HOST/PATH"),
        ] {
            let told = route(text).expect_err(text);
            assert_eq!(told, format!("{wrong}, without a scheme and a port"));
        }
        for text in [
            "a",
            "A.example.com",
            "a.b/c?d",
            "*.com",
            "*.a.b/c",
            "*/path",
            "[::1]/x",
        ] {
            assert_eq!(route(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_can_be_no_host_is_refused() {
        for text in ["http://a", "a:80", "a/b", "a/", "a?b", "", "*a"] {
            let told = host(text).expect_err(text);
            assert!(
                told.ends_with("expected HOST, without a scheme, a port and a path"),
                "{told}"
            );
        }
        for text in ["a.b", "*.a.b", "*"] {
            assert_eq!(host(text).as_deref(), Ok(text));
        }
    }
}
