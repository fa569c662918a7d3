use std::collections::BTreeMap;

use pointsman_route_key::digest;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use super::*;
use crate::testing::{closing, endpoint, key, removal, route};
use crate::{Algorithm, Attributes, EmptyPool, EndpointThing, Rejection, RouteThing, ThingKind};

fn send_route(writer: &mut Writer, thing: RouteThing) {
    writer.upsert(Thing::Route(thing));
}

fn send(writer: &mut Writer, thing: EndpointThing) {
    writer.upsert(Thing::Endpoint(Box::new(thing)));
}

/// A writer that follows epoch 1 and was sent `app` with these endpoints, closed at revision 10.
fn following(addresses: &[&str]) -> Writer {
    let mut writer = Writer::new(3);
    writer.begin(1);
    send_route(&mut writer, route("app", 1));
    for address in addresses {
        send(&mut writer, endpoint("app", address));
    }
    let expected = writer.book.received();
    let complete = Closing {
        complete: true,
        ..closing(10, vec![], expected)
    };
    assert!(writer.close(complete).unwrap().agrees);
    writer
}

fn addresses(writer: &mut Writer, uri: &str) -> Option<Vec<String>> {
    let table = writer.publish();
    let route = table.get(&key(uri))?;
    Some(
        route
            .endpoints()
            .iter()
            .map(|endpoint| endpoint.address().to_string())
            .collect(),
    )
}

/// Closes at what was received, so that the step itself removes nothing but what it names.
fn close(writer: &mut Writer, revision: u64, removals: Vec<Removal>) -> Closed {
    writer
        .close(closing(revision, removals, View::default()))
        .unwrap()
}

const A: &str = "10.0.0.1:80";
const B: &str = "10.0.0.2:80";

#[test]
fn a_batch_adds_and_only_a_closing_step_removes() {
    let mut writer = following(&[A]);
    send(&mut writer, endpoint("app", B));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
    assert_eq!((writer.epoch(), writer.revision()), (1, 11));
}

#[test]
fn an_emptied_route_stays_until_its_attributes_go() {
    let mut writer = following(&[A]);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);
    close(&mut writer, 12, vec![removal("app", "")]);
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.held(), View::default());
}

