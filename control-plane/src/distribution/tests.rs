//! The service on real connections, with a data plane that the test plays.

mod ends;
mod fill;
mod health;
mod scene;
mod trust;
