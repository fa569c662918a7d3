//! What the admin API of every process of ours has, each thing once: its section of a configuration, who may ask
//! and who may change something, connections with or without TLS, health, metrics and the log's level, errors as RFC 9457
//! has them, and the audit trail.
//!
//! Everything but health asks for one of those who are configured: a user with a password as Gorouter's status, the bearer
//! of a token, or a client with a certificate. Without any, only callers that name this machine by its address are
//! answered. What an API shows beyond that is its plane's own.

pub mod audit;
pub mod health;
pub mod log;
pub mod metrics;

mod access;
mod bind;
mod order;
mod pages;
mod problem;
mod section;
mod serve;
mod terms;

pub use access::{Caller, Client, Credentials, Role, Token};
pub use bind::{BindError, Bound, Settings, Tls, bind};
pub use order::{Members, NotRead, Sent};
pub use pages::Pages;
pub use problem::{PROBLEM_TYPE, Problem};
pub use section::Section;
pub use terms::Terms;
