//! What is registered, until when, for which shard, since which revision.
