//! Publishing in bulk: one NATS connection that is written to as fast as the broker takes it.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pointsman_tests::Broker;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::Messages;

/// A connection that only publishes.
#[derive(Debug)]
pub(crate) struct Feed {
    socket: BufReader<TcpStream>,
}

/// Messages at a fixed rate, until it is dropped.
#[derive(Debug)]
pub(crate) struct Beat {
    task: JoinHandle<()>,
    sent: Arc<AtomicU64>,
}

/// What a beat publishes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rhythm {
    /// Registrations that were heard before, word for word.
    Heartbeats,
    /// Each a new instance of its route, from this turn on: a change for everybody.
    Changes {
        /// No turn that a route has had already.
        from: u32,
    },
}

/// Between two bursts of a beat.
const TICK: Duration = Duration::from_millis(10);

impl Feed {
    pub(crate) async fn connect(broker: &Broker) -> io::Result<Self> {
        let socket = TcpStream::connect(broker.address()).await?;
        // A ping must not wait for the ack of what went before it.
        socket.set_nodelay(true)?;
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        socket.read_line(&mut line).await?;
        let hello = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"bench\",\"version\":\"0\"}\r\n";
        socket.get_mut().write_all(hello).await?;
        let mut feed = Self { socket };
        feed.flush().await?;
        Ok(feed)
    }

    /// Publishes what [`packed`] made, and waits until the broker has taken all of it.
    pub(crate) async fn publish(&mut self, messages: &[u8]) -> io::Result<()> {
        self.socket.get_mut().write_all(messages).await?;
        self.flush().await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.socket.get_mut().write_all(b"PING\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.socket.read_line(&mut line).await? == 0 {
                return Err(io::Error::other("the broker closed"));
            }
            match line.trim_end() {
                "PONG" => return Ok(()),
                "PING" => self.socket.get_mut().write_all(b"PONG\r\n").await?,
                other if other.starts_with("-ERR") => {
                    return Err(io::Error::other(other.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Goes on publishing `rate` messages per second about these routes, one after the other.
    pub(crate) fn beat(
        self,
        messages: Messages,
        routes: Range<u32>,
        rate: u32,
        rhythm: Rhythm,
    ) -> Beat {
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let task = tokio::spawn(async move {
            // A broker that went away ends the beat, which the count shows.
            let _ended = beat(
                self.socket.into_inner(),
                &messages,
                (routes, rate, rhythm),
                &count,
            )
            .await;
        });
        Beat { task, sent }
    }
}

async fn beat(
    mut socket: TcpStream,
    messages: &Messages,
    (routes, rate, rhythm): (Range<u32>, u32, Rhythm),
    sent: &AtomicU64,
) -> io::Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    let per_tick = rate / 100;
    let (mut packet, mut payload) = (Vec::new(), Vec::new());
    let (mut turn, step) = match rhythm {
        Rhythm::Heartbeats => (0, 0),
        Rhythm::Changes { from } => (from, 1),
    };
    let mut numbers = routes.clone();
    loop {
        ticks.tick().await;
        packet.clear();
        for _ in 0..per_tick {
            let route = numbers.next().unwrap_or_else(|| {
                numbers = routes.clone();
                turn += step;
                numbers.next().unwrap_or(routes.start)
            });
            append(
                "router.register",
                messages,
                (route, turn),
                &mut payload,
                &mut packet,
            );
        }
        socket.write_all(&packet).await?;
        sent.fetch_add(u64::from(per_tick), Ordering::Relaxed);
        let mut word = [0; 256];
        if let Ok(count) = socket.try_read(&mut word)
            && word[..count].starts_with(b"PING")
        {
            socket.write_all(b"PONG\r\n").await?;
        }
    }
}

impl Beat {
    /// How many messages it has published.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The registrations of these routes as one stream of the NATS protocol.
pub(crate) fn packed(messages: &Messages, routes: Range<u32>, turn: u32) -> Vec<u8> {
    packed_for("router.register", messages, routes, turn)
}

/// The same messages as unregistrations.
pub(crate) fn packed_away(messages: &Messages, routes: Range<u32>, turn: u32) -> Vec<u8> {
    packed_for("router.unregister", messages, routes, turn)
}

fn packed_for(subject: &str, messages: &Messages, routes: Range<u32>, turn: u32) -> Vec<u8> {
    let (mut packet, mut payload) = (Vec::new(), Vec::new());
    for route in routes {
        append(subject, messages, (route, turn), &mut payload, &mut packet);
    }
    packet
}

fn append(
    subject: &str,
    messages: &Messages,
    (route, turn): (u32, u32),
    payload: &mut Vec<u8>,
    packet: &mut Vec<u8>,
) {
    payload.clear();
    messages.write(route, turn, payload);
    packet.extend_from_slice(format!("PUB {subject} {}\r\n", payload.len()).as_bytes());
    packet.extend_from_slice(payload);
    packet.extend_from_slice(b"\r\n");
}
