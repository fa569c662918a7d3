//! The service around the registry: sources, distribution, admin.

pub mod sources;
