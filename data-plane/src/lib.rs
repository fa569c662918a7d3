//! The proxy around the routing table.

mod access_log;
mod addresses;
pub mod admin;
pub mod app;
mod buffer;
mod census;
mod clock;
pub mod config;
mod counters;
mod deadlines;
mod decimal;
mod descriptors;
mod downstream;
mod drain;
mod error_page;
mod events;
pub mod failing;
mod hand_over;
mod hexadecimal;
mod http2;
mod io;
mod listener;
mod overrides;
mod persisted;
mod proxy;
mod route_service;
mod servable;
mod settings;
mod start;
pub mod subscription;
pub mod table;
mod upstream;
mod wire;
mod worker;

pub use access_log::{AccessLog, Sink, extra_fields};
pub use census::Census;
pub use counters::{Totals, Traffic};
pub use error_page::{BadPage, ErrorPage, NoPage};
pub use events::Events;
pub use listener::{Gate, Heirlooms, Inherited, Listen, Sockets};
pub use overrides::Switches;
pub use route_service::{AddressRules, AllowList, BadEntry, Signer};
pub use servable::Servable;
pub use settings::{
    AttemptTimeouts, BadHttp2, BadRule, Balancing, Behind, Believed, CertFormat, Checks,
    ClientCerts, DomainName, ForwardedClientCert, ForwardedProto, FrontTls, Headers, Http2,
    IdentityDomain, Limits, RequestSize, Rewrite, RouteServices, ServiceTls, Sessions, Settings,
    SubjectRule, Timeouts, Tracing, Tunnels, Underscores, Upstream, UpstreamTls, VendorKey,
    Verification, ZonePreference,
};
pub use start::{Proxy, Surroundings, start};