#[test]
fn attributes_that_go_before_their_endpoints_park_them() {
    let mut writer = following(&[A]);
    close(&mut writer, 11, vec![removal("app", "")]);
    assert_eq!(addresses(&mut writer, "app"), None);
    assert_eq!(writer.held(), View::default(), "what is parked is not held");
    send_route(&mut writer, route("app", 12));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn parts_of_a_closing_step_are_applied_with_the_last() {
    let mut writer = following(&[A, B]);
    let first = Closing {
        continues: true,
        ..closing(0, vec![removal("app", A)], View::default())
    };
    assert_eq!(writer.close(first.clone()), None);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    close(&mut writer, 11, vec![removal("app", B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);

    let mut writer = following(&[A, B]);
    writer.close(first.clone());
    send(&mut writer, endpoint("app", A));
    close(&mut writer, 11, vec![]);
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "what is sent again is not gone"
    );

    let mut writer = following(&[A, B]);
    writer.close(first);
    writer.begin(1);
    close(&mut writer, 11, vec![]);
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "a cut session leaves no part"
    );
}

#[test]
fn a_removal_in_another_segment_than_the_one_that_holds_it_is_ignored() {
    let mut writer = following(&[A]);
    let moved = EndpointThing {
        segment: "east".to_owned(),
        ..endpoint("app", A)
    };
    send(&mut writer, moved);
    close(&mut writer, 11, vec![removal("app", A)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    let east = Removal {
        segment: "east".to_owned(),
        ..removal("app", A)
    };
    close(&mut writer, 12, vec![east]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [""; 0]);
}

#[test]
fn of_several_segments_the_latest_attributes_count() {
    let mut writer = following(&[A]);
    let in_segment = |segment: &str, revision, algorithm| RouteThing {
        segment: segment.to_owned(),
        generation: revision,
        attributes: Attributes {
            algorithm,
            ..Attributes::default()
        },
        ..route("app", revision)
    };
    let algorithm = |writer: &mut Writer| {
        writer
            .publish()
            .get(&key("app"))
            .and_then(|route| route.algorithm())
    };
    send_route(
        &mut writer,
        in_segment("east", 20, Some(Algorithm::LeastConnection)),
    );
    assert_eq!(algorithm(&mut writer), Some(Algorithm::LeastConnection));
    send_route(
        &mut writer,
        in_segment("west", 15, Some(Algorithm::RoundRobin)),
    );
    assert_eq!(algorithm(&mut writer), Some(Algorithm::LeastConnection));
    // The same attributes of the shared segment, only later: nothing but the order changes.
    send_route(&mut writer, route("app", 30));
    assert_eq!(algorithm(&mut writer), None);
    let east = Removal {
        segment: "east".to_owned(),
        ..removal("app", "")
    };
    close(&mut writer, 31, vec![removal("app", ""), east]);
    assert_eq!(algorithm(&mut writer), Some(Algorithm::RoundRobin));
}

#[test]
fn another_birth_voids_the_endpoints_of_the_earlier_life() {
    let mut writer = following(&[A, B]);
    send_route(
        &mut writer,
        RouteThing {
            birth: 20,
            ..route("app", 21)
        },
    );
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A, B],
        "a batch removes nothing"
    );
    send(&mut writer, endpoint("app", B));
    close(&mut writer, 22, vec![]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [B]);
}

#[test]
fn a_birth_in_another_epoch_says_nothing() {
    let mut writer = following(&[A]);
    writer.begin(2);
    send_route(
        &mut writer,
        RouteThing {
            birth: 99,
            ..route("app", 99)
        },
    );
    close(&mut writer, 100, vec![]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

/// What the new control plane of epoch 2 expects that knows the route and `A`.
fn known_to_the_next() -> View {
    let key = key("app");
    View::default()
        .with(digest::of_route("", &key, 1))
        .with(digest::of_endpoint("", &key, A, 1, false))
}

/// A new control plane sends the route and `A`, and not `B`.
fn next_epoch(writer: &mut Writer) {
    writer.begin(2);
    send_route(writer, route("app", 1));
    send(writer, endpoint("app", A));
}

fn complete(writer: &mut Writer, revision: u64) -> Closed {
    let step = closing(revision, vec![], known_to_the_next());
    writer
        .close(Closing {
            complete: true,
            ..step
        })
        .unwrap()
}

#[test]
fn a_young_control_plane_that_has_not_heard_of_a_thing_removes_nothing() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer);
    assert!(
        complete(&mut writer, 5).agrees,
        "what it does not know is not compared"
    );
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert_eq!(writer.unconfirmed(), 1);
    // Once it is authoritative, agreement at the same revision shows what it lacks.
    writer.set_authoritative(true);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    let compared = writer.compare(5, known_to_the_next());
    assert_eq!(
        compared,
        Some(Closed {
            revision: 5,
            agrees: true
        })
    );
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!(writer.unconfirmed(), 0);
}

#[test]
fn a_removal_that_was_heard_applies_also_to_what_only_an_earlier_epoch_sent() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer);
    close(&mut writer, 5, vec![removal("app", B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!(writer.unconfirmed(), 0);
}

#[test]
fn a_removal_finds_what_only_an_earlier_epoch_sent_in_any_segment() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer);
    let east = |address| Removal {
        segment: "east".to_owned(),
        ..removal("app", address)
    };
    close(&mut writer, 5, vec![east(A), east(B)]);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn an_authoritative_control_plane_s_complete_table_removes_what_it_lacks() {
    let mut writer = following(&[A, B]);
    next_epoch(&mut writer);
    writer.set_authoritative(true);
    assert!(complete(&mut writer, 5).agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn authority_of_one_epoch_is_none_of_the_next() {
    let mut writer = following(&[A, B]);
    writer.set_authoritative(true);
    next_epoch(&mut writer);
    assert!(complete(&mut writer, 5).agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
}

#[test]
fn what_the_same_epoch_sent_and_its_complete_table_lacks_is_gone() {
    let mut writer = following(&[A, B]);
    writer.begin(1);
    send_route(&mut writer, route("app", 1));
    send(&mut writer, endpoint("app", A));
    assert!(complete(&mut writer, 20).agrees);
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
}

#[test]
fn an_epoch_that_sends_the_same_again_makes_no_new_table() {
    let mut writer = following(&[A, B]);
    drop(writer.publish());
    next_epoch(&mut writer);
    send(&mut writer, endpoint("app", B));
    assert!(!writer.is_changed());
    assert_eq!(writer.unconfirmed(), 0);
}

#[test]
fn a_difference_is_told_and_everything_is_asked_for() {
    let mut writer = following(&[A]);
    assert!(!close(&mut writer, 11, vec![]).agrees);
    writer.ask_anew();
    assert_eq!((writer.epoch(), writer.revision()), (1, 0));
    assert_eq!(writer.compare(11, View::default()), None);
}

#[test]
fn a_heartbeat_is_compared_only_where_both_stand_at_the_same_place() {
    let mut writer = following(&[A]);
    let held = writer.held();
    assert!(writer.compare(10, held).unwrap().agrees);
    assert!(!writer.compare(10, View::default()).unwrap().agrees);
    assert_eq!(writer.compare(9, held), None);
    send(&mut writer, endpoint("app", B));
    assert_eq!(writer.compare(10, held), None, "a step is under way");
}

fn rejected(writer: &Writer) -> Vec<(String, String, String)> {
    let text = |thing: RejectedThing<'_>| {
        (
            thing.key.to_string(),
            thing.address.to_owned(),
            thing.reason.to_owned(),
        )
    };
    writer.rejected().map(text).collect()
}

fn reject_route(revision: u64) -> Thing {
    Thing::Rejected(Rejection {
        key: key("app"),
        segment: String::new(),
        kind: ThingKind::Route {
            revision,
            birth: 1,
            generation: revision,
        },
        reason: "no".to_owned(),
    })
}

#[test]
fn a_rejected_route_parks_its_endpoints_without_naming_them() {
    let mut writer = following(&[A]);
    writer.upsert(reject_route(20));
    assert_eq!(addresses(&mut writer, "app"), None);
    send(&mut writer, endpoint("app", B));
    assert_eq!(
        rejected(&writer),
        [("app".to_owned(), String::new(), "no".to_owned())]
    );
    assert_eq!(writer.held(), View::default());
    let key = key("app");
    let expected = View::default()
        .with(digest::of_route("", &key, 20))
        .with(digest::of_endpoint("", &key, A, 1, false))
        .with(digest::of_endpoint("", &key, B, 1, false));
    assert!(
        writer.close(closing(21, vec![], expected)).unwrap().agrees,
        "all of it was received"
    );

    send_route(&mut writer, route("app", 22));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    assert!(rejected(&writer).is_empty());
}

#[test]
fn a_rejected_route_is_gone_with_its_removal() {
    let mut writer = following(&[]);
    writer.upsert(reject_route(20));
    close(&mut writer, 21, vec![removal("app", "")]);
    assert!(rejected(&writer).is_empty());
    assert_eq!(writer.book.received(), View::default());
}

#[test]
fn a_rejected_endpoint_stands_beside_valid_ones_until_it_is_right_or_gone() {
    let mut writer = following(&[A]);
    let rejection = |generation| {
        Thing::Rejected(Rejection {
            key: key("app"),
            segment: String::new(),
            kind: ThingKind::Endpoint {
                address: B.to_owned(),
                generation,
                silent: false,
            },
            reason: "no".to_owned(),
        })
    };
    writer.upsert(rejection(1));
    writer.upsert(rejection(2));
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A]);
    assert_eq!(
        rejected(&writer),
        [("app".to_owned(), B.to_owned(), "no".to_owned())]
    );
    assert_eq!(writer.held().things, 2);
    assert_eq!(writer.book.received().things, 3);
    send(&mut writer, endpoint("app", B));
    assert!(rejected(&writer).is_empty());
    assert_eq!(addresses(&mut writer, "app").unwrap(), [A, B]);
    writer.upsert(rejection(3));
    assert_eq!(
        addresses(&mut writer, "app").unwrap(),
        [A],
        "what was held is out of date"
    );
    close(&mut writer, 11, vec![removal("app", B)]);
    assert!(rejected(&writer).is_empty());
    assert_eq!(writer.held(), writer.book.received());
}

#[test]
fn an_endpoint_without_a_route_or_of_another_group_is_rejected_by_name() {
    let mut writer = following(&[]);
    send(&mut writer, endpoint("other", A));
    send(
        &mut writer,
        EndpointThing {
            group: "green".to_owned(),
            ..endpoint("app", B)
        },
    );
    let reasons: Vec<_> = rejected(&writer)
        .into_iter()
        .map(|(.., reason)| reason)
        .collect();
    assert!(reasons[0].contains("\"green\""), "{reasons:?}");
    assert!(reasons[1].contains("not sent before"), "{reasons:?}");
}

#[test]
fn the_settings_are_part_of_the_table() {
    let mut writer = following(&[A]);
    drop(writer.publish());
    let settings = Settings {
        empty_pool: EmptyPool::Unavailable,
        ..Settings::default()
    };
    writer.set_settings(settings);
    assert!(writer.is_changed());
    assert_eq!(*writer.publish().settings(), settings);
    writer.set_settings(settings);
    assert!(!writer.is_changed());
}

#[test]
fn tags_are_shared_and_read_back_in_order() {
    let mut writer = following(&[]);
    let tags = [("b", "2"), ("a", "1"), ("c", "")];
    let tags: Vec<_> = tags
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for address in [A, B] {
        send(
            &mut writer,
            EndpointThing {
                instance_id: "one".to_owned(),
                tags: Some(tags.clone()),
                ..endpoint("app", address)
            },
        );
    }
    let table = writer.publish();
    let endpoints = table.get(&key("app")).unwrap().endpoints();
    let read = endpoints[0].tags().unwrap();
    assert_eq!(
        read.iter().collect::<Vec<_>>(),
        [("a", "1"), ("b", "2"), ("c", "")]
    );
    assert_eq!((read.get("c"), read.get("d")), (Some(""), None));
    assert!(Arc::ptr_eq(&endpoints[0].instance, &endpoints[1].instance));
}

#[test]
fn a_publication_shares_what_did_not_change() {
    let mut writer = following(&[A]);
    for n in 0..1_000 {
        send_route(&mut writer, route(&format!("app-{n}"), 1));
    }
    let before = writer.publish();
    send(&mut writer, endpoint("app-7", B));
    let after = writer.publish();
    let copied = before.shards.iter().zip(&after.shards);
    assert_eq!(
        copied.filter(|(old, new)| !Arc::ptr_eq(old, new)).count(),
        1
    );
    assert_eq!((after.routes(), after.endpoints()), (1_001, 2));
}

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
