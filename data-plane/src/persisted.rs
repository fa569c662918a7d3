//! The table on disk, for a start without a control plane.
//!
//! A folder holds two generations of the table, `table` and `table.previous`, and a `stamp`, which
//! says when a control plane last confirmed the table that it names. Each is written beside its
//! place, forced to the disk, and renamed into it, so that a crash at any moment leaves a whole one.
//!
//! # The format
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `PNTSTABL` |
//! | 4 | the [schema](SCHEMA), little endian, as all numbers here |
//! | 4 + 1 + n | a frame: the length n of what it carries, its kind, and that |
//!
//! The first frame carries the [`Header`] as JSON, which says what was written, by whom, and under
//! which filter. Those that follow carry things of the table, as many as fit; what is in them is
//! the business of whoever writes and reads the table. The last one carries the number of things
//! and a checksum of all bytes before it; nothing follows it. A file is looked at from its first
//! byte to its last before anything in it is believed.
//!
//! Another schema than one's own is never guessed at: such a file is skipped by name.

mod folder;
mod frames;
mod header;
mod moment;
mod saved;

pub use folder::Lifetimes;
pub(crate) use folder::{Folder, Found, GENERATIONS, Skipped, Written};
pub(crate) use frames::{Frame, Writing};
pub(crate) use header::{Header, Stamp};
pub(crate) use moment::Moment;
#[cfg(test)]
use saved::Saved;
pub(crate) use saved::Unusable;

/// The layout of the file and of what its frames carry. Any change of either takes the next number.
const SCHEMA: u32 = 1;

/// How a file of ours begins.
const MAGIC: &[u8; 8] = b"PNTSTABL";

#[cfg(test)]
mod tests;
