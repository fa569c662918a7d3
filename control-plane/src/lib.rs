//! The service around the registry: sources, distribution, admin.

pub mod distribution;
pub mod registry_task;
