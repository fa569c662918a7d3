//! What this data plane can honour beyond the simple route.

use pointsman_proto::v1::Capability;

/// What every data plane of this release claims in its hello; one whose listeners serve routes of every host claims
/// [`Capability::AnyHost`] as well. Everything else is rejected by name.
pub const CLAIMED: [Capability; 12] = [
    Capability::TlsEndpoint,
    Capability::Http2Endpoint,
    Capability::LeastConnection,
    Capability::HashBalancing,
    Capability::EndpointLimits,
    Capability::RouteEmptyPool,
    Capability::Policy,
    Capability::HeaderFilter,
    Capability::Rewrite,
    Capability::RouteTimeouts,
    Capability::RouteService,
    Capability::Repeatable,
];

/// The words for a thing that needs what is not claimed.
pub(super) fn lacks(capability: Capability) -> String {
    format!(
        "it needs {}, which this data plane does not have",
        capability.as_str_name()
    )
}
