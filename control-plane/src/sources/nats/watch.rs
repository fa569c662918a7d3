//! Watches the connection: tells the registry when the source is away, publishers when it is back, and people both.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use tokio::sync::Notify;
use tokio::time::{self, Instant, Interval, MissedTickBehavior};

use super::backlog::Backlog;
use super::connect::{Connection, Peer};
use super::presence::{Change, Presence};
use super::{Error, Shared, announce};
use crate::registry_task;

/// How often the connection is looked at without being asked to.
const LOOK: Duration = Duration::from_secs(1);

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
}

impl State {
    pub(super) fn connected() -> Self {
        Self {
            disconnected: false,
            dropping: false,
            ask_again: Instant::now(),
        }
    }

    fn away(&self) -> bool {
        self.disconnected || self.dropping
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
                    tracing::info!(component = "nats", "nats-connection-still-disconnected");
                }
                () = drops.notified() => self.dropped().await?,
                () = recovered(&backlog, self.state.ask_again), if can_recover => {
                    self.recover().await?;
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
        if !self.state.dropping {
            let dropped = self.backlog.level().dropped;
            tracing::warn!(component = "nats", dropped, "nats-messages-dropped");
        }
        let was_away = self.state.away();
        self.state.dropping = true;
        self.tell(was_away, Instant::now()).await
    }

    /// Everything that was received is handled: asks publishers for what was dropped.
    async fn recover(&mut self) -> Result<(), Error> {
        let was_away = self.state.away();
        self.state.dropping = false;
        self.state.ask_again = Instant::now() + self.shared.announcement.registration_interval;
        self.tell(was_away, Instant::now()).await?;
        let dropped = self.backlog.level().dropped;
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

/// Waits until nothing waits any more, and publishers may be asked again.
async fn recovered(backlog: &Backlog, ask_again: Instant) {
    time::sleep_until(ask_again).await;
    backlog.handled().await;
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = time::interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
