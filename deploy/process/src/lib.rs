//! What every process of ours has: configuration errors, telemetry, readiness, signals and drain, reloaded TLS files.
