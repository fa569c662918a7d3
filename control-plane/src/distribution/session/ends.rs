//! Why the control plane ends a session, as the data plane is told.

use tonic::Status;
use tonic::metadata::MetadataValue;

/// The metadata that says why a session ends though nothing is wrong.
const REASON: &str = "pointsman-reason";

/// The session has lasted long enough: the data plane chooses anew whom it follows.
pub(in crate::distribution) fn aged() -> Status {
    with_reason(
        "the session has reached its greatest age; nothing is wrong",
        "age",
    )
}

/// The control plane ends.
pub(in crate::distribution) fn leaving() -> Status {
    with_reason("the control plane is ending", "leaving")
}

fn with_reason(message: &str, reason: &'static str) -> Status {
    let mut status = Status::unavailable(message);
    status
        .metadata_mut()
        .insert(REASON, MetadataValue::from_static(reason));
    status
}
