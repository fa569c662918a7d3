//! Where an endpoint listens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// `HOST:PORT`, as it was registered.
///
/// Different spellings of one address are different addresses, as in Gorouter. An IPv6 host may
/// stand with or without brackets: Gorouter joins it without.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(Box<str>);

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidAddress {
    /// There is no host in front of the last colon, or no colon.
    NoHost,
    /// What follows the last colon is no port from 1 to 65535.
    BadPort,
}

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => "the address names no host; expected HOST:PORT",
            Self::BadPort => "the address has no port from 1 to 65535; expected HOST:PORT",
        })
    }
}

impl std::error::Error for InvalidAddress {}

impl Address {
    /// Takes a registered address as it stands.
    ///
    /// # Errors
    ///
    /// Where there is no host, or no port that can be connected to.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidAddress::NoHost)?;
        if host.is_empty() || host == "[]" {
            return Err(InvalidAddress::NoHost);
        }
        match port.parse::<u16>() {
            Ok(1..) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(text.into())),
            _ => Err(InvalidAddress::BadPort),
        }
    }

    /// The text as it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.rsplit_once(':').map_or(&*self.0, |(host, _)| host);
        host.strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok())
            .unwrap_or_default()
    }

    /// The address to connect to, where the host is an IP address. A name has to be resolved.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host().parse().ok()?;
        Some(SocketAddr::new(ip, self.port()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_split_at_the_last_colon() {
        for (text, host, port, ip) in [
            ("10.0.0.1:8080", "10.0.0.1", 8080, Some("10.0.0.1:8080")),
            ("[::1]:80", "::1", 80, Some("[::1]:80")),
            (
                "2001:db8::1:80",
                "2001:db8::1",
                80,
                Some("[2001:db8::1]:80"),
            ),
            ("app.internal:443", "app.internal", 443, None),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
            assert_eq!(
                address.socket_addr().map(|socket| socket.to_string()),
                ip.map(str::to_owned),
                "{text}"
            );
            assert_eq!(address.as_str(), text);
        }
    }

    #[test]
    fn addresses_that_cannot_be_connected_to_are_refused() {
        for (text, error) in [
            ("", InvalidAddress::NoHost),
            ("host", InvalidAddress::NoHost),
            (":80", InvalidAddress::NoHost),
            ("[]:80", InvalidAddress::NoHost),
            ("host:", InvalidAddress::BadPort),
            ("host:0", InvalidAddress::BadPort),
            ("host:+80", InvalidAddress::BadPort),
            ("host:65536", InvalidAddress::BadPort),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text:?}");
        }
    }
}
