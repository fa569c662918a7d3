//! What routes do with their requests and responses.

use std::num::NonZeroU32;

use pointsman_http1::{Fields, InvalidField, Known, KnownSet, Name, RequestHead};
use pointsman_proto::v1::{self, Capability, filter, rewrite};
use pointsman_routing::{HeaderEdit, PathRewrite, Rewrite, Rules};

use crate::subscription::capabilities::lacks;

/// What belongs to one connection, or says where a message ends, or what becomes of the body.
const OF_THE_CONNECTION: KnownSet = KnownSet::of(&[
    Known::Connection,
    Known::ContentLength,
    Known::Expect,
    Known::KeepAlive,
    Known::ProxyConnection,
    Known::Te,
    Known::Trailer,
    Known::TransferEncoding,
    Known::Upgrade,
]);

/// What the router says to endpoints itself, so that no filter could say otherwise.
const OURS_IN_REQUESTS: KnownSet = OF_THE_CONNECTION.union(KnownSet::of(&[
    Known::Host,
    Known::Proxy,
    Known::XCfApplicationId,
    Known::XCfAppInstance,
    Known::XCfInstanceId,
    Known::XCfInstanceIndex,
    Known::XForwardedClientCert,
    Known::XForwardedFor,
    Known::XForwardedProto,
    Known::XRequestStart,
    Known::XVcapRequestId,
]));

/// What the router says to clients itself.
const OURS_IN_RESPONSES: KnownSet = OF_THE_CONNECTION.union(KnownSet::of(&[
    Known::XCfProxySignature,
    Known::XCfRouterError,
    Known::XVcapRequestId,
]));

/// The rules of a route, where it has any.
pub(super) fn rules(route: &v1::Route) -> Result<Option<Rules>, String> {
    let mut rules = Rules::default();
    let (mut request, mut response) = (Vec::new(), Vec::new());
    for filter in &route.filters {
        match &filter.kind {
            Some(filter::Kind::RequestHeaders(said)) => {
                edit(&mut request, said, OURS_IN_REQUESTS)?;
            }
            Some(filter::Kind::ResponseHeaders(said)) => {
                edit(&mut response, said, OURS_IN_RESPONSES)?;
            }
            Some(filter::Kind::Rewrite(said)) => {
                if rules.rewrite.replace(rewritten(said)?).is_some() {
                    return Err("it rewrites twice".to_owned());
                }
            }
            Some(filter::Kind::Cors(_)) => return Err(lacks(Capability::Cors)),
            Some(filter::Kind::Redirect(_)) => return Err(lacks(Capability::Redirect)),
            // One that this release does not know is one that it lacks; the name says the most that
            // can be said.
            None => return Err(lacks(Capability::HeaderFilter)),
        }
    }
    rules.request = request.into();
    rules.response = response.into();
    if let Some(said) = &route.retry_policy {
        if !said.statuses.is_empty() || said.backoff.is_some() {
            return Err(lacks(Capability::RetryPolicy));
        }
        rules.max_attempts = NonZeroU32::new(said.max_attempts);
        rules.repeatable = said.repeatable;
    }
    Ok((rules != Rules::default()).then_some(rules))
}

fn edit(
    edits: &mut Vec<HeaderEdit>,
    said: &v1::HeaderFilter,
    ours: KnownSet,
) -> Result<(), String> {
    let written = |field: &v1::HeaderField| {
        checked(&field.name, &field.value, ours)?;
        Ok::<_, String>((field.name.as_str().into(), field.value.as_slice().into()))
    };
    for name in &said.remove {
        checked(name, b"", ours)?;
        edits.push(HeaderEdit::Remove(name.as_str().into()));
    }
    for field in &said.set {
        let (name, value) = written(field)?;
        edits.push(HeaderEdit::Set(name, value));
    }
    for field in &said.add {
        let (name, value) = written(field)?;
        edits.push(HeaderEdit::Add(name, value));
    }
    Ok(())
}

/// Whether a filter may name this field, and whether it could be written.
fn checked(name: &str, value: &[u8], ours: KnownSet) -> Result<(), String> {
    let known = Name::from(name).known();
    // The count of ways back has no place among the known names.
    let is_count = name.eq_ignore_ascii_case("x-pointsman-hops");
    if is_count || known != Known::Other && ours.contains(known) {
        return Err(format!(
            "a filter names the header field {name:?}, which is the router's own"
        ));
    }
    let written = Fields::new().push(name, value);
    written.map_err(|invalid: InvalidField| {
        format!("a filter names the header field {name:?}: the {invalid}")
    })
}

fn rewritten(said: &v1::Rewrite) -> Result<Rewrite, String> {
    let host = match said.host.as_str() {
        "" => None,
        host => {
            let valid = RequestHead::new().set_authority(host.as_bytes()).is_ok();
            if !valid {
                return Err(format!("it rewrites the host to {host:?}, which is none"));
            }
            Some(host.into())
        }
    };
    let path = match &said.path {
        None => PathRewrite::Keep,
        Some(rewrite::Path::FullPath(path)) => PathRewrite::Full(path_text(path)?.into()),
        Some(rewrite::Path::Prefix(path)) => match path.trim_end_matches('/') {
            "" => PathRewrite::Prefix("".into()),
            path => PathRewrite::Prefix(path_text(path)?.into()),
        },
    };
    Ok(Rewrite { host, path })
}

/// A path as it stands in a request target.
fn path_text(path: &str) -> Result<&str, String> {
    let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
    if path.starts_with('/') && visible && !path.contains(['?', '#']) {
        return Ok(path);
    }
    Err(format!(
        "it rewrites the path to {path:?}; expected one from a slash on, escaped, without a query"
    ))
}
