//! Handles what was heard, in its order, and tells the registry; and whether the source is away.

use std::sync::Arc;
use std::time::Duration;

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
pub(super) struct Reader {
    policy: Policy,
    refusals: Arc<Refusals>,
    /// How long a route counts at least, in seconds.
    least: i64,
}

impl Reader {
    /// `listed`: for how long what a list had counts in any case.
    pub(super) fn new(policy: Policy, refusals: Arc<Refusals>, listed: Duration) -> Self {
        let seconds = listed.as_secs() + u64::from(listed.subsec_nanos() > 0);
        Self {
            policy,
            refusals,
            least: i64::try_from(seconds).unwrap_or(i64::MAX),
        }
    }

    fn read(&self, route: &Route) -> Option<Registration> {
        let mut registration = self.accept(route)?;
        // The API ends a route when its own time is over, and says so. A time that is shorter than lists are apart would have
        // the route come and go although each of them has it.
        let given = &mut registration.stale_threshold_seconds;
        if *given > 0 {
            *given = self.least.max(*given);
        }
        Some(registration)
    }

    fn accept(&self, route: &Route) -> Option<Registration> {
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
    pub(super) fn new(reader: Reader, metrics: Metrics, source: Source) -> Self {
        Self {
            table: Table::default(),
            reader,
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

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn what_is_listed_counts_until_it_is_listed_again() {
        let listed = super::super::listing::span(Duration::from_millis(10_100));
        let refusals = Arc::new(Refusals::new(&mut Registry::default()));
        let reader = Reader::new(Policy::default(), refusals, listed);
        let seconds = |ttl: Option<i64>| {
            let route = Route {
                route: "a.example.com".to_owned(),
                port: 80,
                ip: "10.0.0.1".to_owned(),
                ttl,
                ..Route::default()
            };
            let read = reader.read(&route).expect("it is good");
            read.stale_threshold_seconds
        };
        // Two lists, and five seconds for one that takes long.
        assert_eq!((seconds(Some(1)), seconds(Some(25))), (26, 26));
        assert_eq!((seconds(Some(27)), seconds(Some(120))), (27, 120));
        assert_eq!((seconds(None), seconds(Some(0))), (0, 0), "the default");
        assert_eq!(seconds(Some(-1)), -1);
    }
}
