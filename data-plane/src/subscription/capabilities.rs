//! What this data plane can honour beyond the simple route.

use pointsman_proto::v1::Capability;

/// What it claims in its hello. Everything else it rejects by name.
pub const CLAIMED: [Capability; 8] = [
    Capability::TlsEndpoint,
    Capability::LeastConnection,
    Capability::HashBalancing,
    Capability::EndpointLimits,
    Capability::RouteEmptyPool,
    Capability::Policy,
    Capability::RouteTimeouts,
    Capability::RouteService,
];

/// The words for a thing that needs what is not claimed.
pub(super) fn lacks(capability: Capability) -> String {
    format!(
        "it needs {}, which this data plane does not have",
        capability.as_str_name()
    )
}
