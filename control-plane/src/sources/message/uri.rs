//! Which of the URIs that can be a route may be registered.

use pointsman_registry::Uri;
use pointsman_route_key::Host;

use super::cause::Cause;
use super::limits::Policy;
use crate::route_uri;

/// The URI, if it can be a route and may be one.
///
/// # Errors
///
/// Why the URI is not registered.
pub(in crate::sources) fn parse(text: &str, policy: &Policy) -> Result<Uri, Cause> {
    let uri = route_uri::parse(text)?;
    match &uri.key().host {
        Host::Suffix(suffix)
            if !suffix.contains('.') && !policy.top_level_wildcards.allow(suffix) =>
        {
            Err(Cause::UriTopLevelWildcard)
        }
        _ => Ok(uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::message::TopLevelWildcards;

    /// a wildcard over a top-level domain needs somebody who allowed it.
    #[test]
    fn top_level_wildcards_are_allowed_by_name() {
        let listed = |names: &[&str]| Policy {
            top_level_wildcards: TopLevelWildcards::Listed(
                names.iter().map(|name| (*name).to_owned()).collect(),
            ),
            ..Policy::default()
        };
        assert!(parse("*.internal", &listed(&["internal"])).is_ok());
        assert!(parse("*.Internal/x", &listed(&["internal"])).is_ok());
        for refuse in [listed(&["internal"]), Policy::default()] {
            assert_eq!(parse("*.com", &refuse), Err(Cause::UriTopLevelWildcard));
        }
        let all = Policy {
            top_level_wildcards: TopLevelWildcards::All,
            ..Policy::default()
        };
        assert!(parse("*.com", &all).is_ok());
    }
}
