//! The actors that the suites are played with, each the real thing or an honest stand-in for it.
//!
//! A broker is a real `nats-server`, a publisher sends what Cloud Foundry's publishers send, an endpoint is a socket
//! with a script, and a process is the binary that is shipped. Every actor binds port 0, ends when it is dropped, and
//! every wait is for a state, with a bound, through [`eventually`](fn@eventually).

pub mod balancer;
pub mod broker;
pub mod certs;
pub mod client;
pub mod configuration;
pub mod cut;
pub mod descriptors;
pub mod endpoint;
pub mod eventually;
pub mod fleet;
pub mod instance;
pub mod load;
mod moment;
pub mod ports;
pub mod process;
pub mod publisher;
pub mod requests;
pub mod route_service;
pub mod routing_api;

pub use broker::Broker;
pub use certs::Authority;
pub use client::{Client, RawConnection};
pub use cut::Cut;
pub use endpoint::Endpoint;
pub use eventually::eventually;
pub use fleet::Fleet;
pub use instance::Instance;
pub use load::Load;
pub use moment::Moment;
pub use process::Process;
pub use publisher::Publisher;
pub use requests::Requests;
pub use routing_api::{RoutingApi, Uaa};

use std::sync::OnceLock;

/// Makes aws-lc-rs the crypto provider of this test process, once.
///
/// Two compiled-in providers without a chosen one panic at the first handshake, so whoever builds a TLS value in a test
/// calls this first. The actors do so themselves.
pub fn install_crypto_provider() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // An error means that another library of this test process was first with a provider of its own.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// The variable of the environment with this name, when it is set and is text.
///
/// The one place of the tests that reads the environment: for the tools that `tests/run` found.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' only reader of the environment"
    )]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
