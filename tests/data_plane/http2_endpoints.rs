//! Endpoints that are registered with HTTP/2 and TLS.

mod again;
mod bodies;
mod choice;
mod frames;
mod refusals;
mod server;
mod silence;
mod streams;
mod trailers;
mod turns;

use std::net::SocketAddr;

use pointsman_routing::Protocol;
use pointsman_tests::Authority;

use crate::support::Setup;

const NAME: &str = "9f0b7f0e-instance";

impl Setup {
    /// An endpoint over TLS and HTTP/2 for `app.test`, registered as [`NAME`].
    fn http2(self, address: SocketAddr) -> Self {
        self.thing("app.test", address, |thing| {
            thing.tls = Some(NAME.to_owned());
            thing.protocol = Protocol::Http2;
            thing.protocol_text = "http2".to_owned();
        })
    }
}

/// A data plane that trusts `authority`.
fn trusting(authority: &Authority) -> Setup {
    Setup::new().trust(authority, None)
}
