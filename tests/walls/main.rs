//! The rules of who may know whom that cargo cannot express, as tests over manifests and sources.
//!
//! The README names the rules. What cargo does express, the missing edge between two packages, is checked here as
//! well: an edge is one line in a manifest, and nobody would see it.

mod manifests;
mod modules;
mod sources;

use std::path::PathBuf;

/// The root of the workspace.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
