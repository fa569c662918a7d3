//! What cannot be honoured.

use super::*;
use crate::{Rejection, ThingKind};

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
        writer
            .close(closing(21, vec![], expected), at(0))
            .unwrap()
            .agrees,
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
