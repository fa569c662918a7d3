//! Connections to route services: where they are is a name that whoever bound the service has
//! chosen, so that each address is looked at when it is connected to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use pointsman_process::tls::{Everybody, client_config};
use pointsman_routing::EndpointIndex;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::{ClientConfig, ClientConnection, Error};
use rustls_pki_types::ServerName;
use smallvec::SmallVec;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Connection, dial};
use crate::deadlines::Tick;
use crate::io::Io;
use crate::proxy::Reason;
use crate::route_service::ServiceUrl;
use crate::settings::{Believed, ServiceTls, Settings};
use crate::worker::Worker;

/// Unused connections that a worker keeps for one service, and in all.
const KEPT_PER_SERVICE: usize = 16;
const KEPT: usize = 256;

/// Names that a worker has resolved at the same time. Each takes a thread while the system's
/// resolver thinks about it.
const LOOKUPS: usize = 16;

/// Connections to route services are no endpoint's.
const NO_ENDPOINT: EndpointIndex = EndpointIndex {
    slot: u32::MAX,
    life: u32::MAX,
};

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    tls: bool,
    host: Box<str>,
    port: u16,
}

impl From<&ServiceUrl> for Place {
    fn from(url: &ServiceUrl) -> Self {
        Self {
            tls: url.tls,
            host: url.host.to_ascii_lowercase().into(),
            port: url.port,
        }
    }
}

/// One worker's way to route services.
pub(crate) struct Services {
    tls: Option<Arc<ClientConfig>>,
    #[expect(
        clippy::vec_box,
        reason = "a connection is large, and comes and goes in its box"
    )]
    kept: RefCell<HashMap<Place, Vec<Box<Connection>>>>,
    lookups: Semaphore,
}

/// How TLS is spoken with services; `None` where none is believed.
///
/// # Errors
/// When the crypto provider does not support the versions.
pub(crate) fn tls_config(tls: &ServiceTls) -> Result<Option<Arc<ClientConfig>>, Error> {
    let verifier: Arc<dyn ServerCertVerifier> = match &tls.servers {
        Believed::Nobody => return Ok(None),
        Believed::Certified(trust) => Arc::clone(trust) as _,
        Believed::Everybody => Arc::new(Everybody::new()),
    };
    let identity = tls.identity.clone().map(|identity| identity as _);
    let config = client_config(verifier, identity, tls.versions, &[b"http/1.1"])?;
    let mut config = Arc::unwrap_or_clone(config);
    // A session would outlive the authority that it was begun under.
    config.resumption = Resumption::disabled();
    Ok(Some(Arc::new(config)))
}

impl Services {
    /// No connection yet.
    pub(crate) fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self {
            tls,
            kept: RefCell::default(),
            lookups: Semaphore::new(LOOKUPS),
        }
    }

    /// The connection to this service that was used last, if it is still as it was left. A request
    /// that is not `repeatable` gets one only that is surely open.
    pub(crate) fn take(
        &self,
        place: &Place,
        repeatable: bool,
        now: Tick,
    ) -> Option<Box<Connection>> {
        let mut kept = self.kept.borrow_mut();
        let connections = kept.get_mut(place)?;
        while let Some(mut connection) = connections.pop() {
            if connection.wire.is_quiet() && (repeatable || connection.is_surely_open(now)) {
                return Some(connection);
            }
        }
        kept.remove(place);
        None
    }

    /// Keeps a connection, or closes it if there are enough, or it is old enough.
    pub(crate) fn put(
        &self,
        place: &Place,
        mut connection: Box<Connection>,
        (now, settings): (Tick, &Settings),
    ) {
        if !connection.may_rest(now, settings.upstream.connection_age) {
            return;
        }
        let mut kept = self.kept.borrow_mut();
        if kept.values().map(Vec::len).sum::<usize>() >= KEPT {
            return;
        }
        let connections = kept.entry(place.clone()).or_default();
        if connections.len() < KEPT_PER_SERVICE {
            connection.wire.rest();
            connection.idle_since = now;
            connections.push(connection);
        }
    }

    /// Closes what is too old, and what its service has closed.
    pub(crate) fn sweep(&self, now: Tick, settings: &Settings) {
        let mut kept = self.kept.borrow_mut();
        if kept.is_empty() {
            return;
        }
        kept.retain(|_, connections| {
            connections.retain_mut(|connection| {
                now.since(connection.idle_since) < settings.timeouts.endpoint_idle
                    && connection.wire.is_quiet()
            });
            !connections.is_empty()
        });
    }

    /// Closes everything.
    pub(crate) fn clear(&self) {
        self.kept.borrow_mut().clear();
    }

    /// A fresh connection to a service, over which nothing is sent before it has proven who it is.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn connect(
        &self,
        worker: &Rc<Worker>,
        place: &Place,
    ) -> Result<Box<Connection>, Reason> {
        let settings = &worker.settings;
        if !place.tls && !settings.route_services.plain_http {
            return Err(Reason::Forbidden);
        }
        worker.counters.dials.increment();
        let dialled = timeout(settings.timeouts.dial, self.dial(settings, place)).await;
        let socket = dialled.unwrap_or(Err(Reason::DialTimeout))?;
        let io = if place.tls {
            let secured = timeout(
                settings.timeouts.handshake,
                self.secure(worker, place, socket),
            );
            secured.await.unwrap_or(Err(Reason::HandshakeTimeout))?
        } else {
            Io::Plain(socket)
        };
        let buffers = worker.buffers.clone();
        let limits = settings.limits.response;
        Ok(Box::new(Connection::new(io, buffers, NO_ENDPOINT, limits)))
    }

    /// Connects to the first address of the service that may be connected to and answers.
    async fn dial(&self, settings: &Settings, place: &Place) -> Result<TcpStream, Reason> {
        let mut failed = Reason::Forbidden;
        for address in self.resolve(place).await? {
            if !settings.route_services.addresses.permit(address.ip()) {
                continue;
            }
            match dial::open(address).await {
                Ok(socket) => return Ok(socket),
                Err(reason) => failed = reason,
            }
        }
        Err(failed)
    }

    async fn resolve(&self, place: &Place) -> Result<SmallVec<[SocketAddr; 4]>, Reason> {
        if let Ok(address) = place.host.parse::<IpAddr>() {
            return Ok(SmallVec::from_iter([SocketAddr::new(address, place.port)]));
        }
        let _turn = self.lookups.acquire().await;
        let found = lookup_host((&*place.host, place.port)).await;
        let found: SmallVec<_> = found.map_err(|_| Reason::NoSuchHost)?.collect();
        if found.is_empty() {
            return Err(Reason::NoSuchHost);
        }
        Ok(found)
    }

    async fn secure(
        &self,
        worker: &Worker,
        place: &Place,
        socket: TcpStream,
    ) -> Result<Io, Reason> {
        let config = self.tls.as_ref().ok_or(Reason::Untrusted)?;
        let name = ServerName::try_from(place.host.to_string());
        let name = name.map_err(|_| Reason::WrongName)?;
        worker.handshakes.turn().await;
        let session = ClientConnection::new(Arc::clone(config), name);
        let session = session.map_err(|_| Reason::HandshakeFailed)?;
        dial::shake(socket, session, &worker.handshakes).await
    }
}
