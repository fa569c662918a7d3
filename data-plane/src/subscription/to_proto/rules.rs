//! What routes do with their requests and responses, in the words of the contract.
//!
//! Each change of a header field becomes a filter of its own: that says the same as those that were sent, in their order.

use pointsman_proto::v1::{self, filter, rewrite};
use pointsman_routing::{HeaderEdit, PathRewrite, Rewrite, Rules};

/// Puts the rules into the message of their route.
pub(super) fn put(rules: &Rules, route: &mut v1::Route) {
    let requests = rules.request.iter().map(edit);
    let responses = rules.response.iter().map(edit);
    let filters = requests
        .map(filter::Kind::RequestHeaders)
        .chain(responses.map(filter::Kind::ResponseHeaders))
        .chain(rules.rewrite.as_ref().map(rewritten));
    route.filters = filters
        .map(|kind| v1::Filter { kind: Some(kind) })
        .collect();
    if rules.max_attempts.is_some() || rules.repeatable {
        route.retry_policy = Some(v1::RetryPolicy {
            max_attempts: rules.max_attempts.map_or(0, Into::into),
            repeatable: rules.repeatable,
            ..v1::RetryPolicy::default()
        });
    }
}

fn edit(edit: &HeaderEdit) -> v1::HeaderFilter {
    let field = |name: &str, value: &[u8]| {
        vec![v1::HeaderField {
            name: name.to_owned(),
            value: value.into(),
        }]
    };
    let mut filter = v1::HeaderFilter::default();
    match edit {
        HeaderEdit::Remove(name) => filter.remove = vec![name.to_string()],
        HeaderEdit::Set(name, value) => filter.set = field(name, value),
        HeaderEdit::Add(name, value) => filter.add = field(name, value),
    }
    filter
}

fn rewritten(said: &Rewrite) -> filter::Kind {
    filter::Kind::Rewrite(v1::Rewrite {
        host: said.host.as_deref().unwrap_or_default().to_owned(),
        path: match &said.path {
            PathRewrite::Keep => None,
            PathRewrite::Full(path) => Some(rewrite::Path::FullPath(path.to_string())),
            PathRewrite::Prefix(path) => Some(rewrite::Path::Prefix(path.to_string())),
        },
    })
}
