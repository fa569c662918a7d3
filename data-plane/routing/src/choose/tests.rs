//! One worker, and what it chooses.

mod asked;
mod best;
mod hashed;
mod least_connection;
mod limits;
mod marks;
mod near;
mod orphans;
mod round_robin;
mod set_aside;
mod slow_start;
mod workers;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::testing::{at, endpoint, key, route, writer};
use crate::{Attributes, EndpointThing, Table, Thing, Writer};

const MARK_TIME: Duration = Duration::from_secs(30);

/// One worker with its cursors, and the table that it sees.
struct Worker {
    writer: Writer,
    table: Arc<Table>,
    cursors: Cursors,
    settings: Settings,
    random: u64,
    max_connections: u32,
    near: Option<Near<'static>>,
    slow_start: Duration,
}

impl Worker {
    fn with(endpoints: usize) -> Self {
        Self::of(writer(&[("app", endpoints)]))
    }

    fn of(mut writer: Writer) -> Self {
        Self {
            table: writer.publish(),
            writer,
            cursors: Cursors::new(),
            settings: Settings {
                mark_time: MARK_TIME,
                ..Settings::default()
            },
            random: 0,
            max_connections: 0,
            near: None,
            slow_start: Duration::ZERO,
        }
    }

    fn least_connection(mut self) -> Self {
        self.settings.default_algorithm = Algorithm::LeastConnection;
        self
    }

    fn limit(mut self, max_connections: u32) -> Self {
        self.max_connections = max_connections;
        self
    }

    fn upsert(&mut self, thing: EndpointThing) {
        self.writer.upsert(Thing::Endpoint(Box::new(thing)));
        self.table = self.writer.publish();
    }

    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.table.get(&key("app")).unwrap().endpoints().to_vec()
    }

    fn next(&mut self, selection: &mut Selection, millis: u64) -> Result<Lease, Unavailable> {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let route = Arc::clone(self.table.get(&key("app")).unwrap());
        selection.next(
            &route,
            &mut Context {
                settings: &self.settings,
                cursors: &mut self.cursors,
                now: at(millis),
                random: self.random,
                max_connections: self.max_connections,
                near: self.near,
                slow_start: self.slow_start,
            },
        )
    }

    /// One request with one attempt, at once over.
    fn once(&mut self, millis: u64) -> Result<usize, Unavailable> {
        let lease = self.next(&mut Selection::new(), millis)?;
        Ok(self.number(&lease))
    }

    fn number(&self, lease: &Lease) -> usize {
        self.endpoints()
            .iter()
            .position(|endpoint| endpoint.address() == lease.endpoint().address())
            .unwrap()
    }
}
