//! A TCP path that the test can break and mend.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens on the path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Path {
    /// Bytes pass.
    Open,
    /// Connections stay and are taken, but no byte moves.
    Stalled,
    /// Connections are closed, new ones at once.
    Cut,
}

/// A relay in front of an address; it and its connections end when the value is dropped.
#[derive(Debug)]
pub struct Cut {
    address: SocketAddr,
    path: watch::Sender<Path>,
    relay: JoinHandle<()>,
}

impl Cut {
    /// Puts a relay in front of `target`, with the path open.
    ///
    /// # Panics
    ///
    /// When no port of the loopback address is free.
    pub async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let (path, seen) = watch::channel(Path::Open);
        let relay = tokio::spawn(relay(listener, target, seen));
        Self {
            address,
            path,
            relay,
        }
    }

    /// Where to connect instead of the target.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, and each new one at once.
    pub fn cut(&self) {
        self.path.send_replace(Path::Cut);
    }

    /// Holds every byte back from now on; connections stay.
    pub fn stall(&self) {
        self.path.send_replace(Path::Stalled);
    }

    /// Lets bytes pass again. Connections that were cut stay closed.
    pub fn restore(&self) {
        self.path.send_replace(Path::Open);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn relay(listener: TcpListener, target: SocketAddr, path: watch::Receiver<Path>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((downstream, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        if *path.borrow() != Path::Cut {
            connections.spawn(connection(downstream, target, path.clone()));
        }
    }
}

async fn connection(downstream: TcpStream, target: SocketAddr, mut path: watch::Receiver<Path>) {
    let Ok(upstream) = TcpStream::connect(target).await else {
        return;
    };
    let (down_read, down_write) = downstream.into_split();
    let (up_read, up_write) = upstream.into_split();
    let upload = pump(down_read, up_write, path.clone());
    let download = pump(up_read, down_write, path.clone());
    let both = async { tokio::join!(upload, download) };
    tokio::select! {
        _done = both => {}
        _cut = path.wait_for(|path| *path == Path::Cut) => {}
    }
}

/// Moves bytes one way until the sender closes, holding them while the path is stalled.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut path: watch::Receiver<Path>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if path.wait_for(|path| *path != Path::Stalled).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    // The end of the stream is passed on, and stalls like any byte.
    if path.wait_for(|path| *path != Path::Stalled).await.is_ok() {
        let _closed_by_peer = to.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::Cut;
    use crate::{Client, Endpoint};

    #[tokio::test]
    async fn stalls_cuts_and_mends() {
        let endpoint = Endpoint::named("behind").await;
        let cut = Cut::before(endpoint.address()).await;
        let mut client = Client::connect(cut.address()).await;
        assert_eq!(client.get("app", "/").await.unwrap().text(), "behind");

        cut.stall();
        let stalled = timeout(Duration::from_millis(100), client.get("app", "/")).await;
        assert!(stalled.is_err(), "no byte passes a stalled path");

        cut.cut();
        assert!(
            Client::connect(cut.address())
                .await
                .get("app", "/")
                .await
                .is_err()
        );

        cut.restore();
        let mut client = Client::connect(cut.address()).await;
        assert_eq!(client.get("app", "/").await.unwrap().text(), "behind");
    }
}
