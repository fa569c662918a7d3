//! Watches the connection: tells the registry when the source is away, publishers when it is back, and people both.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{ClientError, Event};
use tokio::sync::Notify;
use tokio::time::{self, Instant, Interval, MissedTickBehavior};

use super::backlog::Backlog;
use super::connect::{Connection, EVENTS, Peer};
use super::presence::{Change, Presence};
use super::{Error, Shared, announce};
use crate::registry_task;

/// How often the connection is looked at without being asked to.
const LOOK: Duration = Duration::from_secs(1);

/// How long after the first drop publishers are asked again at the latest, though more waits than can be handled: a flood
/// may last.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Watch<'a> {
    pub(super) shared: &'a Shared,
    pub(super) connection: Connection,
    pub(super) source: registry_task::Source,
    pub(super) backlog: Arc<Backlog>,
    /// Woken when a message was dropped.
    pub(super) drops: Arc<Notify>,
    /// The server that is or was connected.
    pub(super) peer: Peer,
    pub(super) presence: Presence,
    pub(super) state: State,
}

/// Why the source is away, if it is. The registry hears of the first reason and of the end of the last.
#[derive(Debug)]
pub(super) struct State {
    disconnected: bool,
    /// Messages were dropped, and publishers were not asked to repeat them yet.
    dropping: bool,
    /// Publishers are not asked again before this.
    ask_again: Instant,
    /// By then they are asked, whatever still waits.
    ask_anyway: Instant,
    /// How many messages had been dropped when they were asked last.
    asked_for: u64,
}

impl State {
    pub(super) fn connected() -> Self {
        let now = Instant::now();
        Self {
            disconnected: false,
            dropping: false,
            ask_again: now,
            ask_anyway: now,
            asked_for: 0,
        }
    }

    fn away(&self) -> bool {
        self.disconnected || self.dropping
    }

    /// A message was dropped.
    fn drops(&mut self) {
        if !self.dropping {
            self.ask_anyway = self.ask_again.max(Instant::now()) + PATIENCE;
        }
        self.dropping = true;
    }

    /// Publishers are asked, and not again before an interval is over, in which they answer.
    fn asks(&mut self, recovered: bool, interval: Duration) {
        self.dropping = !recovered;
        self.ask_again = Instant::now() + interval;
        self.ask_anyway = self.ask_again;
    }
}

