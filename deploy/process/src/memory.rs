//! Where memory comes from.

/// The allocator of every process of ours, which its `main` declares as the global one.
///
/// A table is millions of small pieces that live for as long as some instance does, beside requests and messages that
/// come and go on other threads. glibc keeps what came and went between them: after two full re-registrations of a
/// table it held half as much again as was in use. mimalloc keeps pieces of one size together, gives whole pages of them
/// back, and puts those of a power of two at a multiple of their size, which the endpoint states of the data plane count
/// on for a cache line of their own.
pub use mimalloc::MiMalloc as Allocator;
