//! Who is at the other end of a client's connection.

use std::net::SocketAddr;
use std::rc::Rc;

use pointsman_routing::Caller;

use super::tls::DomainIndex;
use crate::settings::ForwardedClientCert;

/// The facts about one client connection, made once and used by each of its requests.
#[derive(Debug)]
pub(crate) struct Client {
    /// `ip:port`, as the access log writes it.
    address: Box<str>,
    ip: Box<str>,
    secured: Option<Box<Secured>>,
}

/// What a handshake has shown of a client.
#[derive(Debug)]
pub(crate) struct Secured {
    /// The identity domain that the handshake was for.
    pub(crate) domain: Option<DomainIndex>,
    /// What becomes of its `X-Forwarded-Client-Cert`.
    pub(crate) mode: ForwardedClientCert,
    /// Whether it has shown a certificate, which was verified.
    pub(crate) has_certificate: bool,
    /// What stands in the field in the place of what it sends.
    pub(crate) forwarded: Option<Rc<[u8]>>,
    /// Who it is, where an identity domain asked for that.
    pub(crate) caller: Option<Caller>,
}

impl Client {
    /// A client at this address, over TLS.
    pub(crate) fn secured(peer: SocketAddr, secured: Secured) -> Self {
        Self {
            secured: Some(Box::new(secured)),
            ..Self::new(peer)
        }
    }

    /// A client at this address, in clear text.
    pub(crate) fn new(peer: SocketAddr) -> Self {
        // A client over IPv4 on a socket for both is known by its IPv4 address.
        let ip = peer.ip().to_canonical();
        Self {
            address: SocketAddr::new(ip, peer.port()).to_string().into(),
            ip: ip.to_string().into(),
            secured: None,
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
        if self.secured.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// What its handshake has shown; `None` in clear text.
    pub(crate) fn tls(&self) -> Option<&Secured> {
        self.secured.as_deref()
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
