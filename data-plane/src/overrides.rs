//! What an operator puts over the rules of this data plane for a while: the kill switches.
//!
//! They work without a control plane, through the admin API of the data plane itself, and count for this process only.
//! Each has somebody who answers for it, a reason, and an end. They are kept in memory: a restart ends them, and a
//! successor that takes over the listeners begins without any.

mod bounds;
mod effect;
mod standing;
mod switches;

pub(crate) use bounds::{Bounds, Limit};
pub(crate) use effect::{Effect, ServiceName};
pub(crate) use standing::{Generations, NewOverride, Override, Overrides, Refused};
pub(crate) use switches::Serving;
pub use switches::Switches;
