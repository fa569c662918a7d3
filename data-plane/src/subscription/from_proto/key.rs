//! Route keys.

use pointsman_proto::v1;
use pointsman_proto::v1::route_key;
use pointsman_route_key::{Host, Path, RouteKey, lowercase};

/// A key as it was sent.
///
/// # Errors
///
/// What makes it no canonical key, in words.
pub(crate) fn key(key: Option<&v1::RouteKey>) -> Result<RouteKey, String> {
    let key = key.ok_or("it names no route")?;
    let host = match key.host.as_ref().ok_or("its route names no host")? {
        route_key::Host::ExactHost(host) => Host::Exact(host_text(host)?),
        route_key::Host::HostSuffix(suffix) => Host::Suffix(host_text(suffix)?),
        route_key::Host::AnyHost(v1::AnyHost {}) => Host::Any,
    };
    let path = match key.path.as_ref().ok_or("its route names no path")? {
        route_key::Path::PathPrefix(path) => Path::Prefix(path_text(path, true)?),
        route_key::Path::ExactPath(path) => Path::Exact(path_text(path, true)?),
        route_key::Path::PathTemplate(path) => Path::Template(path_text(path, false)?),
    };
    Ok(RouteKey { host, path })
}

fn host_text(text: &str) -> Result<Box<str>, String> {
    if text.is_empty() {
        return Err("the host of its route is empty".to_owned());
    }
    if text.contains('/') || *lowercase(text) != *text {
        return Err(format!(
            "the host {text:?} of its route is not canonical: lower case without a slash"
        ));
    }
    Ok(text.into())
}

/// The names in a template may be in upper case.
fn path_text(text: &str, lower: bool) -> Result<Box<str>, String> {
    let rooted = text.is_empty() || text.starts_with('/');
    if !rooted || text.contains('?') || (lower && *lowercase(text) != *text) {
        return Err(format!(
            "the path {text:?} of its route is not canonical: lower case, from a slash on, \
             without a query"
        ));
    }
    Ok(text.into())
}
