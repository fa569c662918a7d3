//! Clients behind a load balancer that says who they are.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::prefix::{MOST, Prefix};
use super::{Client, connection, tls};
use crate::io::Io;
use crate::worker::Open;

/// The wait for the rest of a header whose front is there already. It is nearly always in one piece.
const AGAIN: Duration = Duration::from_millis(10);

/// Learns who the client is, then serves it.
pub(crate) async fn serve(open: Open, socket: TcpStream, peer: SocketAddr, over_tls: bool) {
    // In a place of its own, so that what this needs is not held for as long as the client stays.
    let Some((socket, client)) = Box::pin(client(&open, socket)).await else {
        open.worker().counters.prefixes_refused.increment();
        return;
    };
    let peer = client.unwrap_or(peer);
    if over_tls {
        tls::serve(open, socket, peer).await;
    } else {
        connection::serve(open, Io::Plain(socket), Client::new(peer)).await;
    }
}

/// The connection behind its header, and the client that it names, if it names one. `None` where it is not served.
async fn client(open: &Open, mut socket: TcpStream) -> Option<(TcpStream, Option<SocketAddr>)> {
    // Without it nobody would have come here.
    let behind = open.worker().settings.behind?;
    let mut begun = false;
    let found = timeout(behind.wait, header(&socket, &mut begun)).await;
    match found.unwrap_or(Prefix::Absent) {
        Prefix::Header(length, client) => {
            let mut header = vec![0; length];
            socket.read_exact(&mut header).await.ok()?;
            Some((socket, client))
        }
        // What has not come in time is taken for a request (D-038), unless its front is there.
        Prefix::Absent if behind.optional && !begun => Some((socket, None)),
        Prefix::Absent | Prefix::Malformed | Prefix::Partial => None,
    }
}

/// Looks at the first bytes, which stay where they are, until they are a header or something else. `begun`: they can be
/// nothing else any more.
async fn header(socket: &TcpStream, begun: &mut bool) -> Prefix {
    let mut bytes = vec![0; MOST];
    loop {
        let front = match socket.peek(&mut bytes).await {
            Ok(count @ 1..) => bytes.get(..count).unwrap_or_default(),
            Ok(0) | Err(_) => return Prefix::Malformed,
        };
        match Prefix::read(front) {
            Prefix::Partial => {
                *begun = Prefix::is_begun(front);
                sleep(AGAIN).await;
            }
            found => return found,
        }
    }
}
