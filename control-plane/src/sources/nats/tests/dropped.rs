//! What the client library drops, because it has no room for more, is asked for again.

use std::io;
use std::sync::Mutex;

use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::time::timeout;

use super::*;

const BOUND: Duration = Duration::from_secs(20);

/// Messages for which the library has room.
const ROOM: usize = 4;

/// More than that, and fewer than the events with which the library tells of them.
const ROUTES: usize = 100;

/// What is logged on the thread of the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().json();
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }

    /// How many messages had been dropped, in each line that says this.
    fn counts(&self, words: &str) -> Vec<u64> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains(words));
        let each = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        each.map(|it| it["fields"]["dropped"].as_u64().unwrap())
            .collect()
    }
}

/// One server with one publisher behind it, as the test plays them.
struct Publishing {
    write: OwnedWriteHalf,
    /// The subscription to `router.*`, once there is one.
    subscription: Option<String>,
    /// How often `router.start` was seen since then.
    asked: watch::Sender<usize>,
    /// What is still to be said.
    left: std::ops::Range<usize>,
}

impl Publishing {
    fn message(&self, number: usize) -> String {
        let payload =
            format!(r#"{{"uris":["app-{number}.example.com"],"host":"10.0.0.1","port":8080}}"#);
        let subscription = self.subscription.as_deref().unwrap_or_default();
        let length = payload.len();
        format!("MSG router.register {subscription} {length}\r\n{payload}\r\n")
    }

    /// Everything in one go, so that the library reads it before anybody takes anything off.
    async fn flood(&mut self) -> io::Result<()> {
        let all: String = (0..ROUTES).map(|number| self.message(number)).collect();
        self.write.write_all(all.as_bytes()).await
    }

    /// The next message, once the one before has arrived.
    async fn go_on(&mut self) -> io::Result<()> {
        let Some(number) = self.left.next() else {
            return Ok(());
        };
        let next = self.message(number) + "PING\r\n";
        self.write.write_all(next.as_bytes()).await
    }

    async fn hear(&mut self, line: &str) -> io::Result<()> {
        if line == "PING" {
            self.write.write_all(b"PONG\r\n").await
        } else if line == "PONG" {
            self.go_on().await
        } else if let Some(subscription) = line.strip_prefix("SUB router.* ") {
            self.subscription = Some(subscription.trim().to_owned());
            self.flood().await
        } else if line.starts_with("PUB router.start ") && self.subscription.is_some() {
            self.asked.send_modify(|asked| *asked += 1);
            self.left = 0..ROUTES;
            self.go_on().await
        } else {
            Ok(())
        }
    }

    async fn run(listener: TcpListener, asked: watch::Sender<usize>) -> io::Result<()> {
        let (stream, _) = listener.accept().await?;
        let (read, write) = stream.into_split();
        let mut this = Self {
            write,
            subscription: None,
            asked,
            left: 0..0,
        };
        let info = "INFO {\"server_id\":\"X\",\"version\":\"2.9.10\",\"max_payload\":1048576,\"proto\":1}\r\n";
        this.write.write_all(info.as_bytes()).await?;
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await? {
            this.hear(&line).await?;
        }
        Ok(())
    }
}

/// R-118: what the client library itself drops is counted, told once, and asked for again, so that the table is complete
#[tokio::test]
async fn what_the_library_drops_is_asked_for_again() {
    let log = Log::default();
    let _logging = log.begin();
    let (listener, server) = listener().await;
    let (mut nats, source, task) = nats(vec![server], FirstConnection::Forever);
    nats.shared.settings.subscription_capacity = ROOM;
    let handle = task.handle();
    let (asked, mut seen) = watch::channel(0);
    let others = [
        tokio::spawn(async {
            task.run(pending()).await;
        }),
        tokio::spawn(async { drop(nats.run(source).await) }),
        tokio::spawn(async { drop(Publishing::run(listener, asked).await) }),
    ];
    let again = timeout(BOUND, seen.wait_for(|asked| *asked > 0)).await;
    again.expect("publishers are asked again").unwrap();
    // Each route is one change, and so is its endpoint.
    let mut head = handle.head();
    let all = timeout(BOUND, head.wait_for(|head| *head == 2 * ROUTES as u64)).await;
    all.expect("the table is complete").unwrap();
    let dropped = (ROUTES - ROOM) as u64;
    assert_eq!(log.counts("nats-messages-asked-for-again"), [dropped]);
    assert_eq!(log.counts("nats-messages-dropped").len(), 1);
    assert_eq!(*seen.borrow(), 1);
    for other in others {
        other.abort();
    }
}
