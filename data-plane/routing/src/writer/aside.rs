//! A table of other things than those that are held, for the same workers.
//!
//! Workers keep what they know of an endpoint under the index of its state, so every table that they are given, one after
//! the other, has to come from the one book of states.

use std::sync::Arc;

use super::Writer;
use crate::{Settings, Table, Thing};

/// Things beside those that are held. Give it back with [`Writer::drop_aside`].
#[derive(Debug)]
pub struct Aside {
    writer: Writer,
}

impl Writer {
    /// Room for a table of other things.
    #[must_use]
    pub fn aside(&self) -> Aside {
        let mut writer = Self::new(self.store.next().seed);
        writer.begin(1);
        Aside { writer }
    }

    /// Puts things into it, in the order of [`Self::things`]. What cannot stand is left out.
    pub fn fill_aside(&mut self, aside: &mut Aside, things: impl IntoIterator<Item = Thing>) {
        self.with_states_of(aside, |writer| {
            things.into_iter().for_each(|thing| writer.upsert(thing));
        });
    }

    /// Cuts a table of what is in it.
    #[must_use]
    pub fn table_aside(&mut self, aside: &mut Aside, settings: Settings) -> Arc<Table> {
        self.with_states_of(aside, |writer| {
            writer.set_settings(settings);
            writer.publish()
        })
    }

    /// Lets go of it. What is served from its table goes on.
    pub fn drop_aside(&mut self, aside: Aside) {
        let Aside { writer } = aside;
        for route in writer.store.iter() {
            for endpoint in route.endpoints() {
                self.states.unregister(&endpoint.state);
            }
        }
        drop(writer);
        self.changed = true;
    }

    /// Does something with it while it has the states that are known here.
    fn with_states_of<T>(&mut self, aside: &mut Aside, work: impl FnOnce(&mut Self) -> T) -> T {
        let other = &mut aside.writer;
        std::mem::swap(&mut self.interned, &mut other.interned);
        std::mem::swap(&mut self.states, &mut other.states);
        let done = work(other);
        std::mem::swap(&mut self.interned, &mut other.interned);
        std::mem::swap(&mut self.states, &mut other.states);
        done
    }
}
