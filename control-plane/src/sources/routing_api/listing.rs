//! Asks for the list: at the start, at every interval, and whenever somebody wants to know.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::clients::Failure;
use super::list;
use super::route::Route;
use super::wait::Waits;
use super::{Error, FirstConnection, Heard, Shared};

/// A list that is not there within this time counts as one that cannot be had, until it is: the registry must know before
/// what was heard last is stale.
const PATIENCE: Duration = Duration::from_secs(5);

/// For how long what a list had counts at least: one list may be lost, and the next one may take its time.
pub(super) fn span(interval: Duration) -> Duration {
    interval.saturating_mul(2).saturating_add(PATIENCE)
}

/// The list. A token that is refused is replaced once.
async fn fetch(shared: &Shared) -> Result<Vec<Route>, Failure> {
    let token = shared.tokens.token(None).await?;
    let text = match shared.api.routes(&token).await {
        Err(Failure::Unauthorized) => {
            let another = shared.tokens.token(Some(&token)).await?;
            shared.api.routes(&another).await?
        }
        answer => answer?,
    };
    let read = move || list::read(&text);
    // A large one takes its time.
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.map_err(|error| Failure::Unreadable(error.to_string()))?;
    read.map_err(|error| Failure::Unreadable(error.to_string()))
}

/// The first list.
///
/// # Errors
///
/// When there is none at the first try, and the settings let it be tried once.
pub(super) async fn first(shared: &Shared) -> Result<Vec<Route>, Error> {
    let mut waits = Waits::new(shared.settings.reconnect_max_wait);
    loop {
        let failure = match fetch(shared).await {
            Ok(routes) => return Ok(routes),
            Err(failure) => failure.to_string(),
        };
        if shared.settings.first_connection == FirstConnection::Once {
            tracing::error!(
                component = "route-fetcher",
                error = failure,
                "routing-api-connection-failed"
            );
            return Err(Error::NoConnection(failure));
        }
        shared.metrics.list_errors.inc();
        tracing::warn!(
            component = "route-fetcher",
            error = failure,
            "routing-api-connection-not-yet-made"
        );
        time::sleep(waits.next(fastrand::f64())).await;
    }
}

/// Asks again and again, one at a time.
pub(super) async fn repeat(
    shared: &Shared,
    heard: &mpsc::Sender<Heard>,
    ask: &Notify,
) -> Result<(), Error> {
    let interval = shared.settings.interval;
    let mut ticks = time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            () = ask.notified() => true,
        };
        if asked {
            ticks.reset();
        }
        // Nobody hears any more only when this ends as well.
        if heard.send(Heard::Asked).await.is_err() {
            return Ok(());
        }
        tracing::debug!(component = "route-fetcher", "syncer-fetch-routes-started");
        let said = once(shared, heard, asked).await;
        tracing::debug!(component = "route-fetcher", "syncer-fetch-routes-completed");
        if heard.send(said).await.is_err() {
            return Ok(());
        }
    }
}

/// One list, or that there is none. `asked`: somebody wants to know it, and it is not for the interval.
async fn once(shared: &Shared, heard: &mpsc::Sender<Heard>, asked: bool) -> Heard {
    let mut list = pin!(fetch(shared));
    let answer = match time::timeout(PATIENCE, &mut list).await {
        Ok(answer) => answer,
        Err(_) => {
            // Whether it is heard is seen by the next one who tells something.
            let _ = heard.send(Heard::NotListed).await;
            list.await
        }
    };
    let failure = match answer {
        Ok(routes) => return Heard::Listed(routes),
        Err(failure) => failure.to_string(),
    };
    shared.metrics.list_errors.inc();
    if asked {
        tracing::error!(
            component = "route-fetcher",
            error = failure,
            "failed-to-refresh-routes"
        );
    } else {
        tracing::error!(
            component = "route-fetcher",
            error = failure,
            "failed-to-fetch-routes"
        );
    }
    Heard::NotListed
}
