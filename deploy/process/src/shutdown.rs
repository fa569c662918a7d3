//! How a process ends: on a signal, in stages, within a bound; or because one of its vital tasks ended.
//!
//! The stages of a drain are three tokens ([`Stages`]) that the parts of a process watch. The tasks of a process are
//! spawned on [`Tasks`], which counts them, and turns the end of a vital one into an event: a registry or a worker
//! that has stopped must not go unnoticed behind a process that still answers its health check.
//! [`Supervisor::run`] waits for the first reason to end and sees the end through.

mod exit;
mod signals;
mod stages;
mod supervisor;
mod tasks;

pub use exit::Exit;
pub use signals::{Convention, Request, Signal, Signals};
pub use stages::{Bounds, Stages};
pub use supervisor::{Event, Outcome, Supervisor};
pub use tasks::{Ended, How, Tasks, Vital};

#[cfg(test)]
mod tests;
