//! The proxy around the routing table.
