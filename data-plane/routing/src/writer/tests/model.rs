//! Against plain maps.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use super::*;
use crate::{Rejection, ThingKind};

/// One step of a control plane whose every change is sent at once.
#[derive(Clone, Debug)]
enum Change {
    PutRoute {
        uri: usize,
        segment: usize,
        generation: u64,
        rejected: bool,
    },
    PutEndpoint {
        uri: usize,
        address: usize,
        segment: usize,
        generation: u64,
        silent: bool,
    },
    RemoveRoute {
        uri: usize,
        segment: usize,
    },
    RemoveEndpoint {
        uri: usize,
        address: usize,
        segment: usize,
    },
}

const URIS: [&str; 3] = ["a.com", "a.com/x", "*.com"];
const SEGMENTS: [&str; 2] = ["", "east"];

fn change() -> impl Strategy<Value = Change> {
    let (uri, segment, address) = (0..3_usize, 0..2_usize, 0..3_usize);
    prop_oneof![
        (
            uri.clone(),
            segment.clone(),
            1..3_u64,
            proptest::bool::weighted(0.2)
        )
            .prop_map(|(uri, segment, generation, rejected)| Change::PutRoute {
                uri,
                segment,
                generation,
                rejected
            }),
        (
            uri.clone(),
            address.clone(),
            segment.clone(),
            1..3_u64,
            proptest::bool::ANY
        )
            .prop_map(
                |(uri, address, segment, generation, silent)| Change::PutEndpoint {
                    uri,
                    address,
                    segment,
                    generation,
                    silent
                }
            ),
        (uri.clone(), segment.clone())
            .prop_map(|(uri, segment)| Change::RemoveRoute { uri, segment }),
        (uri, address, segment).prop_map(|(uri, address, segment)| Change::RemoveEndpoint {
            uri,
            address,
            segment
        }),
    ]
}

/// What is sent, as plain maps.
#[derive(Default)]
struct Naive {
    /// By URI and segment: generation, revision, rejected.
    routes: BTreeMap<(usize, usize), (u64, u64, bool)>,
    /// By URI and address: segment, generation, silent.
    endpoints: BTreeMap<(usize, usize), (usize, u64, bool)>,
}

impl Naive {
    fn effective(&self, uri: usize) -> Option<bool> {
        let held = self.routes.range((uri, 0)..=(uri, SEGMENTS.len()));
        held.max_by_key(|(_, (_, revision, _))| *revision)
            .map(|(_, (.., rejected))| !rejected)
    }

    fn sum(&self) -> View {
        let mut sum = View::default();
        for ((uri, segment), (generation, ..)) in &self.routes {
            let key = key(URIS[*uri]);
            sum = sum.with(digest::of_route(SEGMENTS[*segment], &key, *generation));
        }
        for ((uri, address), (segment, generation, silent)) in &self.endpoints {
            let (key, address) = (key(URIS[*uri]), text(*address));
            let segment = SEGMENTS[*segment];
            sum = sum.with(digest::of_endpoint(
                segment,
                &key,
                &address,
                *generation,
                *silent,
            ));
        }
        sum
    }
}

fn text(address: usize) -> String {
    format!("10.0.0.{address}:80")
}

fn apply(naive: &mut Naive, writer: &mut Writer, revision: u64, change: &Change) {
    match *change {
        Change::PutRoute {
            uri,
            segment,
            generation,
            rejected,
        } => {
            naive
                .routes
                .insert((uri, segment), (generation, revision, rejected));
            let thing = route_of_a_change((uri, segment), generation, revision, rejected);
            writer.upsert(thing);
        }
        // An endpoint never stands without its route's attributes.
        Change::PutEndpoint { uri, .. } if naive.effective(uri).is_none() => {}
        Change::PutEndpoint {
            uri,
            address,
            segment,
            generation,
            silent,
        } => {
            naive
                .endpoints
                .insert((uri, address), (segment, generation, silent));
            let endpoint = EndpointThing {
                segment: SEGMENTS[segment].to_owned(),
                generation,
                silent,
                ..endpoint(URIS[uri], &text(address))
            };
            send(writer, endpoint);
        }
        Change::RemoveRoute { uri, segment } => {
            naive.routes.remove(&(uri, segment));
            let removal = in_segment(segment, removal(URIS[uri], ""));
            close(writer, revision, vec![removal]);
        }
        Change::RemoveEndpoint {
            uri,
            address,
            segment,
        } => {
            let held = naive.endpoints.get(&(uri, address));
            if held.is_some_and(|held| held.0 == segment) {
                naive.endpoints.remove(&(uri, address));
            }
            let removal = in_segment(segment, removal(URIS[uri], &text(address)));
            close(writer, revision, vec![removal]);
        }
    }
}

fn in_segment(segment: usize, removal: Removal) -> Removal {
    Removal {
        segment: SEGMENTS[segment].to_owned(),
        ..removal
    }
}

fn route_of_a_change(
    (uri, segment): (usize, usize),
    generation: u64,
    revision: u64,
    rejected: bool,
) -> Thing {
    let segment = SEGMENTS[segment].to_owned();
    if !rejected {
        return Thing::Route(RouteThing {
            segment,
            generation,
            ..route(URIS[uri], revision)
        });
    }
    Thing::Rejected(Rejection {
        key: key(URIS[uri]),
        segment,
        kind: ThingKind::Route {
            revision,
            birth: 1,
            generation,
        },
        reason: String::new(),
    })
}

proptest! {
    #[test]
    fn the_table_is_what_was_sent(changes in vec(change(), 1..80)) {
        let mut writer = Writer::new(1);
        writer.begin(1);
        let mut naive = Naive::default();
        for (at, change) in changes.iter().enumerate() {
            apply(&mut naive, &mut writer, at as u64 + 1, change);
            prop_assert_eq!(writer.book.received(), naive.sum(), "{:?}", change);
            let table = writer.publish();
            let mut endpoints = 0;
            for (uri, text_of_uri) in URIS.iter().enumerate() {
                let served = table.get(&key(text_of_uri));
                prop_assert_eq!(served.is_some(), naive.effective(uri) == Some(true));
                let Some(served) = served else { continue };
                let expected: Vec<_> = naive
                    .endpoints
                    .range((uri, 0)..(uri + 1, 0))
                    .map(|((_, address), (segment, generation, silent))| {
                        (text(*address), SEGMENTS[*segment].to_owned(), *generation, *silent)
                    })
                    .collect();
                let found: Vec<_> = served
                    .endpoints()
                    .iter()
                    .map(|it| {
                        let segment = it.segment().to_owned();
                        (it.address().to_string(), segment, it.generation(), it.is_silent())
                    })
                    .collect();
                endpoints += found.len() as u64;
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(table.endpoints(), endpoints);
            prop_assert_eq!(table.routes(), table.iter().count() as u64);
        }
    }
}
