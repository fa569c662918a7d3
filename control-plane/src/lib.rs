//! The service around the registry: sources, distribution, admin.

pub mod admin;
pub mod app;
pub mod config;
pub mod distribution;
pub mod registry_task;
pub mod route_uri;
pub mod sources;
