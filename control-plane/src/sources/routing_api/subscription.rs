//! Follows the stream of events, and asks for it again when it breaks off.

use std::time::Duration;

use reqwest::Response;
use tokio::sync::{Notify, mpsc};
use tokio::time::{self, Instant};

use super::clients::Failure;
use super::route::Change;
use super::sse;
use super::tokens::Token;
use super::wait::Waits;
use super::{Error, Heard, Shared};

/// A stream that lasted as long as this was a good one: the next is asked for after a short wait.
const LASTED: Duration = Duration::from_secs(10);

/// Follows until nobody hears any more.
pub(super) async fn follow(
    shared: &Shared,
    heard: &mpsc::Sender<Heard>,
    ask: &Notify,
) -> Result<(), Error> {
    let mut waits = Waits::new(shared.settings.reconnect_max_wait);
    let mut refused = None;
    while !heard.is_closed() {
        match shared.tokens.token(refused.as_ref()).await {
            Err(failure) => {
                tracing::error!(
                    component = "route-fetcher",
                    error = %failure,
                    "failed-to-fetch-token"
                );
            }
            Ok(token) => {
                let begun = Instant::now();
                let failure = one_stream(shared, &token, (heard, ask)).await;
                if begun.elapsed() >= LASTED {
                    waits.reset();
                }
                refused = matches!(failure, Failure::Unauthorized).then_some(token);
            }
        }
        time::sleep(waits.next(fastrand::f64())).await;
    }
    Ok(())
}

/// One stream from its beginning to its end, and why it ended.
async fn one_stream(
    shared: &Shared,
    token: &Token,
    (heard, ask): (&mpsc::Sender<Heard>, &Notify),
) -> Failure {
    tracing::info!(
        component = "route-fetcher",
        "subscribing-to-routing-api-event-stream"
    );
    let stream = match shared.api.events(token).await {
        Ok(stream) => stream,
        Err(failure) => {
            shared.metrics.subscription_errors.inc();
            tracing::error!(
                component = "route-fetcher",
                error = %failure,
                "failed-subscribing-to-routing-api-event-stream"
            );
            return failure;
        }
    };
    tracing::info!(
        component = "route-fetcher",
        "Successfully-subscribed-to-routing-api-event-stream"
    );
    shared.metrics.subscribed.set(1);
    // What happened before the stream began is in the list only.
    ask.notify_one();
    let failure = read(shared, stream, heard).await;
    shared.metrics.subscribed.set(0);
    shared.metrics.subscription_errors.inc();
    // With what follows the name in Gorouter, which is nothing.
    tracing::error!(
        component = "route-fetcher",
        error = %failure,
        "failed-getting-next-event: "
    );
    failure
}

/// Hands over what a stream says, until it ends. The next event is read when there is room for this one.
async fn read(shared: &Shared, mut stream: Response, heard: &mpsc::Sender<Heard>) -> Failure {
    let mut reader = sse::Reader::default();
    let mut events = Vec::new();
    loop {
        let bytes = match stream.chunk().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Failure::Connection("the stream has ended".to_owned()),
            Err(error) => return error.into(),
        };
        let read = reader.read(&bytes, &mut events);
        for event in events.drain(..) {
            match Change::read(&event) {
                Ok(Some(change)) => {
                    if heard.send(Heard::Changed(change)).await.is_err() {
                        return Failure::Connection("nobody hears it any more".to_owned());
                    }
                }
                Ok(None) => drop(shared.metrics.ignored.inc()),
                Err(error) => return Failure::Unreadable(error.to_string()),
            }
        }
        if let Err(too_large) = read {
            return Failure::Unreadable(too_large.to_string());
        }
    }
}
