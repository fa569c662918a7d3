//! What a table carries, and what it shares.

use super::*;
use crate::EmptyPool;

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
