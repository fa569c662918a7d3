//! What an override does.

use std::fmt;

use super::bounds::Limit;
use crate::route_service::ServiceUrl;

/// What an override does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// What is served stays as it is; what is received is held.
    FreezeTable,
    /// This generation of the persisted table is served, 1 being the last that was written.
    LastKnownGood(u8),
    /// No request goes to this service, nor past it to the app.
    DisableRouteService(ServiceName),
    /// HTTP/2 is not spoken with clients: it is not offered, and connections that speak it are told to end.
    DisableHttp2,
    /// More is allowed than is configured.
    RaiseLimit(Limit, usize),
}

impl Effect {
    /// Its name for people.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::FreezeTable => "freeze-table",
            Self::LastKnownGood(_) => "last-known-good",
            Self::DisableRouteService(_) => "disable-route-service",
            Self::DisableHttp2 => "disable-http2",
            Self::RaiseLimit(..) => "raise-limit",
        }
    }

    /// Whether it decides which table is served, of which there can be one only.
    pub(super) const fn is_of_the_table(&self) -> bool {
        matches!(self, Self::FreezeTable | Self::LastKnownGood(_))
    }
}

/// Which route services are meant: those of a host, with a port where that counts; or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceName {
    All,
    Of { host: Box<str>, port: Option<u16> },
}

impl ServiceName {
    /// Reads `*`, a host, a host with a port, or the URL of a service, of which host and port count. `None`: it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let is_url = text.contains("://");
        let url = if is_url {
            ServiceUrl::parse(text)?
        } else {
            ServiceUrl::parse(&format!("https://{text}"))
                .filter(|_| !text.contains(['/', '?', '#', '@']))?
        };
        let said = url.authority.rsplit_once(':').map(|(_, port)| port);
        let has_port = said.is_some_and(|port| port.parse::<u16>().is_ok());
        Some(Self::Of {
            host: url.host.to_ascii_lowercase().into(),
            port: (is_url || has_port).then_some(url.port),
        })
    }

    /// Whether this service is meant.
    pub(super) fn means(&self, url: &ServiceUrl) -> bool {
        match self {
            Self::All => true,
            Self::Of { host, port } => {
                url.host.eq_ignore_ascii_case(host) && port.is_none_or(|port| port == url.port)
            }
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Of { host, port: None } => f.write_str(host),
            Self::Of {
                host,
                port: Some(port),
            } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_meant_by_their_host() {
        for (name, url, meant) in [
            ("*", "https://rs.example.com/x", true),
            ("rs.example.com", "https://rs.example.com/x", true),
            ("RS.example.com", "http://rs.EXAMPLE.com:8080", true),
            ("rs.example.com", "https://other.example.com/x", false),
            ("rs.example.com", "https://rs.example.com.evil.com/", false),
            ("rs.example.com:443", "https://rs.example.com/x", true),
            ("rs.example.com:443", "https://rs.example.com:8443/x", false),
            (
                "https://rs.example.com/a?b",
                "https://rs.example.com/c",
                true,
            ),
            (
                "https://rs.example.com",
                "https://rs.example.com:8443",
                false,
            ),
            ("[2001:db8::1]", "https://[2001:db8::1]:1/", true),
            ("[2001:db8::1]:2", "https://[2001:db8::1]:1/", false),
        ] {
            let url = ServiceUrl::parse(url).expect("a URL");
            let name = ServiceName::parse(name).expect("a name");
            assert_eq!(name.means(&url), meant, "{name} {}", url.authority);
        }
        for none in ["", "a b", "a/b", "ftp://a", "a:x", "u@a", "**"] {
            assert_eq!(ServiceName::parse(none), None, "{none}");
        }
    }
}
