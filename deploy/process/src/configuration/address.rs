//! Addresses to listen on and to connect to.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

/// An IP address and port, such as a listener binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub SocketAddr);

/// A host, by name or by address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// The port; 0 is no port to connect to.
    pub port: u16,
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no {what}")]
pub struct InvalidAddress {
    given: String,
    what: &'static str,
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let what = "address; write IP:PORT, such as 127.0.0.1:8081 or [::]:8081";
        let invalid = |_| InvalidAddress {
            given: given.to_owned(),
            what,
        };
        given.trim().parse().map(Self).map_err(invalid)
    }
}

impl FromStr for HostPort {
    type Err = InvalidAddress;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let what = "host and port; write HOST:PORT, such as control-plane.internal:7000";
        let invalid = || InvalidAddress {
            given: given.to_owned(),
            what,
        };
        let (host, port) = given.trim().rsplit_once(':').ok_or_else(invalid)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        // An IPv6 address without brackets leaves open where its port begins.
        if host.is_empty() || (bare.is_none() && host.contains(':')) || host.contains('/') {
            return Err(invalid());
        }
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(invalid)?;
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for HostPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        for (given, host, port) in [
            ("localhost:4222", "localhost", 4222),
            ("[::1]:80", "::1", 80),
            ("10.0.0.1:1", "10.0.0.1", 1),
        ] {
            let parsed: HostPort = given.parse().unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port));
            assert_eq!(parsed.to_string(), given);
        }
        for given in [
            "localhost",
            ":80",
            "::1:80",
            "a:0",
            "a:70000",
            "http://a:80",
            "",
        ] {
            assert!(given.parse::<HostPort>().is_err(), "{given}");
        }
        assert!(
            "localhost:80".parse::<Address>().is_err(),
            "a name cannot be bound"
        );
    }
}
