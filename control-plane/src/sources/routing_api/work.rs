//! Handles what was heard, in its order, and tells the registry; and whether the source is away.

use std::sync::Arc;

use pointsman_registry::Registration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::metrics::Metrics;
use super::route::Route;
use super::table::Table;
use super::{Error, Heard};
use crate::registry_task::{Ended, Event, Source};
use crate::sources::message::Policy;
use crate::sources::refusals::{Origin, Refusals};

/// The one who handles.
pub(super) struct Work {
    table: Table,
    reader: Reader,
    metrics: Metrics,
    source: Source,
    /// When the API was heard last; `None` while it is away.
    heard: Option<Instant>,
}

/// Makes registrations of routes, and tells what it refuses.
struct Reader {
    policy: Policy,
    refusals: Arc<Refusals>,
}

impl Reader {
    fn read(&self, route: &Route) -> Option<Registration> {
        let read = route.registration(&self.policy);
        read.inspect_err(|refusal| {
            let payload = match &route.unread {
                Some(unread) => unread.text.clone().into_bytes(),
                // Texts and numbers always have a JSON form.
                None => serde_json::to_vec(route).unwrap_or_default(),
            };
            let origin = Origin {
                component: "route-fetcher",
                subject: "routing_api",
                publisher: &route.ip,
                payload: &payload,
            };
            self.refusals.report(refusal, origin);
        })
        .ok()
    }
}

impl Work {
    pub(super) fn new(
        policy: Policy,
        refusals: Arc<Refusals>,
        metrics: Metrics,
        source: Source,
    ) -> Self {
        Self {
            table: Table::default(),
            reader: Reader { policy, refusals },
            metrics,
            source,
            heard: None,
        }
    }

    /// Handles until nobody tells anything any more. `ask` wakes who asks for the list.
    pub(super) async fn run(
        mut self,
        mut waiting: mpsc::Receiver<Heard>,
        ask: &Notify,
    ) -> Result<(), Error> {
        while let Some(heard) = waiting.recv().await {
            match heard {
                Heard::Asked => self.table.asked(),
                Heard::Listed(routes) => self.listed(routes).await?,
                Heard::NotListed => self.away().await?,
                Heard::Changed(change) => {
                    self.metrics.events.inc();
                    self.heard = self.heard.map(|_| Instant::now());
                    let heard = self.table.changed(change, |route| self.reader.read(route));
                    if heard.ask {
                        ask.notify_one();
                    }
                    if let Some(event) = heard.event {
                        self.source.send(event).await?;
                    }
                    self.show();
                }
            }
        }
        Ok(())
    }

    /// The list is there. The source comes back after what it says: nothing of that ages while it is told.
    pub(super) async fn listed(&mut self, routes: Vec<Route>) -> Result<(), Ended> {
        tracing::debug!(
            component = "route-fetcher",
            "number-of-routes" = routes.len(),
            "syncer-refreshing-endpoints"
        );
        let events = self.table.listed(routes, |route| self.reader.read(route));
        for event in events {
            self.source.send(event).await?;
        }
        if self.heard.replace(Instant::now()).is_none() {
            self.source.send(Event::Returned).await?;
        }
        self.metrics.lists.inc();
        self.metrics.listed.set(1);
        self.show();
        Ok(())
    }

    /// Without the list nothing is heard anew, so nothing may age: since the API was heard last.
    async fn away(&mut self) -> Result<(), Ended> {
        self.metrics.listed.set(0);
        match self.heard.take() {
            Some(last_heard) => self.source.send(Event::Lost { last_heard }).await,
            None => Ok(()),
        }
    }

    fn show(&self) {
        let routes = i64::try_from(self.table.routes()).unwrap_or(i64::MAX);
        self.metrics.routes.set(routes);
    }
}
