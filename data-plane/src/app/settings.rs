//! What a data plane is built from.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pointsman_process::configuration::HostPort;
use pointsman_process::tls::{
    Dates, Identity, Refused, Reloader, Source, Trust, Versions, client_config,
};
use pointsman_proto::v1;

use super::{BuildError, FrontTls};
use crate::listener::Inherited;
use crate::subscription::Lifetimes;
use crate::subscription::{ControlPlane, Link, rank};
use crate::{Believed, admin};

/// The settings of every part. They come from a configuration file of ours, or from a
/// `gorouter.yml`.
#[derive(Debug)]
pub struct Settings {
    /// The name of this data plane among people.
    pub name: String,
    /// Its availability zone.
    pub zone: String,
    /// Where clients connect to in clear text.
    pub listen: Vec<SocketAddr>,
    /// Sockets that listen already: those of a service manager.
    pub inherited: Inherited,
    /// The Unix socket at which a running data plane is asked for its listeners, and at which this
    /// one offers them to the next; `None`: nobody hands over.
    pub hand_over: Option<PathBuf>,
    /// Where the table comes from.
    pub control_planes: ControlPlanes,
    /// How often either side of a stream shows a sign of life; three missed ones end it.
    pub heartbeat: Duration,
    /// The segments that are wanted.
    pub filter: v1::SegmentFilter,
    /// Whether the listeners serve routes of every host.
    pub any_host: bool,
    /// Where the table is kept for a start without a control plane; `None`: nowhere.
    pub state: Option<State>,
    /// How long endpoints may be served after a control plane last confirmed them, where another data plane lends its table.
    pub lifetimes: Lifetimes,
    /// How people and scripts look inside; `None`: not at all.
    pub admin: Option<admin::Settings>,
    /// The proxy.
    pub proxy: crate::Settings,
    /// Files for TLS towards clients, which take the place of what [`Self::proxy`] says about it.
    pub front: Option<FrontTls>,
    /// Files for TLS to endpoints. They take the place of what [`Self::proxy`] says about it, and
    /// are reloaded when they change.
    pub client: Option<UpstreamTls>,
    /// The same for TLS to route services.
    pub services: Option<ServiceTls>,
}

/// Where the table is kept for a start without a control plane.
#[derive(Clone, Debug)]
pub struct State {
    /// The folder.
    pub folder: PathBuf,
    /// How long two writes lie apart at least.
    pub write_interval: Duration,
    /// How long a start waits for a control plane.
    pub wait: Duration,
    /// How long endpoints in clear text may be served after they were last confirmed.
    pub plain_endpoints: Duration,
    /// How long endpoints over TLS may.
    pub tls_endpoints: Duration,
}

/// Where the table comes from.
#[derive(Clone, Debug)]
pub enum ControlPlanes {
    /// Control planes of their own.
    Network {
        /// Where they are.
        addresses: Vec<HostPort>,
        /// Mutual TLS; `None`: clear text, to loopback only.
        tls: Option<ControlPlaneTls>,
    },
    /// The one of this process.
    InProcess(Link),
}

/// Mutual TLS between the planes.
#[derive(Clone, Debug)]
pub struct ControlPlaneTls {
    /// The file of our certificate chain.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities of control planes.
    pub ca: PathBuf,
}

