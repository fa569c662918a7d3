//! What every process of ours has, each thing once: configuration that is read with errors worth reading, logs,
//! readiness, signals and drain, certificates that are reloaded, the convention around metrics, the
//! document of a component for collectors, the wall clock, and the allocator.
//!
//! The control plane, the data plane and the standalone binary build on it. It never knows what they do: no route,
//! no request and no message of theirs appears here, but for the names of figures that
//! they hand in for [`varz`].

pub mod configuration;
pub mod memory;
pub mod metrics;
pub mod readiness;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod varz;
pub mod wall_clock;
