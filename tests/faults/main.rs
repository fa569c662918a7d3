//! Faults on real processes under load: what dies, hangs, or is cut off costs no request that another could answer.
//!
//! Each test has a [stage](stage) of its own: a broker, control planes, data planes and instances in processes of their
//! own, 1,000 requests per second of clients that never retry, and publishers that register and unregister before, during
//! and after the fault. A round ends with a verdict over every request, counted at the client and at the instance.
//!
//! `POINTSMAN_FAULT_ROUNDS` says how many rounds there are of each fault (1); `POINTSMAN_FAULT_SEED` repeats what a failed
//! round drew.

mod broker;
mod control_plane;
mod data_plane;
mod fault;
mod instance;
mod lossless;
mod namespaces;
mod network;
mod path;
mod plane;
mod resources;
mod routes;
mod stage;
mod timeline;
mod verdict;
