//! The relay itself.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Bytes, Path};

/// Which of the two ways of a path.
type Way = fn(&Path) -> Bytes;

/// Accepts until it is aborted; its connections end with it.
pub(super) async fn relay(
    listener: TcpListener,
    target: watch::Receiver<SocketAddr>,
    path: watch::Receiver<Path>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((downstream, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        if !path.borrow().cut {
            let target = *target.borrow();
            connections.spawn(connection(downstream, target, path.clone()));
        }
    }
}

async fn connection(downstream: TcpStream, target: SocketAddr, mut path: watch::Receiver<Path>) {
    let Ok(upstream) = TcpStream::connect(target).await else {
        return;
    };
    for socket in [&downstream, &upstream] {
        let _works_without = socket.set_nodelay(true);
    }
    let (down_read, down_write) = downstream.into_split();
    let (up_read, up_write) = upstream.into_split();
    let there = pump(down_read, up_write, path.clone(), |path| path.there);
    let back = pump(up_read, down_write, path.clone(), |path| path.back);
    let both = async { tokio::join!(there, back) };
    tokio::select! {
        _done = both => {}
        _cut = path.wait_for(|path| path.cut) => {}
    }
}

/// Moves bytes one way until the sender closes.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut path: watch::Receiver<Path>,
    way: Way,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await;
        let open = path.wait_for(|path| way(path) != Bytes::Wait).await;
        let Ok(Bytes::Pass) = open.map(|path| way(&path)) else {
            // Nothing moves on this connection any more, in either direction, and nobody hears of it.
            return std::future::pending().await;
        };
        match read {
            Ok(count @ 1..) => {
                if to.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
            Ok(0) | Err(_) => {
                // The end of the stream is passed on, and stalls and vanishes like any byte.
                let _closed_by_peer = to.shutdown().await;
                return;
            }
        }
    }
}
