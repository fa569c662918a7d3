//! The section `tracing`.

use pointsman_process::configuration::{Check, Validate};
use serde::Deserialize;

use crate::VendorKey;

/// Which traces are kept going; without the headers of one on a request, it begins here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tracing {
    /// Those of Zipkin: `b3`, `X-B3-TraceId`, `X-B3-SpanId`.
    pub b3: bool,
    /// Those of W3C: `traceparent` and `tracestate`.
    pub w3c: bool,
    /// The tenant in our key of `tracestate`: `tenant@gorouter`. Absent: `gorouter`.
    pub tenant: String,
}

impl Validate for Tracing {
    fn validate(&self, check: &mut Check<'_>) {
        if VendorKey::of_tenant(&self.tenant).is_none() {
            check.refuse(
                "tenant",
                "cannot stand in a tracestate",
                "write letters and digits",
            );
        }
        if !self.tenant.is_empty() && !self.w3c {
            check.refuse(
                "tenant",
                "is used by nothing",
                "add `w3c: true`, or leave it out",
            );
        }
    }
}

impl Tracing {
    /// The traces that are kept going, if there are any.
    pub(super) fn settings(&self) -> Option<crate::Tracing> {
        let tracing = crate::Tracing {
            b3: self.b3,
            // Validation has seen to the tenant.
            w3c: self
                .w3c
                .then(|| VendorKey::of_tenant(&self.tenant))
                .flatten(),
        };
        (tracing.b3 || tracing.w3c.is_some()).then_some(tracing)
    }
}
