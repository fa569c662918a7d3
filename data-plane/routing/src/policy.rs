//! Who may call a route (D-643 to D-649).

use crate::Endpoint;

/// Who calls: the app instance behind a verified certificate. What the certificate does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The app.
    pub app: Box<str>,
    /// Its space.
    pub space: Box<str>,
    /// Its organization.
    pub organization: Box<str>,
}

/// Who may call a route. A request without a caller never may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    scope: Box<str>,
    sources: Box<[Box<str>]>,
}

impl Policy {
    /// The policy of a registration. A scope or a source that nobody knows lets nobody through.
    #[must_use]
    pub fn new(scope: &str, sources: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self {
            scope: scope.into(),
            sources: sources.into_iter().map(Into::into).collect(),
        }
    }

    /// The scope as registered.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The sources as registered.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| &**source)
    }

    /// Whether the caller may have this endpoint: it is within the scope, seen from the endpoint, and one of the sources.
    /// Endpoints of one route may differ in that, where it is shared between spaces.
    #[must_use]
    pub fn allows(&self, caller: &Caller, endpoint: &Endpoint) -> bool {
        let tag = |name| {
            endpoint
                .tags()
                .and_then(|tags| tags.get(name))
                .unwrap_or_default()
        };
        self.reaches(caller, tag("space_id"), tag("organization_id"))
            && self.sources().any(|source| names(source, caller))
    }

    fn reaches(&self, caller: &Caller, space: &str, organization: &str) -> bool {
        let same = |caller: &str, endpoint: &str| !caller.is_empty() && caller == endpoint;
        match &*self.scope {
            "any" => true,
            "org" => same(&caller.organization, organization),
            "space" => same(&caller.space, space),
            _ => false,
        }
    }
}

/// Whether a source is this caller, or something that it belongs to.
fn names(source: &str, caller: &Caller) -> bool {
    let Some(rest) = source.strip_prefix("cf:") else {
        return false;
    };
    let (guid, own) = match rest.split_once(':') {
        None => return rest == "any",
        Some(("app", guid)) => (guid, &caller.app),
        Some(("space", guid)) => (guid, &caller.space),
        Some(("org", guid)) => (guid, &caller.organization),
        Some(_) => return false,
    };
    !guid.is_empty() && guid == &**own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller {
        Caller {
            app: "app-1".into(),
            space: "space-1".into(),
            organization: "org-1".into(),
        }
    }

    /// D-647: the scope compares the caller with the tags of the chosen endpoint.
    #[test]
    fn a_scope_is_seen_from_the_endpoint() {
        for (scope, space, organization, expected) in [
            ("any", "", "", true),
            ("space", "space-1", "", true),
            ("space", "space-2", "org-1", false),
            ("space", "", "org-1", false),
            ("org", "space-2", "org-1", true),
            ("org", "space-1", "org-2", false),
            ("galaxy", "space-1", "org-1", false),
            ("Any", "space-1", "org-1", false),
            ("", "space-1", "org-1", false),
        ] {
            let policy = Policy::new(scope, ["cf:any"]);
            let reaches = policy.reaches(&caller(), space, organization);
            assert_eq!(reaches, expected, "{scope} {space} {organization}");
        }
        let nobody = Caller::default();
        assert!(!Policy::new("org", ["cf:any"]).reaches(&nobody, "", ""));
        assert!(!Policy::new("space", ["cf:any"]).reaches(&nobody, "", ""));
    }

    /// D-648: any of the sources is enough, and without one there is no way.
    #[test]
    fn a_source_names_an_app_a_space_an_organization_or_all() {
        for (source, expected) in [
            ("cf:any", true),
            ("cf:app:app-1", true),
            ("cf:space:space-1", true),
            ("cf:org:org-1", true),
            ("cf:app:app-2", false),
            ("cf:app:space-1", false),
            ("cf:app:", false),
            ("cf:any:", false),
            ("cf:organization:org-1", false),
            ("app:app-1", false),
            ("any", false),
            ("", false),
        ] {
            assert_eq!(names(source, &caller()), expected, "{source}");
        }
        let anonymous = Caller::default();
        assert!(!names("cf:app:", &anonymous) && !names("cf:org:", &anonymous));
    }
}
