//! `router.active_apps`: which apps had requests, told at an interval to who counts them.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::Error;
use crate::registry_task::ActiveApps;

/// Apps of one message, which then is less than half of what a server takes by default.
const APPS: usize = 20_000;

/// Publishes what is active at each interval: a compressed array of JSON, also where it is empty (18.3 of the control-plane
/// reference).
pub(super) async fn publish(
    apps: Arc<ActiveApps>,
    interval: Duration,
    client: &Client,
) -> Result<(), Error> {
    let mut ticks = time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // What is active meanwhile is told when the server is back.
        if client.connection_state() != State::Connected {
            continue;
        }
        let taken = Arc::clone(&apps);
        let compressed = tokio::task::spawn_blocking(move || messages(&taken.take()));
        let messages = compressed.await.unwrap_or_else(|died| Err(died.into()));
        if let Err(error) = send(messages, client).await {
            tracing::error!(
                component = "router",
                error,
                "error-publishing-active-apps-to-nats"
            );
        }
    }
}

async fn send(messages: io::Result<Vec<Vec<u8>>>, client: &Client) -> Result<(), String> {
    for message in messages.map_err(|error| error.to_string())? {
        let sent = client.publish("router.active_apps", message.into()).await;
        sent.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// One message, or several where one would be too large.
fn messages(apps: &[Box<str>]) -> io::Result<Vec<Vec<u8>>> {
    if apps.is_empty() {
        return Ok(vec![message(apps)?]);
    }
    apps.chunks(APPS).map(message).collect()
}

fn message(apps: &[Box<str>]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&serde_json::to_vec(apps)?)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn read(message: &[u8]) -> Vec<String> {
        let mut text = String::new();
        let mut decoder = ZlibDecoder::new(message);
        decoder.read_to_string(&mut text).expect("it is compressed");
        serde_json::from_str(&text).expect("JSON")
    }

    /// C-429: nothing active is an empty array
    #[test]
    fn a_message_is_a_compressed_array() {
        let none = messages(&[]).expect("a message");
        assert_eq!(none.len(), 1);
        assert!(read(&none[0]).is_empty());
        let two = messages(&["b".into(), "a\"".into()]).expect("a message");
        assert_eq!(read(&two[0]), ["b", "a\""]);
    }

    #[test]
    fn many_apps_are_told_in_messages_that_a_server_takes() {
        let apps = (0..50_000).map(|_| uuid::Uuid::new_v4().to_string().into());
        let apps: Vec<Box<str>> = apps.collect();
        let messages = messages(&apps).expect("messages");
        assert!(messages.iter().all(|message| message.len() < 512 * 1024));
        let all: Vec<_> = messages.iter().flat_map(|message| read(message)).collect();
        assert!(
            all.iter()
                .map(String::as_str)
                .eq(apps.iter().map(|app| &**app))
        );
    }
}
