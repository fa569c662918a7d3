//! A TCP path that the test can break and mend, each way for itself.

mod relay;

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bytes {
    /// They pass.
    Pass,
    /// They wait until the way is open again.
    Wait,
    /// They are lost, and so is whatever comes later on the same connection.
    Vanish,
}

/// What happens on the path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Path {
    /// From whoever connects.
    there: Bytes,
    /// Back to it.
    back: Bytes,
    /// Connections are closed, new ones at once.
    cut: bool,
}

impl Path {
    const OPEN: Self = Self {
        there: Bytes::Pass,
        back: Bytes::Pass,
        cut: false,
    };
}

/// A relay in front of an address; it and its connections end when the value is dropped.
#[derive(Debug)]
pub struct Cut {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
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
        let (path, seen) = watch::channel(Path::OPEN);
        let (target, targets) = watch::channel(target);
        let relay = tokio::spawn(relay::relay(listener, targets, seen));
        Self {
            address,
            target,
            path,
            relay,
        }
    }

    /// Where to connect instead of the target.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections lead to another target from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Closes every connection, and each new one at once.
    pub fn cut(&self) {
        self.path.send_replace(Path {
            cut: true,
            ..Path::OPEN
        });
    }

    /// Holds every byte back from now on; connections stay.
    pub fn stall(&self) {
        self.path.send_replace(Path {
            there: Bytes::Wait,
            back: Bytes::Wait,
            cut: false,
        });
    }

    /// Holds back what the side that connects sends; what it is sent arrives.
    pub fn stall_there(&self) {
        self.path.send_replace(Path {
            there: Bytes::Wait,
            ..Path::OPEN
        });
    }

    /// Holds back what the side that connects is sent; what it sends arrives.
    pub fn stall_back(&self) {
        self.path.send_replace(Path {
            back: Bytes::Wait,
            ..Path::OPEN
        });
    }

    /// Loses every byte from now on, and tells neither side: each believes in the other until it misses something. A
    /// connection on which bytes were lost stays so.
    pub fn half_open(&self) {
        self.path.send_replace(Path {
            there: Bytes::Vanish,
            back: Bytes::Vanish,
            cut: false,
        });
    }

    /// Lets bytes pass again. Connections that were cut stay closed.
    pub fn restore(&self) {
        self.path.send_replace(Path::OPEN);
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::Cut;
    use crate::{Client, Endpoint, RawConnection, eventually};

    const BOUND: Duration = Duration::from_secs(10);

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

    #[tokio::test]
    async fn stalls_one_way() {
        let endpoint = Endpoint::named("behind").await;
        let cut = Cut::before(endpoint.address()).await;
        let mut client = Client::connect(cut.address()).await;
        cut.stall_back();
        {
            let mut waiting = std::pin::pin!(client.get("app", "/"));
            let waited = timeout(Duration::from_millis(100), &mut waiting).await;
            assert!(waited.is_err(), "no byte comes back");
            assert_eq!(endpoint.request_count(), 1, "and every byte gets there");
            cut.restore();
            assert_eq!(waiting.await.unwrap().text(), "behind");
        }

        cut.stall_there();
        let waited = timeout(Duration::from_millis(100), client.get("app", "/")).await;
        assert!(waited.is_err());
        assert_eq!(endpoint.request_count(), 1, "no byte gets there");
    }

    #[tokio::test]
    async fn a_half_open_connection_stays_lost_and_a_new_one_works() {
        let endpoint = Endpoint::named("behind").await;
        let cut = Cut::before(endpoint.address()).await;
        let request = b"GET / HTTP/1.1\r\nhost: app\r\n\r\n";
        let mut raw = RawConnection::connect(cut.address()).await;
        raw.write(request).await;
        raw.read_answer().await;
        cut.half_open();
        raw.write(request).await;
        let lost = timeout(Duration::from_millis(100), raw.read_head()).await;
        assert!(lost.is_err());
        cut.restore();
        let lost = timeout(Duration::from_millis(100), raw.read_head()).await;
        assert!(lost.is_err(), "what was lost stays lost");
        let mut client = Client::connect(cut.address()).await;
        client.get("app", "/").await.unwrap();
        assert_eq!(endpoint.request_count(), 2);
    }

    #[tokio::test]
    async fn leads_elsewhere() {
        let (one, other) = (Endpoint::named("one").await, Endpoint::named("other").await);
        let cut = Cut::before(one.address()).await;
        cut.lead_to(other.address());
        eventually("the other to answer", BOUND, async || {
            let mut client = Client::connect(cut.address()).await;
            match client.get("app", "/").await.unwrap().text() {
                "other" => Ok(()),
                text => Err(text.to_owned()),
            }
        })
        .await;
    }
}
