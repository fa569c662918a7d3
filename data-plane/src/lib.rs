//! The proxy around the routing table.

pub mod failing;
pub mod subscription;
pub mod table;