impl Watch<'_> {
    /// Watches until the connection is closed for good, which nobody asks it to be.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let mut looks = ticks(LOOK);
        let mut reminders = ticks(self.shared.settings.ping_interval);
        loop {
            let backlog = Arc::clone(&self.backlog);
            let drops = Arc::clone(&self.drops);
            let can_recover = self.state.dropping && !self.state.disconnected;
            tokio::select! {
                event = self.connection.events.recv() => self.note(event)?,
                _ = looks.tick() => self.shared.metrics.show(self.backlog.level()),
                _ = reminders.tick(), if self.state.disconnected => {
                    let servers = &self.connection.servers;
                    tracing::info!(
                        component = "nats",
                        error = servers.failure(),
                        server = servers.last(),
                        "nats-connection-still-disconnected"
                    );
                }
                () = drops.notified() => self.dropped().await?,
                recovered = recovered(&backlog, &self.state), if can_recover => {
                    self.ask_again(recovered).await?;
                }
            }
            match self.presence.look(self.connection.sample()) {
                Change::None => {}
                Change::Lost(last_heard) => {
                    reminders.reset();
                    self.lost(last_heard).await?;
                }
                Change::Returned => self.returned().await?,
                Change::Replaced(last_heard) => {
                    self.lost(last_heard).await?;
                    self.returned().await?;
                }
            }
        }
    }

    /// Takes note of what the library says. What it says about the connection is seen by looking at it.
    fn note(&self, event: Option<Event>) -> Result<(), Error> {
        match event {
            None | Some(Event::Closed) => return Err(Error::Closed),
            Some(Event::SlowConsumer(_)) => {
                self.backlog.dropped_elsewhere(1);
                self.drops.notify_one();
            }
            Some(Event::ServerError(error)) => {
                tracing::warn!(component = "nats", error = %error, "nats-server-error");
            }
            Some(Event::ClientError(error)) => {
                if let ClientError::Other(kind) = &error {
                    self.connection.servers.failed(kind);
                }
                tracing::debug!(component = "nats", error = %error, "nats-client-error");
            }
            Some(Event::LameDuckMode) => {
                tracing::info!(component = "nats", "nats-server-is-leaving");
            }
            Some(Event::Connected | Event::Disconnected | Event::Draining) => {}
        }
        Ok(())
    }

    async fn lost(&mut self, last_heard: Instant) -> Result<(), Error> {
        self.shared.metrics.connected.set(0);
        let Peer { host, addr } = &self.peer;
        tracing::info!(
            component = "nats",
            host,
            addr,
            "nats-connection-disconnected"
        );
        let was_away = self.state.away();
        self.state.disconnected = true;
        self.tell(was_away, last_heard).await
    }

    async fn returned(&mut self) -> Result<(), Error> {
        self.shared.metrics.connected.set(1);
        self.shared.metrics.connections.inc();
        self.connection.servers.connected();
        let was_away = self.state.away();
        self.state.disconnected = false;
        self.tell(was_away, Instant::now()).await?;
        if let Err(error) = announce(self.shared, &self.connection.client).await {
            tracing::error!(
                component = "subscriber",
                error = %error,
                "failed-to-send-start-message"
            );
        }
        self.peer = self.connection.peer().await;
        let Peer { host, addr } = &self.peer;
        tracing::info!(
            component = "nats",
            host,
            addr,
            "nats-connection-reconnected"
        );
        Ok(())
    }

    async fn dropped(&mut self) -> Result<(), Error> {
        let dropped = self.backlog.level().dropped;
        if dropped == self.state.asked_for {
            return Ok(());
        }
        if !self.state.dropping {
            tracing::warn!(component = "nats", dropped, "nats-messages-dropped");
        }
        let was_away = self.state.away();
        self.state.drops();
        self.tell(was_away, Instant::now()).await
    }

    /// Asks publishers for what was dropped. Until everything that was received is handled, which `recovered` says, more
    /// may be dropped, and then they are asked once more.
    async fn ask_again(&mut self, recovered: bool) -> Result<(), Error> {
        // The answers make up for what the library has told of and nobody looked at, as well.
        for _ in 0..EVENTS {
            match self.connection.events.try_recv() {
                Ok(event) => self.note(Some(event))?,
                Err(_) => break,
            }
        }
        let was_away = self.state.away();
        let interval = self.shared.announcement.registration_interval;
        self.state.asks(recovered, interval);
        self.tell(was_away, Instant::now()).await?;
        let dropped = self.backlog.level().dropped;
        if std::mem::replace(&mut self.state.asked_for, dropped) == dropped {
            return Ok(());
        }
        tracing::info!(component = "nats", dropped, "nats-messages-asked-for-again");
        announce(self.shared, &self.connection.client).await
    }

    /// Tells the registry, where a change made the source go away or come back.
    async fn tell(&self, was_away: bool, last_heard: Instant) -> Result<(), Error> {
        let event = match (was_away, self.state.away()) {
            (false, true) => registry_task::Event::Lost { last_heard },
            (true, false) => registry_task::Event::Returned,
            (true, true) | (false, false) => return Ok(()),
        };
        Ok(self.source.send(event).await?)
    }
}

/// Waits until publishers may be asked again, and nothing waits any more or they have to be asked anyway. Whether nothing
/// waits.
async fn recovered(backlog: &Backlog, state: &State) -> bool {
    time::sleep_until(state.ask_again).await;
    let handled = time::timeout_at(state.ask_anyway, backlog.handled());
    handled.await.is_ok()
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::super::backlog::{Kind, Received};
    use super::super::settings::Pending;
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(20);

    /// publishers are asked again while a flood lasts, once in an interval, and when it is over
    #[tokio::test(start_paused = true)]
    async fn publishers_are_asked_again_though_a_flood_lasts() {
        let backlog = Backlog::new(Pending::default());
        let message = Received {
            kind: Kind::Register,
            payload: "{}".into(),
        };
        backlog.push([message]).unwrap();
        let start = Instant::now();
        let mut state = State::connected();
        state.drops();
        for round in 0..3 {
            // As each drop of a flood does.
            state.drops();
            assert!(!recovered(&backlog, &state).await, "one still waits");
            assert_eq!(start.elapsed(), PATIENCE + round * INTERVAL);
            state.asks(false, INTERVAL);
            assert!(state.away());
        }
        let mut taken = Vec::new();
        backlog.next(1, &mut taken).await;
        let next = time::timeout(INTERVAL, backlog.next(1, &mut taken));
        let (recovered, _) = tokio::join!(recovered(&backlog, &state), next);
        assert!(recovered);
        state.asks(recovered, INTERVAL);
        assert!(!state.away());
    }
}
