//! The section `headers`.

use serde::Deserialize;

/// What is said in header fields.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// What becomes of a client's `X-Forwarded-Proto`.
    pub forwarded_proto: ForwardedProto,
    /// Whether an endpoint's own `X-Cf-RouterError` passes, as in Gorouter.
    pub keep_endpoint_router_error: bool,
    /// Whether an endpoint that does not answer in time is a 502, as in Gorouter, and not a 504.
    pub timeout_is_bad_gateway: bool,
}

/// What becomes of a client's `X-Forwarded-Proto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedProto {
    /// Kept where the client sent one.
    #[default]
    Keep,
    /// Replaced by the scheme of the connection.
    Sanitize,
    /// Always `https`.
    ForceHttps,
}

impl Headers {
    pub(super) const fn settings(self) -> crate::Headers {
        crate::Headers {
            forwarded_proto: match self.forwarded_proto {
                ForwardedProto::Keep => crate::ForwardedProto::Keep,
                ForwardedProto::Sanitize => crate::ForwardedProto::Sanitize,
                ForwardedProto::ForceHttps => crate::ForwardedProto::ForceHttps,
            },
            keep_endpoint_router_error: self.keep_endpoint_router_error,
            timeout_is_bad_gateway: self.timeout_is_bad_gateway,
        }
    }
}
