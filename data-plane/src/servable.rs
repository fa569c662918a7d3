//! Whether there is a table that may be served, for those who are not to know where it comes from.

use std::fmt;
use std::sync::Arc;

/// Whether there is a table that may be served; asked whenever a client wants to know.
#[derive(Clone)]
pub struct Servable(Arc<dyn Fn() -> bool + Send + Sync>);

impl Servable {
    /// What this says whenever it is asked.
    pub fn new(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Whether there is one now.
    pub(crate) fn now(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Servable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Servable").field(&self.now()).finish()
    }
}
