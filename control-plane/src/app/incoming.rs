//! Connections of data planes: accepted, and brought through their handshake, before the service sees them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use pointsman_process::shutdown::Tasks;
use pointsman_process::tls::{
    Dates, Identity, Reloaded, Reloader, Source, Trust, Versions, server_config,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::server::Connected;

use super::{BuildError, DistributionListener, DistributionTls};
use crate::distribution::Distribution;

/// The bound of one handshake (L-06).
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at the same time; more connections wait to be accepted.
const HANDSHAKES: usize = 64;

/// How long accepting pauses when the operating system has no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where data planes come in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// In clear text, from this machine.
    Plain(TcpListener),
    /// With certificates on both sides.
    Tls(TcpListener, Box<Mutual>),
    /// From this process.
    Pipe(mpsc::Receiver<DuplexStream>),
}

/// What mutual TLS takes.
pub(super) struct Mutual {
    acceptor: TlsAcceptor,
    reloader: Reloader,
}

impl std::fmt::Debug for Mutual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mutual").finish_non_exhaustive()
    }
}

impl Incoming {
    /// Binds a listener, and reads what it needs to know its callers.
    pub(super) async fn bind(listener: &DistributionListener) -> Result<Self, BuildError> {
        let address = listener.address;
        let mutual = listener.tls.as_ref().map(Mutual::load).transpose()?;
        let bound = TcpListener::bind(address).await;
        let bound = bound.map_err(|error| BuildError::Bind {
            part: "data planes",
            address,
            error,
        })?;
        Ok(match mutual {
            Some(mutual) => Self::Tls(bound, Box::new(mutual)),
            None => Self::Plain(bound),
        })
    }

    /// The bound address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(listener) | Self::Tls(listener, _) => listener.local_addr().ok(),
            Self::Pipe(_) => None,
        }
    }

    /// Spawns the service, and whatever brings connections to it.
    pub(super) fn serve(self, service: Distribution, tasks: &Tasks) {
        let end = tasks.stages().ending().clone().cancelled_owned();
        match self {
            Self::Plain(listener) => {
                let (sender, receiver) = mpsc::channel(HANDSHAKES);
                spawn_accept(tasks, accept_plain(listener, sender));
                let incoming = ReceiverStream::new(receiver).map(Ok::<TcpStream, io::Error>);
                tasks.spawn_vital("distribution", serve(service, incoming, end));
            }
            Self::Tls(listener, mutual) => {
                let Mutual { acceptor, reloader } = *mutual;
                spawn_reload(tasks, "certificates", "distribution", reloader);
                let (sender, receiver) = mpsc::channel(HANDSHAKES);
                spawn_accept(tasks, accept_tls(listener, acceptor, sender));
                let incoming = ReceiverStream::new(receiver).map(Ok::<TlsStream<_>, io::Error>);
                tasks.spawn_vital("distribution", serve(service, incoming, end));
            }
            Self::Pipe(ends) => {
                let incoming = ReceiverStream::new(ends).map(Ok::<DuplexStream, io::Error>);
                tasks.spawn_vital("distribution", serve(service, incoming, end));
            }
        }
    }
}

impl Mutual {
    fn load(tls: &DistributionTls) -> Result<Self, BuildError> {
        let chain = Source::file(&tls.certificate);
        let identity = Identity::load(chain, Source::file(&tls.key), Dates::Enforced)?;
        let clients = Trust::load(vec![Source::file(&tls.client_ca)])?;
        let mut reloader = Reloader::new();
        reloader.add(identity.clone());
        reloader.add(clients.clone());
        let config = server_config(identity, Some(clients), Versions::Tls13, &[b"h2"])?;
        Ok(Self {
            acceptor: TlsAcceptor::from(config),
            reloader,
        })
    }
}

async fn serve<Connection>(
    service: Distribution,
    incoming: impl Stream<Item = io::Result<Connection>>,
    end: impl Future<Output = ()>,
) -> Result<(), Infallible>
where
    Connection: Connected + AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    service.serve(incoming, end).await;
    Ok(())
}

/// Spawns what watches the files of certificates, which are the `component`'s.
pub(super) fn spawn_reload(tasks: &Tasks, name: &str, component: &'static str, reloader: Reloader) {
    if reloader.is_empty() {
        return;
    }
    let stop = tasks.stages().ending().clone();
    tasks.spawn_vital(name, async move {
        reloader
            .run(stop, |reloaded| tell_reloaded(component, reloaded))
            .await;
        Ok::<(), io::Error>(())
    });
}

fn tell_reloaded(component: &'static str, reloaded: Reloaded) {
    match reloaded {
        Reloaded::Changed(name) => {
            tracing::info!(component, name, "certificate-reloaded");
        }
        Reloaded::Kept(refused) => {
            tracing::error!(component, error = %refused, "certificate-refused");
        }
        Reloaded::Mended(name) => {
            tracing::info!(component, name, "certificate-good-again");
        }
        Reloaded::PollOnly(error) => {
            tracing::warn!(component, error, "certificate-changes-are-polled");
        }
    }
}

fn spawn_accept(tasks: &Tasks, accept: impl Future<Output = ()> + Send + 'static) {
    let end = tasks.stages().ending().clone();
    tasks.spawn_vital("accept", async move {
        tokio::select! {
            () = accept => {}
            () = end.cancelled() => {}
        }
        Ok::<(), io::Error>(())
    });
}

/// Accepts until nobody takes connections any more.
async fn accept_plain(listener: TcpListener, taken: mpsc::Sender<TcpStream>) {
    loop {
        let stream = accept(&listener).await;
        if taken.send(stream).await.is_err() {
            return;
        }
    }
}

/// The same, and hands over those that came through their handshake.
async fn accept_tls(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    taken: mpsc::Sender<TlsStream<TcpStream>>,
) {
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            Some(done) = handshakes.join_next() => {
                if let Ok(Some(stream)) = done && taken.send(stream).await.is_err() {
                    return;
                }
            }
            stream = accept(&listener), if handshakes.len() < HANDSHAKES => {
                handshakes.spawn(handshake(stream, acceptor.clone()));
            }
        }
    }
}

async fn handshake(stream: TcpStream, acceptor: TlsAcceptor) -> Option<TlsStream<TcpStream>> {
    let peer = stream.peer_addr().ok();
    let error = match time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "not done in time".to_owned(),
    };
    tracing::warn!(
        component = "distribution",
        peer = peer.map(|peer| peer.to_string()),
        error,
        "handshake-failed"
    );
    None
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small changes go out at once; where this fails, they come a little later.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(component = "distribution", error = %error, "accept-failed");
                time::sleep(PAUSE).await;
            }
        }
    }
}
