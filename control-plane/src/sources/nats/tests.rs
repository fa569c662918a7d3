//! The source against servers that are not there, or that the test plays.

mod dropped;

use std::time::Duration;

use pointsman_process::configuration::HostPort;
use pointsman_registry::WhileAway;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::registry_task::RegistryTask;

/// A source that tries these servers this often.
fn nats(servers: Vec<HostPort>, first_connection: FirstConnection) -> (Nats, Source, RegistryTask) {
    let mut metrics = Registry::default();
    let registry = pointsman_registry::Settings::default();
    let announcement =
        Announcement::new(0, registry.registration_interval, registry.stale_threshold);
    let mut task = RegistryTask::new(registry, 1, &mut metrics);
    let source = task.source("nats", WhileAway::Wait);
    let settings = Settings {
        servers,
        first_connection,
        connect_timeout: Duration::from_secs(5),
        reconnect_max_wait: Duration::from_millis(10),
        ..Settings::default()
    };
    let refusals = Arc::new(Refusals::new(&mut metrics));
    let policy = Policy::default();
    let nats = Nats::new(settings, policy, announcement, refusals, &mut metrics).unwrap();
    (nats, source, task)
}

async fn listener() -> (TcpListener, HostPort) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = "127.0.0.1".to_owned();
    (listener, HostPort { host, port })
}

fn rounds(count: u32) -> FirstConnection {
    let pause = Duration::from_millis(1);
    FirstConnection::Rounds { count, pause }
}

/// C-080: three rounds over all servers, then an error that names them
#[tokio::test]
async fn a_bounded_first_connection_fails_after_its_rounds() {
    let (one, first) = listener().await;
    let (other, second) = listener().await;
    let (nats, source, _task) = nats(vec![first, second], rounds(3));
    let counted = async {
        let mut tries = (0, 0);
        // Servers that hang up at once.
        loop {
            tokio::select! {
                accepted = one.accept() => { accepted.unwrap(); tries.0 += 1; }
                accepted = other.accept() => { accepted.unwrap(); tries.1 += 1; }
            }
            if tries == (3, 3) {
                return tries;
            }
        }
    };
    let (ended, tries) = tokio::join!(nats.run(source), counted);
    assert_eq!(tries, (3, 3));
    let error = ended.unwrap_err();
    assert!(
        matches!(error, Error::NoConnection { rounds: 3, .. }),
        "{error}"
    );
    let told = error.to_string();
    assert!(
        told.starts_with("no NATS server could be reached in 3 rounds"),
        "{told}"
    );
}

#[tokio::test]
async fn without_servers_there_is_no_source() {
    let (nats, source, _task) = nats(vec![], FirstConnection::Forever);
    let ended = Box::pin(nats.run(source)).await;
    assert!(matches!(ended, Err(Error::NoServers)));
}

/// A source whose registry is gone fails instead of running on.
#[tokio::test]
async fn a_source_without_a_registry_fails() {
    let (listener, server) = listener().await;
    let (nats, source, task) = nats(vec![server], FirstConnection::Forever);
    drop(task);
    let (ended, ()) = tokio::join!(nats.run(source), async {
        let (stream, _) = listener.accept().await.unwrap();
        drop(tokio::spawn(serve(stream)));
    });
    assert!(matches!(ended, Err(Error::Registry(Ended))));
}

/// C-011: where the start cannot be announced, the source fails and says why
#[tokio::test]
async fn a_start_that_cannot_be_announced_fails() {
    let (listener, server) = listener().await;
    let (nats, source, _task) = nats(vec![server], FirstConnection::Forever);
    let (ended, ()) = tokio::join!(nats.run(source), async {
        let (stream, _) = listener.accept().await.unwrap();
        // Shorter than any announcement.
        drop(tokio::spawn(serve_with(stream, 10)));
    });
    let error = ended.unwrap_err();
    assert!(matches!(error, Error::Publish(_)), "{error}");
    let told = error.to_string();
    assert!(told.starts_with("cannot publish to NATS: "), "{told}");
}

/// Plays a server that says nothing of its own.
async fn serve(stream: TcpStream) {
    serve_with(stream, 1_048_576).await;
}

/// The same, which takes messages up to this size.
async fn serve_with(stream: TcpStream, max_payload: usize) {
    let (read, mut write) = stream.into_split();
    let info = format!(
        "INFO {{\"server_id\":\"X\",\"version\":\"2.9.10\",\"max_payload\":{max_payload},\"proto\":1}}\r\n"
    );
    write.write_all(info.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "PING" && write.write_all(b"PONG\r\n").await.is_err() {
            return;
        }
    }
}