/// Files for TLS to endpoints.
#[derive(Clone, Debug)]
pub struct UpstreamTls {
    /// The authorities that sign endpoints' certificates.
    pub ca: PathBuf,
    /// Chain and key of the certificate that is shown to an endpoint which asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Files for TLS to route services.
#[derive(Clone, Debug)]
pub struct ServiceTls {
    /// Authorities that are believed beside those of the system.
    pub ca: Option<PathBuf>,
    /// Whether every certificate is.
    pub everybody: bool,
    /// Chain and key of the certificate that is shown to a service which asks for one.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl ServiceTls {
    pub(super) fn load(&self, reloader: &mut Reloader) -> Result<crate::ServiceTls, Refused> {
        let mut sources = Vec::new();
        if !Source::System.certificates()?.is_empty() {
            sources.push(Source::System);
        }
        sources.extend(self.ca.as_ref().map(Source::file));
        let servers = if self.everybody {
            Believed::Everybody
        } else if sources.is_empty() {
            Believed::Nobody
        } else {
            let trust = Trust::load(sources)?;
            reloader.add(Arc::<Trust>::clone(&trust));
            Believed::Certified(trust)
        };
        let client = self.client.as_ref();
        let identity = client.map(|(chain, key)| identity(chain, key, reloader));
        Ok(crate::ServiceTls {
            servers,
            identity: identity.transpose()?,
            ..crate::ServiceTls::default()
        })
    }
}

impl UpstreamTls {
    pub(super) fn load(&self, reloader: &mut Reloader) -> Result<crate::UpstreamTls, Refused> {
        let trust = Trust::load(vec![Source::file(&self.ca)])?;
        reloader.add(Arc::<Trust>::clone(&trust));
        let identity = match &self.client {
            Some((chain, key)) => Some(identity(chain, key, reloader)?),
            None => None,
        };
        Ok(crate::UpstreamTls { trust, identity })
    }
}

fn identity(
    chain: &PathBuf,
    key: &PathBuf,
    reloader: &mut Reloader,
) -> Result<Arc<Identity>, Refused> {
    let identity = Identity::load(Source::file(chain), Source::file(key), Dates::Enforced)?;
    reloader.add(Arc::<Identity>::clone(&identity));
    Ok(identity)
}

impl ControlPlanes {
    /// The control planes in the order in which `name` tries them: the same after each restart,
    /// and another one for another name, so that a fleet spreads.
    pub(super) fn links(
        self,
        name: &str,
        reloader: &mut Reloader,
    ) -> Result<Vec<ControlPlane>, BuildError> {
        let (mut addresses, tls) = match self {
            Self::InProcess(link) => {
                let name = "in-process".to_owned();
                return Ok(vec![ControlPlane { name, link }]);
            }
            Self::Network { addresses, tls } => (addresses, tls),
        };
        addresses.sort_by_key(|address| rank(name, &address.host, address.port));
        let config = match tls {
            Some(tls) => {
                let trust = Trust::load(vec![Source::file(&tls.ca)])?;
                reloader.add(Arc::<Trust>::clone(&trust));
                let identity = identity(&tls.certificate, &tls.key, reloader)?;
                Some(client_config(
                    trust,
                    Some(identity),
                    Versions::Tls13,
                    &[b"h2"],
                )?)
            }
            None => None,
        };
        let links = addresses.into_iter().map(|address| ControlPlane {
            name: address.to_string(),
            link: match &config {
                Some(config) => Link::Tls(address, Arc::clone(config)),
                None => Link::Loopback(address),
            },
        });
        Ok(links.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_tries_control_planes_in_an_order_of_its_own_that_stays() {
        let addresses: Vec<HostPort> = (1..5)
            .map(|n| HostPort {
                host: format!("10.0.0.{n}"),
                port: 7600,
            })
            .collect();
        let order = |name: &str, addresses: &[HostPort]| -> Vec<String> {
            let planes = ControlPlanes::Network {
                addresses: addresses.to_vec(),
                tls: None,
            };
            let links = planes.links(name, &mut Reloader::new()).unwrap();
            links.into_iter().map(|link| link.name).collect()
        };
        let reversed: Vec<_> = addresses.iter().rev().cloned().collect();
        assert_eq!(order("a", &addresses), order("a", &reversed));
        let first: std::collections::BTreeSet<String> = (0..64)
            .map(|n| order(&format!("dp-{n}"), &addresses).remove(0))
            .collect();
        assert_eq!(first.len(), 4, "a fleet spreads over all");
        let fewer = order("a", addresses.get(1..).unwrap());
        let without: Vec<_> = order("a", &addresses)
            .into_iter()
            .filter(|name| name != "10.0.0.1:7600")
            .collect();
        assert_eq!(fewer, without, "one less moves nobody else");
    }
}
