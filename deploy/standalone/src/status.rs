//! The listeners beside the traffic: health, health over TLS, `/routes`, and the old component server, each where Gorouter
//! has it.
//!
//! They are bound before anything else listens, and answer to the very end of a drain.

mod access;
mod answers;
mod serve;

use std::io;
use std::sync::Arc;

use axum::Router;
use pointsman_data_plane::table::TableHandle;
use pointsman_process::readiness::Readiness;
use pointsman_process::shutdown::Tasks;
use pointsman_process::tls::{Dates, Identity, Refused, Source, Versions, server_config};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio_rustls::TlsAcceptor;

use crate::gorouter_yml::scalars::Secret;
use crate::gorouter_yml::status::{StatusConfig, StatusTLSConfig};
use crate::settings::Listeners;
use crate::varz::Document;

/// Why a listener could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its address, in Go's words, which scripts look for (CF-039).
    #[error("listen tcp {address}: bind: {}", in_go(error))]
    Bind {
        /// Where.
        address: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] Refused),
    /// The crypto library refuses it.
    #[error(transparent)]
    Crypto(#[from] rustls::Error),
}

/// What Go says where Rust adds a number.
fn in_go(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        _ => error.to_string(),
    }
}

/// The listeners, bound.
pub struct Bound {
    health: Option<TcpListener>,
    component: Option<TcpListener>,
    health_tls: Option<(TcpListener, TlsAcceptor)>,
    routes: TcpListener,
    user: String,
    pass: Secret,
}

/// Binds the listeners.
///
/// # Errors
///
/// The first one that cannot be had.
pub async fn bind(listeners: &Listeners, status: &StatusConfig) -> Result<Bound, Error> {
    let routes = listen(listeners.routes).await?;
    let health = match listeners.health {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let component = match &listeners.component {
        Some(address) => Some(listen(address.to_string()).await?),
        None => None,
    };
    let health_tls = match listeners.health_tls {
        Some(address) => Some((listen(address).await?, acceptor(&status.tls)?)),
        None => None,
    };
    let (user, pass) = (status.user.clone(), status.pass.clone());
    Ok(Bound {
        health,
        component,
        health_tls,
        routes,
        user,
        pass,
    })
}

async fn listen(address: impl ToSocketAddrs + ToString) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(&address).await;
    bound.map_err(|error| Error::Bind {
        address: address.to_string(),
        error,
    })
}

fn acceptor(tls: &StatusTLSConfig) -> Result<TlsAcceptor, Error> {
    let chain = Source::inline("status.tls.certificate", &tls.certificate);
    let key = Source::inline("status.tls.key", tls.key.expose());
    let identity = Identity::load(chain, key, Dates::Ignored)?;
    let config = server_config(identity, None, Versions::Tls12AndTls13, &[b"http/1.1"])?;
    Ok(TlsAcceptor::from(config))
}

impl Bound {
    /// Answers from here on, until the last stage of `tasks`.
    pub fn start(
        self,
        tasks: &Tasks,
        readiness: &Readiness,
        (table, document): (TableHandle, Option<Document>),
    ) {
        let health = answers::health(readiness.clone());
        let access = Arc::new(access::Access {
            user: self.user,
            pass: self.pass,
        });
        if let (Some(listener), Some(document)) = (self.component, document) {
            let shown = (table.clone(), document);
            let component = answers::component(readiness.clone(), shown, Arc::clone(&access));
            spawn(tasks, "component-listener", listener, None, component);
        }
        let routes = answers::routes(table, access);
        if let Some(listener) = self.health {
            spawn(
                tasks,
                "nontls-health-listener",
                listener,
                None,
                health.clone(),
            );
        }
        if let Some((listener, acceptor)) = self.health_tls {
            spawn(
                tasks,
                "tls-health-listener",
                listener,
                Some(acceptor),
                health,
            );
        }
        spawn(tasks, "routes-listener", self.routes, None, routes);
    }
}

fn spawn(
    tasks: &Tasks,
    name: &str,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
) {
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital(name, async move {
        end.run_until_cancelled(serve::serve(listener, acceptor, router))
            .await;
        Ok::<(), io::Error>(())
    });
}

#[cfg(test)]
mod tests;
