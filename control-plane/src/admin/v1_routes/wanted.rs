//! What a client wants to see of the routes.

use pointsman_registry::{EndpointListing, RouteListing};
use pointsman_route_key::{Host, RouteKey, lowercase};
use serde::Deserialize;

use crate::admin::named;

/// Routes of one page, where the client does not say.
const PAGE: usize = 1000;

/// Routes of one page at most.
const MAX_PAGE: usize = 10_000;

/// The names of everything below, for who has misspelt one.
pub(super) const KNOWN: &str = "known are uri, after, limit, host, app, segment, source and stale";

/// The query, as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Wanted {
    /// Only the route of this URI.
    uri: Option<String>,
    /// Only routes after this one, as `next` of the page before names it.
    after: Option<String>,
    /// Routes of this page.
    limit: Option<usize>,
    /// Only routes of this host, as it is registered.
    host: Option<String>,
    /// Only endpoints of this app.
    app: Option<String>,
    /// Only what is in this isolation segment; empty or a dash for the shared one.
    segment: Option<String>,
    /// Only endpoints that this source has said.
    source: Option<String>,
    /// Only endpoints that were, or were not, heard within their threshold.
    stale: Option<bool>,
}

/// A page that can be given.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) only: Option<RouteKey>,
    pub(super) after: Option<RouteKey>,
    pub(super) limit: usize,
    pub(super) filter: Filter,
}

/// What is shown of all that there is. Everything that is named has to be so, of one and the same endpoint.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    host: Option<Host>,
    app: Option<String>,
    segment: Option<String>,
    source: Option<String>,
    stale: Option<bool>,
}

impl Wanted {
    pub(super) fn check(self) -> Result<Page, String> {
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(format!("limit is {limit}; expected 1 to {MAX_PAGE}"));
        }
        let only = self.uri.as_ref().map(|uri| named::route("uri", uri));
        let after = self.after.as_ref().map(|uri| named::route("after", uri));
        let segment = |name: String| if name == "-" { String::new() } else { name };
        Ok(Page {
            only: only.transpose()?,
            after: after.transpose()?,
            limit,
            filter: Filter {
                host: self.host.as_deref().map(host).transpose()?,
                app: self.app,
                segment: self.segment.map(segment),
                source: self.source,
                stale: self.stale,
            },
        })
    }
}

/// A host as `/routes` spells it: a name, `*.` and a suffix, or `*` for the routes of every host.
fn host(spelled: &str) -> Result<Host, String> {
    let lower = lowercase(spelled);
    if lower.is_empty() || lower.contains('/') {
        return Err(format!(
            "host is `{spelled}`; expected a host without a path"
        ));
    }
    if lower != "*" {
        named::route("host", spelled)?;
    }
    Ok(match lower.strip_prefix("*.") {
        Some(suffix) if !suffix.is_empty() => Host::Suffix(suffix.into()),
        _ if &*lower == "*" => Host::Any,
        _ => Host::Exact(lower.into()),
    })
}

impl Filter {
    /// Whether what is shown depends on the time, and not on changes alone.
    pub(super) fn looks_at_time(&self) -> bool {
        self.stale.is_some()
    }

    /// Whether every route is shown.
    pub(super) fn shows_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a route may be shown, by its name.
    pub(super) fn may_show(&self, key: &RouteKey) -> bool {
        self.host.as_ref().is_none_or(|host| *host == key.host)
    }

    /// Leaves of a route what is to be shown. Whether it is to be shown at all: a route without endpoints is, where none
    /// is asked for.
    pub(super) fn apply(&self, route: &mut RouteListing) -> bool {
        if let Some(segment) = &self.segment {
            route.attributes.retain(|it| *it.segment == **segment);
        }
        let had_endpoints = !route.endpoints.is_empty();
        route.endpoints.retain(|listed| self.shows(listed));
        let asks_for_endpoints =
            self.app.is_some() || self.source.is_some() || self.stale.is_some();
        if route.endpoints.is_empty() && (asks_for_endpoints || had_endpoints) {
            return false;
        }
        !route.attributes.is_empty()
    }

    fn shows(&self, listed: &EndpointListing) -> bool {
        let endpoint = &listed.endpoint;
        let is = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| *wanted == *text)
        };
        is(&self.app, endpoint.description.app_id())
            && is(&self.segment, &endpoint.segment)
            && is(&self.source, &listed.source)
            && self.stale.is_none_or(|stale| stale == is_stale(listed))
    }
}

/// Whether an endpoint was not heard for its threshold.
fn is_stale(listed: &EndpointListing) -> bool {
    let seconds = listed.endpoint.stale_threshold_seconds;
    let over = u64::try_from(seconds).map_or(true, |most| listed.last_heard.as_secs() >= most);
    listed.endpoint.silent
        || listed.held
        || (over && listed.ageing == pointsman_registry::Ageing::Goes)
}
