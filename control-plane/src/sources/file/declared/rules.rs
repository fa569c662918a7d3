//! What a route does with its requests and responses.

use std::sync::Arc;
use std::time::Duration;

use pointsman_process::configuration::Interval;
use pointsman_registry as registry;
use pointsman_registry::{Filter, HeaderField, HeaderFilter, Options, PathRewrite};

use super::super::form::{Algorithm, Balancing, Headers, Rewrite, Rules, Timeouts};
use super::Refuse;

/// What belongs to one connection, or says where a message ends; no data plane would take a filter that names it.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What data planes say to endpoints themselves.
const OURS_IN_REQUESTS: [&str; 12] = [
    "host",
    "proxy",
    "x-cf-app-instance",
    "x-cf-applicationid",
    "x-cf-instanceid",
    "x-cf-instanceindex",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-pointsman-hops",
    "x-request-start",
    "x-vcap-request-id",
];

/// What data planes say to clients themselves.
const OURS_IN_RESPONSES: [&str; 3] = [
    "x-cf-proxy-signature",
    "x-cf-routererror",
    "x-vcap-request-id",
];

/// The most header fields that a filter names (L-03): what data planes are sent of one route has to fit into a message.
const MOST_FIELDS: usize = 128;

/// The longest path or host of a rewrite, and the longest name and value of a header field, in bytes.
const LONGEST: usize = 2048;

impl Rules {
    /// The attributes of the route; `None` where something is wrong with them.
    pub(super) fn options(
        &self,
        strip_prefix: bool,
        (key, refuse): (&str, Refuse<'_>),
    ) -> Option<Options> {
        let mut sound = true;
        let key = format!("{key}.rules");
        let mut refuse = |part: &str, what: String, hint: &str| {
            sound = false;
            refuse(&format!("{key}.{part}"), what, hint.to_owned());
        };
        let rules = registry::Rules {
            filters: self.filters(strip_prefix, &mut refuse),
            timeouts: self.timeouts.times(&mut refuse),
            max_attempts: self.attempts.most,
            repeatable: self.attempts.repeatable,
            // Whoever declares a route means it to be there.
            empty_status: Some(self.empty_status.unwrap_or(503)),
        };
        if self.attempts.most == Some(0) {
            refuse(
                "attempts.most",
                "is 0".to_owned(),
                "write 1 or more, or leave it out",
            );
        }
        if !matches!(self.empty_status, None | Some(404 | 503)) {
            refuse(
                "empty_status",
                "is neither 404 nor 503".to_owned(),
                "write one of them",
            );
        }
        let url = &self.route_service_url;
        if !url.is_empty() && (!url.starts_with("https://") || url.len() > LONGEST) {
            refuse(
                "route_service_url",
                format!("`{url}` is no route service"),
                "write https://HOST/PATH",
            );
        }
        let balancing = self.balancing.as_ref();
        let balancing = balancing.and_then(|said| said.balancing(&mut refuse));
        sound.then(|| Options {
            route_service_url: url.as_str().into(),
            balancing,
            policy: None,
            rules: Some(Arc::new(rules)),
        })
    }

    fn filters(&self, strip_prefix: bool, refuse: Wrong<'_>) -> Vec<Filter> {
        let mut filters = Vec::new();
        let rewrite = match &self.rewrite {
            Some(rewrite) => rewrite.rewritten(strip_prefix, refuse),
            None => strip_prefix.then(|| registry::Rewrite {
                host: "".into(),
                path: PathRewrite::Prefix("".into()),
            }),
        };
        filters.extend(rewrite.map(Filter::Rewrite));
        let requests = self.request_headers.filter();
        if let Some(filter) = requests {
            let ours = &OURS_IN_REQUESTS;
            self.request_headers
                .check(("request_headers", ours), refuse);
            filters.push(Filter::RequestHeaders(filter));
        }
        if let Some(filter) = self.response_headers.filter() {
            let ours = &OURS_IN_RESPONSES;
            self.response_headers
                .check(("response_headers", ours), refuse);
            filters.push(Filter::ResponseHeaders(filter));
        }
        filters
    }
}

/// Where problems of rules are told.
type Wrong<'a> = &'a mut dyn FnMut(&str, String, &str);

impl Rewrite {
    fn rewritten(&self, strip_prefix: bool, refuse: Wrong<'_>) -> Option<registry::Rewrite> {
        let paths = [&self.prefix, &self.path];
        if paths.iter().filter(|path| path.is_some()).count() + usize::from(strip_prefix) > 1 {
            refuse(
                "rewrite",
                "says more than once what becomes of the path".to_owned(),
                "write one of strip_prefix, prefix and path",
            );
            return None;
        }
        for (key, path) in [
            ("rewrite.prefix", &self.prefix),
            ("rewrite.path", &self.path),
        ] {
            let Some(path) = path else { continue };
            let may_be_empty = key == "rewrite.prefix" && path.is_empty();
            let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
            let sound = path.starts_with('/') && visible && !path.contains(['?', '#']);
            if path.len() > LONGEST || !(sound || may_be_empty) {
                let hint = "write it from a slash on, escaped, without a query";
                refuse(key, format!("`{path}` is no path"), hint);
            }
        }
        let host = self.host.as_deref().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let length = 1..=LONGEST;
        if self.host.is_some() && !(length.contains(&host.len()) && host.bytes().all(plain)) {
            let hint = "write HOST or HOST:PORT, or leave it out";
            refuse("rewrite.host", format!("`{host}` is no host"), hint);
        }
        Some(registry::Rewrite {
            host: host.into(),
            path: match (&self.prefix, &self.path) {
                (Some(prefix), _) => PathRewrite::Prefix(prefix.as_str().into()),
                (None, Some(path)) => PathRewrite::Full(path.as_str().into()),
                (None, None) if strip_prefix => PathRewrite::Prefix("".into()),
                (None, None) => PathRewrite::Keep,
            },
        })
    }
}

impl Headers {
    fn filter(&self) -> Option<HeaderFilter> {
        let field = |(name, value): (&String, &String)| HeaderField {
            name: name.as_str().into(),
            value: value.as_str().into(),
        };
        let filter = HeaderFilter {
            remove: self
                .remove
                .iter()
                .map(|name| name.as_str().into())
                .collect(),
            set: self.set.iter().map(field).collect(),
            add: self.add.iter().map(field).collect(),
        };
        (filter != HeaderFilter::default()).then_some(filter)
    }

