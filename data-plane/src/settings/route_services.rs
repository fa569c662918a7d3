//! What the proxy is told about route services.

use std::sync::Arc;

use pointsman_process::tls::{Identity, Trust, Versions};

use crate::route_service::{AddressRules, AllowList, Signer};

/// What is told about route services (D-565 to D-613).
#[derive(Debug)]
pub struct RouteServices {
    /// What requests are signed with. Without it, requests for a route with a service get a 502
    /// (D-566).
    pub signer: Option<Signer>,
    /// Whether services are told to call an `https` URL.
    pub recommend_https: bool,
    /// Whether a signature that proves nothing is refused where the route has no service.
    pub strict_signatures: bool,
    /// Whether a signature is good for the path only that it was made for, and not for every path
    /// of its route.
    pub bind_path: bool,
    /// Which services are reached within the process, where their host is a route of the table;
    /// `None`: none.
    pub hairpinning: Option<AllowList>,
    /// Attempts at one service for one request; 0 for none at all.
    pub attempts: u32,
    /// Whether `WebSocket`s pass through services.
    pub websockets: bool,
    /// Whether a service may be reached without TLS, where its URL says so.
    pub plain_http: bool,
    /// Which addresses may be connected to.
    pub addresses: AddressRules,
    /// Which services are believed over TLS.
    pub tls: ServiceTls,
}

impl Default for RouteServices {
    fn default() -> Self {
        Self {
            signer: None,
            recommend_https: true,
            strict_signatures: true,
            bind_path: false,
            hairpinning: None,
            attempts: 3,
            websockets: true,
            plain_http: false,
            addresses: AddressRules::default(),
            tls: ServiceTls::default(),
        }
    }
}

/// How route services are reached over TLS.
#[derive(Clone, Debug)]
pub struct ServiceTls {
    /// Which services are believed.
    pub servers: Believed,
    /// The certificate that is shown to a service which asks for one.
    pub identity: Option<Arc<Identity>>,
    /// The versions that are spoken.
    pub versions: Versions,
}

impl Default for ServiceTls {
    fn default() -> Self {
        Self {
            servers: Believed::Nobody,
            identity: None,
            versions: Versions::Tls12AndTls13,
        }
    }
}

/// Which servers are believed to be who they say.
#[derive(Clone, Debug)]
pub enum Believed {
    /// None.
    Nobody,
    /// Those with a certificate of these authorities for their name.
    Certified(Arc<Trust>),
    /// All (`skip_ssl_validation`).
    Everybody,
}
