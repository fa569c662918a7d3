//! A route that a source declares by itself, with or without endpoints.

use std::sync::Arc;

use crate::options::Options;
use crate::registration::Uri;

/// A route that is there because its source says so: while it stands it needs no endpoint, and what it says about the
/// route counts more than what endpoints say.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The route.
    pub uri: Uri,
    /// The isolation segment; empty for the shared one.
    pub segment: Arc<str>,
    /// The attributes of the route.
    pub options: Arc<Options>,
}
