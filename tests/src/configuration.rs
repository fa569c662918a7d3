//! Configurations of our processes on one machine, every port free, for the tests to add to.

use std::net::SocketAddr;

use crate::Broker;

/// A control plane behind this broker that takes endpoints on this machine, and is open at once; with more keys for its
/// section `nats`.
#[must_use]
pub fn control_plane(broker: &Broker, nats: &str) -> String {
    format!(
        "nats:
  servers: [{}]
  {nats}
registration:
  allow_loopback: true
  start_delay: 0s
distribution:
  listen: 127.0.0.1:0
admin:
  listen: 127.0.0.1:0
",
        broker.address()
    )
}

/// A data plane that follows this control plane.
#[must_use]
pub fn data_plane(control_plane: SocketAddr) -> String {
    format!(
        "listen: [127.0.0.1:0]
control_planes:
  addresses: ['{control_plane}']
admin:
  listen: 127.0.0.1:0
"
    )
}
