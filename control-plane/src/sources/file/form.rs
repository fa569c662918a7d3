//! The form of a route file: its keys, and what each of them means.

use std::collections::BTreeMap;

use pointsman_process::configuration::Interval;
use serde::Deserialize;

/// A file as a whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteFile {
    /// Routes, one by one.
    pub(super) routes: Vec<Route>,
    /// A catalogue: services by name, their versions by name, and where each version listens.
    pub(super) services: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// How the services of this file are served.
    pub(super) catalogue: Catalogue,
}

/// How services are served: under `/{name}/{version}` of every host, with that prefix stripped, unless it says otherwise.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Catalogue {
    /// The host, in which `{name}` and `{version}` may stand; `*` for every host.
    pub(super) host: String,
    /// The path, in which they may stand too.
    pub(super) path: String,
    /// Whether the endpoints see the path without that.
    pub(super) strip_prefix: bool,
    /// The isolation segment; empty for the shared one.
    pub(super) segment: String,
    /// What is done with requests and responses.
    pub(super) rules: Rules,
    /// What all instances of these services have in common.
    pub(super) instances: Instance,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            host: "*".to_owned(),
            path: "/{name}/{version}".to_owned(),
            strip_prefix: true,
            segment: String::new(),
            rules: Rules::default(),
            instances: Instance::default(),
        }
    }
}

/// One route.
#[derive(Debug, Deserialize)]
pub(super) struct Route {
    /// The host, as `app.example.com`, `*.example.com`, or `*` for every host.
    pub(super) host: String,
    /// The path and what is below it.
    #[serde(default)]
    pub(super) path: String,
    /// Whether the endpoints see the path without that.
    #[serde(default)]
    pub(super) strip_prefix: bool,
    /// The isolation segment; empty for the shared one.
    #[serde(default)]
    pub(super) segment: String,
    /// What is done with requests and responses.
    #[serde(default)]
    pub(super) rules: Rules,
    /// Where it leads, as `HOST:PORT`.
    #[serde(default)]
    pub(super) endpoints: Vec<String>,
    /// The same, with what is known of each.
    #[serde(default)]
    pub(super) instances: Vec<Instance>,
}

/// What is done with the requests and responses of a route.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rules {
    /// Where requests seem to go.
    pub(super) rewrite: Option<Rewrite>,
    /// What is done to the header fields of requests.
    pub(super) request_headers: Headers,
    /// What is done to the header fields of responses.
    pub(super) response_headers: Headers,
    /// How long things may take.
    pub(super) timeouts: Timeouts,
    /// How often a request is tried.
    pub(super) attempts: Attempts,
    /// How an endpoint is chosen.
    pub(super) balancing: Option<Balancing>,
    /// The route service that requests visit first.
    pub(super) route_service_url: String,
    /// What a request gets while there is no endpoint: 503, or 404.
    pub(super) empty_status: Option<u16>,
}

/// Where requests seem to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rewrite {
    /// The host that endpoints are told.
    pub(super) host: Option<String>,
    /// What takes the place of the path of the route.
    pub(super) prefix: Option<String>,
    /// What takes the place of the whole path.
    pub(super) path: Option<String>,
}

/// What is done to header fields, in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    /// Names that are removed.
    pub(super) remove: Vec<String>,
    /// Fields that replace all of the same name.
    pub(super) set: BTreeMap<String, String>,
    /// Fields beside others of the same name.
    pub(super) add: BTreeMap<String, String>,
}

/// How long things may take.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timeouts {
    /// A request, attempts included.
    pub(super) request: Option<Interval>,
    /// One attempt until the head of its response.
    pub(super) attempt: Option<Interval>,
    /// Between two bytes of a stream.
    pub(super) idle: Option<Interval>,
}

/// How often a request is tried.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attempts {
    /// The most attempts, the first one included.
    pub(super) most: Option<u32>,
    /// Whether any request may be sent twice, whatever its method.
    pub(super) repeatable: bool,
}

/// How an endpoint is chosen.
#[derive(Debug, Deserialize)]
pub(super) struct Balancing {
    /// The algorithm.
    pub(super) algorithm: Algorithm,
    /// The request header field that is hashed.
    #[serde(default)]
    pub(super) hash_header: String,
    /// The load, relative to the mean, above which a hashed choice moves on; 0 for any.
    #[serde(default)]
    pub(super) hash_balance: f64,
}

/// A way of choosing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Algorithm {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest requests in flight.
    LeastConnection,
    /// By the hash of a request header field.
    Hash,
}

/// An endpoint with what is known of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Instance {
    /// Where it listens, as `HOST:PORT`.
    pub(super) address: String,
    /// How it is known over TLS; absent: it is reached in clear text.
    pub(super) tls: Option<Tls>,
    /// The protocol: `http1` or `http2`.
    pub(super) protocol: Protocol,
    /// The app.
    pub(super) app_id: String,
    /// The instance.
    pub(super) instance_id: String,
    /// The index of the instance.
    pub(super) instance_index: String,
    /// The availability zone.
    pub(super) availability_zone: String,
    /// Tags for metrics and logs.
    pub(super) tags: BTreeMap<String, String>,
}

/// How an endpoint is known over TLS.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls {
    /// The name that must stand in its certificate; empty: any name under the trusted authorities.
    pub(super) server_cert_domain_san: String,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
}
