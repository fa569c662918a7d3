//! The section `compatibility`: where this data plane does as Gorouter and not as it would by itself.

use serde::Deserialize;

/// Old ways. Each is off unless it is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Compatibility {
    /// A request counts for `limits.endpoint_connections` and for least connection only until the head of its response
    /// has come, and not until its body or tunnel has ended.
    pub max_conns_until_response_head: bool,
}
