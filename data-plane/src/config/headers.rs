//! The section `headers`.

mod rewrite;

use pointsman_process::configuration::{Check, Validate};
use serde::Deserialize;

pub use rewrite::{Added, Rewrite};

/// What is said in header fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// What becomes of a client's `X-Forwarded-Proto`.
    pub forwarded_proto: ForwardedProto,
    /// What becomes of a client's `X-Forwarded-Client-Cert`.
    pub forwarded_client_cert: ForwardedClientCert,
    /// Names that a client cannot have removed by naming them in `Connection`, beside those that nobody can.
    pub kept_from_connection: Vec<String>,
    /// What a request says in `X-Vcap-Trace` to learn which way it took. Absent: nobody learns it.
    pub trace_key: Option<String>,
    /// What is changed in the heads of answers.
    pub rewrite: Rewrite,
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

/// What becomes of a client's `X-Forwarded-Client-Cert`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedClientCert {
    /// Kept, whoever sent it.
    #[default]
    AlwaysForward,
    /// Kept from a client that has shown a certificate, removed from others.
    Forward,
    /// Replaced by the certificate that the client has shown, removed where it has shown none.
    SanitizeSet,
}

impl Validate for Headers {
    fn validate(&self, check: &mut Check<'_>) {
        if self.trace_key.as_deref() == Some("") {
            check.refuse(
                "trace_key",
                "is empty, so everybody would know it",
                "write a secret word, or leave it out",
            );
        }
        check.within("rewrite", |check| self.rewrite.validate(check));
    }
}

impl Headers {
    pub(super) fn settings(&self) -> crate::Headers {
        crate::Headers {
            forwarded_proto: match self.forwarded_proto {
                ForwardedProto::Keep => crate::ForwardedProto::Keep,
                ForwardedProto::Sanitize => crate::ForwardedProto::Sanitize,
                ForwardedProto::ForceHttps => crate::ForwardedProto::ForceHttps,
            },
            forwarded_client_cert: self.forwarded_client_cert.settings(),
            kept_from_connection: self.kept_from_connection.clone(),
            trace_key: self.trace_key.as_deref().map(Into::into),
            rewrite: self.rewrite.settings(),
            keep_endpoint_router_error: self.keep_endpoint_router_error,
            timeout_is_bad_gateway: self.timeout_is_bad_gateway,
        }
    }
}

impl ForwardedClientCert {
    pub(super) const fn settings(self) -> crate::ForwardedClientCert {
        match self {
            Self::AlwaysForward => crate::ForwardedClientCert::AlwaysForward,
            Self::Forward => crate::ForwardedClientCert::Forward,
            Self::SanitizeSet => crate::ForwardedClientCert::SanitizeSet,
        }
    }
}
