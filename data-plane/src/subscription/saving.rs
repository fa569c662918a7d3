//! A table in the words of the contract, as it goes to the disk, or to who has none.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::{Route, Table, Time};
use prost::Message;

use super::to_proto;
use crate::persisted::Writing;

/// A frame is closed when it carries so many bytes.
const FULL: usize = 64 * 1024;

/// Into how many groups orphans are divided by how long they still live. What comes beyond is kept
/// as long as the shortest-lived group.
const GROUPS: usize = 64;

/// Where frames go.
pub(super) trait Sink {
    /// Takes things that the last confirmation covers.
    fn things(&mut self, count: u64, carried: &[u8]) -> io::Result<()>;

    /// Takes things that are kept for so long though no control plane confirms them.
    fn orphans(&mut self, left: Duration, count: u64, carried: &[u8]) -> io::Result<()>;
}

impl<W: Write> Sink for Writing<W> {
    fn things(&mut self, count: u64, carried: &[u8]) -> io::Result<()> {
        Self::things(self, count, carried)
    }

    fn orphans(&mut self, left: Duration, count: u64, carried: &[u8]) -> io::Result<()> {
        Self::orphans(self, left, count, carried)
    }
}

/// Writes all that a table holds, orphans with the time that they have left.
pub(super) fn write(table: &Table, now: Time, to: &mut impl Sink) -> io::Result<()> {
    let mut frames = Frames {
        to,
        things: Filling::default(),
        orphans: BTreeMap::new(),
    };
    for route in table.iter() {
        frames.route(route, now)?;
    }
    frames.finish()
}

/// What is gathered until it fills a frame.
#[derive(Default)]
struct Filling {
    carried: Vec<u8>,
    count: u64,
}

struct Frames<'a, S> {
    to: &'a mut S,
    things: Filling,
    /// By the seconds that they have left.
    orphans: BTreeMap<u64, Filling>,
}

impl Filling {
    /// Batches that follow each other in bytes are one batch of all their things.
    fn add(&mut self, things: Vec<v1::Thing>) -> io::Result<()> {
        self.count += things.len() as u64;
        let batch = v1::Batch { things };
        batch.encode(&mut self.carried).map_err(io::Error::other)
    }

    fn clear(&mut self) {
        self.carried.clear();
        self.count = 0;
    }
}

impl<S: Sink> Frames<'_, S> {
    fn route(&mut self, route: &Route, now: Time) -> io::Result<()> {
        self.add(vec![to_proto::attributes_of(route)])?;
        for endpoint in route.endpoints() {
            let thing = to_proto::endpoint_of(route, endpoint);
            match endpoint.orphan_until() {
                Some(until) => self.add_orphan(thing, until.since(now))?,
                None => self.add(vec![thing])?,
            }
        }
        Ok(())
    }

    fn add(&mut self, things: Vec<v1::Thing>) -> io::Result<()> {
        self.things.add(things)?;
        if self.things.carried.len() >= FULL {
            self.flush_things()?;
        }
        Ok(())
    }

    fn add_orphan(&mut self, thing: v1::Thing, left: Duration) -> io::Result<()> {
        let mut seconds = left.as_secs();
        if self.orphans.len() >= GROUPS
            && !self.orphans.contains_key(&seconds)
            && let Some((shortest, _)) = self.orphans.first_key_value()
        {
            seconds = *shortest;
        }
        let filling = self.orphans.entry(seconds).or_default();
        filling.add(vec![thing])?;
        if filling.carried.len() >= FULL {
            self.flush_orphans(seconds)?;
        }
        Ok(())
    }

    fn flush_things(&mut self) -> io::Result<()> {
        if self.things.count > 0 {
            self.to.things(self.things.count, &self.things.carried)?;
            self.things.clear();
        }
        Ok(())
    }

    /// The attributes of a route stand before all of its endpoints.
    fn flush_orphans(&mut self, seconds: u64) -> io::Result<()> {
        self.flush_things()?;
        if let Some(filling) = self.orphans.get_mut(&seconds) {
            let left = Duration::from_secs(seconds);
            self.to.orphans(left, filling.count, &filling.carried)?;
            filling.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush_things()?;
        let groups: Vec<_> = self.orphans.keys().copied().collect();
        for seconds in groups {
            if self
                .orphans
                .get(&seconds)
                .is_some_and(|filling| filling.count > 0)
            {
                self.flush_orphans(seconds)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
