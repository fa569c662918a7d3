//! The listener of the admin API.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use super::{Inside, Settings, router, serve};

/// The admin API with its socket bound, before it serves.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    settings: Settings,
}

/// Binds the socket, where there shall be one.
///
/// # Errors
///
/// What the operating system says.
pub(crate) async fn bind(settings: Settings) -> io::Result<Option<Bound>> {
    let Some(address) = settings.listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok(Some(Bound {
        listener,
        address,
        settings,
    }))
}

impl Bound {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end` resolves.
    pub(crate) async fn serve(self, inside: Inside, end: impl Future<Output = ()>) {
        let router: Router = router(&self.settings, inside);
        serve::serve(self.listener, router, end).await;
    }
}
