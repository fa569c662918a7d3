//! Faults of the process, in its log.

use std::backtrace::Backtrace;
use std::panic::{self, PanicHookInfo};

/// Logs every panic of the process with its place and its stack, beside whatever was done with it before.
pub(super) fn log() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |fault| {
        tell(fault, &Backtrace::force_capture());
        before(fault);
    }));
}

fn tell(fault: &PanicHookInfo<'_>, stack: &Backtrace) {
    let error = fault.payload_as_str().unwrap_or("of another kind");
    let place = fault.location().map(ToString::to_string);
    tracing::error!(
        error,
        place = place.as_deref().unwrap_or_default(),
        %stack,
        "panic"
    );
}