    fn check(&self, (key, ours): (&str, &[&str]), refuse: Wrong<'_>) {
        let count = self.remove.len() + self.set.len() + self.add.len();
        if count > MOST_FIELDS {
            let what = format!("names {count} header fields, more than {MOST_FIELDS}");
            refuse(key, what, "leave some of them out");
        }
        let removed = self.remove.iter().map(|name| (name, ""));
        let written = self.set.iter().chain(&self.add);
        let written = written.map(|(name, value)| (name, value.as_str()));
        for (name, value) in removed.chain(written) {
            let lower = name.to_ascii_lowercase();
            let (what, hint) = if OF_THE_CONNECTION.contains(&&*lower) || ours.contains(&&*lower) {
                (
                    format!("names `{name}`, which the router writes itself"),
                    "leave it out",
                )
            } else if !is_token(name) {
                (
                    format!("names `{name}`, which is no header field"),
                    "write it as it is sent, as X-Name",
                )
            } else if !is_value(value) {
                (
                    format!("gives `{name}` a value that no header field can have"),
                    "write one line without blanks at its ends",
                )
            } else {
                continue;
            };
            refuse(key, what, hint);
        }
    }
}

fn is_token(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=256).contains(&name.len()) && name.bytes().all(token)
}

fn is_value(value: &str) -> bool {
    let control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    value.len() <= LONGEST
        && !value.bytes().any(control)
        && value.trim_matches([' ', '\t']).len() == value.len()
}

impl Timeouts {
    fn times(&self, refuse: Wrong<'_>) -> registry::Timeouts {
        let mut time = |key: &str, given: Option<Interval>| {
            let time = given.map(Duration::from);
            if time.is_some_and(|time| time.is_zero()) {
                let hint = "write a time such as 30s, or leave it out";
                refuse(&format!("timeouts.{key}"), "is nothing".to_owned(), hint);
            }
            time
        };
        registry::Timeouts {
            request: time("request", self.request),
            attempt: time("attempt", self.attempt),
            idle: time("idle", self.idle),
        }
    }
}

impl Balancing {
    fn balancing(&self, refuse: Wrong<'_>) -> Option<registry::Balancing> {
        let hashed = self.algorithm == Algorithm::Hash;
        if hashed == self.hash_header.is_empty() {
            let (what, hint) = if hashed {
                ("is missing", "name the request header field to hash")
            } else {
                ("stands beside another algorithm than hash", "leave it out")
            };
            refuse("balancing.hash_header", what.to_owned(), hint);
            return None;
        }
        if hashed && !is_token(&self.hash_header) {
            let hint = "name the request header field to hash";
            refuse(
                "balancing.hash_header",
                "is no header field".to_owned(),
                hint,
            );
            return None;
        }
        if !self.hash_balance.is_finite() || self.hash_balance < 0.0 {
            let hint = "write 0 for none, or a factor such as 1.25";
            refuse("balancing.hash_balance", "is no factor".to_owned(), hint);
            return None;
        }
        Some(registry::Balancing {
            algorithm: match self.algorithm {
                Algorithm::RoundRobin => registry::Algorithm::RoundRobin,
                Algorithm::LeastConnection => registry::Algorithm::LeastConnection,
                Algorithm::Hash => registry::Algorithm::Hash,
            },
            hash_header: self.hash_header.as_str().into(),
            hash_balance: self.hash_balance,
        })
    }
}
