//! Making a connection to an endpoint.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use pointsman_routing::Endpoint;
use rustix::io::Errno;
use rustls::ClientConnection;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};

use super::http2::{Trunk, greet};
use super::{Connection, Handshakes, tls};
use crate::addresses::may_be_of_an_endpoint;
use crate::http2::ALPN;
use crate::io::Io;
use crate::io::tls::TlsIo;
use crate::proxy::Reason;
use crate::worker::Worker;

/// How often the system asks a silent endpoint whether it is still there
/// (`endpoint_keep_alive_probe_interval`), and how often in vain before the connection is given up.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const PROBES: u32 = 9;

/// Connects to the endpoint's address.
///
/// # Errors
/// Why there is no connection.
pub(crate) async fn connect(endpoint: &Endpoint) -> Result<(TcpStream, SocketAddr), Reason> {
    let address = match endpoint.address().socket_addr() {
        Some(address) => address,
        None => resolve(endpoint).await?,
    };
    Ok((open(address).await?, address))
}

/// Connects to an address.
///
/// # Errors
/// Why there is no connection.
pub(super) async fn open(address: SocketAddr) -> Result<TcpStream, Reason> {
    let socket = TcpStream::connect(address)
        .await
        .map_err(|error| dial_reason(&error))?;
    // A connection without these options works all the same.
    let _ = socket.set_nodelay(true);
    let probes = TcpKeepalive::new()
        .with_time(PROBE_INTERVAL)
        .with_interval(PROBE_INTERVAL)
        .with_retries(PROBES);
    let _ = SockRef::from(&socket).set_tcp_keepalive(&probes);
    Ok(socket)
}

/// The first address of a name. Whoever registers a name may choose what it leads to.
async fn resolve(endpoint: &Endpoint) -> Result<SocketAddr, Reason> {
    let address = endpoint.address();
    let found = lookup_host((address.host(), address.port())).await;
    let mut found = found.map_err(|_| Reason::NoSuchHost)?;
    found
        .find(|address| may_be_of_an_endpoint(address.ip()))
        .ok_or(Reason::NoSuchHost)
}

fn dial_reason(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::Refused,
        io::ErrorKind::TimedOut => Reason::DialTimeout,
        _ if is_shortage(error) => Reason::Exhausted,
        _ => Reason::Unreachable,
    }
}

/// Whether it was this machine that had nothing left to connect with: descriptors, ports, memory.
fn is_shortage(error: &io::Error) -> bool {
    let error = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        error,
        Some(
            Errno::MFILE
                | Errno::NFILE
                | Errno::ADDRNOTAVAIL
                | Errno::AGAIN
                | Errno::NOBUFS
                | Errno::NOMEM
        )
    )
}

/// A connection over which the endpoint may be spoken to.
pub(super) enum Made {
    /// In HTTP/1.1, for one request after the other.
    Http1(Box<Connection>),
    /// In HTTP/2, for many at once.
    Http2(Rc<Trunk>),
}

/// Makes the connection one that has proven to be the endpoint's, where it is registered with TLS, and that speaks
/// what the endpoint has chosen.
///
/// # Errors
/// Why it is none.
pub(super) async fn settle(
    socket: (TcpStream, SocketAddr),
    endpoint: &Endpoint,
    worker: &Rc<Worker>,
) -> Result<Made, Reason> {
    let io = secure(socket, endpoint, (worker, true)).await?;
    if io.protocol() == Some(ALPN) {
        let trunk = greet(io, worker, endpoint.state().index()).await?;
        return Ok(Made::Http2(trunk));
    }
    Ok(Made::Http1(over(io, endpoint, worker)))
}

/// The same in HTTP/1.1, whatever else the endpoint speaks.
///
/// # Errors
/// Why it is none.
pub(crate) async fn connection(
    socket: (TcpStream, SocketAddr),
    endpoint: &Endpoint,
    worker: &Rc<Worker>,
) -> Result<Box<Connection>, Reason> {
    let io = secure(socket, endpoint, (worker, false)).await?;
    Ok(over(io, endpoint, worker))
}

fn over(io: Io, endpoint: &Endpoint, worker: &Worker) -> Box<Connection> {
    let limits = worker.settings.limits.response;
    let index = endpoint.state().index();
    Box::new(Connection::new(io, worker.buffers.clone(), index, limits))
}

/// Has the endpoint prove who it is; with `http2` it may choose that.
async fn secure(
    (socket, address): (TcpStream, SocketAddr),
    endpoint: &Endpoint,
    (worker, http2): (&Worker, bool),
) -> Result<Io, Reason> {
    let Some(name) = endpoint.tls() else {
        return Ok(Io::Plain(socket));
    };
    worker.handshakes.turn().await;
    let session = worker.identities.session(name, address.ip(), http2)?;
    shake(socket, session, &worker.handshakes).await
}

/// Makes a TLS connection of this one.
///
/// # Errors
/// Why it is none.
pub(super) async fn shake(
    socket: TcpStream,
    session: ClientConnection,
    handshakes: &Handshakes,
) -> Result<Io, Reason> {
    let mut tls = Box::new(TlsIo::new(socket, session.into()));
    match handshakes.shake(&mut tls).await {
        Ok(()) => Ok(Io::Tls(tls)),
        Err(error) => Err(tls::reason(&error).unwrap_or(Reason::HandshakeBroken)),
    }
}
