//! One line of the log for every write, whoever asked for it and whatever came of it.
//!
//! The lines have a target of their own, which no level turns off: an operator who silences the log leaves a trace of
//! that, and of everything that follows.

use pointsman_process::telemetry::AUDIT;
use serde_json::Value;

use crate::access::Caller;

/// Writes down an act: who, what, how it was before, and how it is since then, or why it was refused.
///
/// `act` names it, as `log-level-changed`; the line carries it as its message.
pub fn record(
    Caller(user): &Caller,
    act: &str,
    before: &Value,
    after: Result<&Value, &dyn std::fmt::Display>,
) {
    match after {
        Ok(after) => tracing::info!(
            target: AUDIT,
            component = "admin",
            user,
            before.json = before.to_string(),
            after.json = after.to_string(),
            "{act}"
        ),
        Err(refused) => tracing::info!(
            target: AUDIT,
            component = "admin",
            user,
            before.json = before.to_string(),
            refused = %refused,
            "{act}"
        ),
    }
}
