//! Who is at the other end of a client's connection.

use std::net::SocketAddr;

/// The facts about one client connection, made once and used by each of its requests.
#[derive(Debug)]
pub(crate) struct Client {
    /// `ip:port`, as the access log writes it.
    address: Box<str>,
    ip: Box<str>,
}

impl Client {
    /// A client at this address.
    pub(crate) fn new(peer: SocketAddr) -> Self {
        // A client over IPv4 on a socket for both is known by its IPv4 address.
        let ip = peer.ip().to_canonical();
        Self {
            address: SocketAddr::new(ip, peer.port()).to_string().into(),
            ip: ip.to_string().into(),
        }
    }

    /// `ip:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The address without the port.
    pub(crate) fn ip(&self) -> &str {
        &self.ip
    }

    /// The scheme that the client speaks.
    pub(crate) fn scheme(&self) -> &'static str {
        "http"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_address_is_an_ipv4_address() {
        let client = Client::new("[::ffff:10.0.0.1]:80".parse().expect("an address"));
        assert_eq!((client.ip(), client.address()), ("10.0.0.1", "10.0.0.1:80"));
        let client = Client::new("[2001:db8::1]:80".parse().expect("an address"));
        assert_eq!(
            (client.ip(), client.address()),
            ("2001:db8::1", "[2001:db8::1]:80")
        );
    }
}
