//! What a table holds, by number.

use pointsman_routing::Table;

use crate::publishers::{ADDRESSES, Name, SEGMENTS, URIS, key, number_of};

/// An endpoint as it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) segment: usize,
    pub(crate) orphan: bool,
}

/// The endpoints of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings([[Option<Held>; ADDRESSES]; URIS.len()]);

impl Holdings {
    pub(crate) fn of(table: &Table) -> Self {
        let mut holdings = Self::default();
        let mut found = 0;
        for (uri, held) in holdings.0.iter_mut().enumerate() {
            let endpoints = table.get(key(uri)).map_or(&[][..], |it| it.endpoints());
            for endpoint in endpoints {
                let segment = SEGMENTS.iter().position(|it| *it == endpoint.segment());
                held[number_of(endpoint.address().as_str())] = Some(Held {
                    segment: segment.expect("a known segment"),
                    orphan: endpoint.is_orphan(),
                });
                found += 1;
            }
        }
        assert_eq!(table.endpoints(), found, "nothing else is served");
        holdings
    }

    pub(crate) fn get(&self, (uri, number): Name) -> Option<Held> {
        self.0[uri][number]
    }

    pub(crate) fn has(&self, name: Name) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn is_orphan(&self, name: Name) -> bool {
        self.get(name).is_some_and(|held| held.orphan)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Name, Held)> {
        let all = self.0.iter().enumerate();
        all.flat_map(|(uri, held)| {
            let held = held.iter().enumerate();
            held.filter_map(move |(number, held)| Some(((uri, number), (*held)?)))
        })
    }
}
