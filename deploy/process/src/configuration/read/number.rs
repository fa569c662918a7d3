//! Integers in both manners.

use super::Manners;
use super::fault::Fault;
use super::reader::Reader;
use super::scalar::{Resolved, mismatch};

/// A kind of integer: its bounds and its name in Go.
pub(super) struct Kind {
    pub(super) min: i128,
    pub(super) max: i128,
    pub(super) go: &'static str,
}

/// The kind of a Rust integer type. `u64` and `i64` are Go's `uint` and `int`, unless the field says otherwise.
macro_rules! kind {
    ($rust:ty, $go:literal) => {
        $crate::configuration::read::number::Kind {
            min: <$rust>::MIN as i128,
            max: <$rust>::MAX as i128,
            go: $go,
        }
    };
}
pub(super) use kind;

/// The integer of a node, within the bounds of its kind. With Go's manners a fraction is truncated towards zero.
pub(super) fn integer(reader: &Reader<'_>, kind: &Kind) -> Result<i128, Fault> {
    let go_type = reader.expected.unwrap_or(kind.go);
    let wrong = || {
        let expected = format!("a whole number from {} to {}", kind.min, kind.max);
        mismatch(reader.node, reader.context.manners, &expected, go_type)
    };
    let value = match (reader.resolved(), reader.context.manners) {
        (Some(Resolved::Int(value)), _) => value,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "Go truncates, and `as` saturates"
        )]
        (Some(Resolved::Float(value)), Manners::Go) if value.is_finite() => value.trunc() as i128,
        _ => return Err(wrong()),
    };
    if value < kind.min || value > kind.max {
        Err(wrong())
    } else {
        Ok(value)
    }
}
