//! Lists and events in every order.

use super::super::route::Tag;
use super::*;
use crate::sources::message::Policy;

fn route(name: &str, guid: &str, index: u32) -> Route {
    Route {
        route: format!("{name}.example.com"),
        port: 80,
        ip: "10.0.0.1".to_owned(),
        modification_tag: Tag {
            guid: guid.to_owned(),
            index,
        },
        ..Route::default()
    }
}

fn read(route: &Route) -> Option<Registration> {
    route.registration(&Policy::default()).ok()
}

/// An event of the registry in a few words: what, of which route, with which tag.
fn told(event: &Event) -> String {
    let (what, registration) = match event {
        Event::Register(registration) => ("+", registration),
        Event::Unregister(registration) => ("-", registration),
        Event::Lapse(registration, Absence::Inferred) => ("?", registration),
        _ => return "another".to_owned(),
    };
    let uri = registration.uris[0].as_sent().split('.').next().unwrap();
    let tag = &registration.tag;
    format!("{what}{uri} {}/{}", tag.guid, tag.index)
}

fn list(table: &mut Table, routes: &[Route]) -> Vec<String> {
    let events = table.listed(routes.to_vec(), read);
    events.iter().map(told).collect()
}

fn change(table: &mut Table, change: Change) -> (Option<String>, bool) {
    let heard = table.changed(change, read);
    (heard.event.as_ref().map(told), heard.ask)
}

/// C-476: what a later list lacks is gone with what was known of it, what it has is registered again
#[test]
fn a_list_is_taken_as_a_whole() {
    let mut table = Table::default();
    let (a, b, c) = (route("a", "g", 0), route("b", "h", 3), route("c", "i", 1));
    table.asked();
    assert_eq!(
        list(&mut table, &[a.clone(), b, c]),
        ["+a g/0", "+b h/3", "+c i/1"],
        "the first list takes nothing away"
    );
    table.asked();
    let mut events = list(&mut table, &[a]);
    assert_eq!(events.remove(0), "+a g/0");
    events.sort();
    assert_eq!(events, ["?b h/3", "?c i/1"]);
    assert_eq!(table.routes(), 1);
}

#[test]
fn what_changes_its_port_is_another_route_and_what_changes_else_is_not() {
    let mut table = Table::default();
    let a = route("a", "g", 0);
    list(&mut table, std::slice::from_ref(&a));
    let mut moved = a.clone();
    moved.port = 81;
    assert_eq!(list(&mut table, &[moved.clone()]), ["+a g/0", "?a g/0"]);
    moved.ttl = Some(7);
    assert_eq!(list(&mut table, &[moved]), ["+a g/0"]);
}

/// Of one route with one endpoint that is listed twice the last one counts, again and again.
#[test]
fn what_is_listed_twice_takes_no_turns() {
    let mut table = Table::default();
    let twice = [route("a", "g", 0), route("b", "x", 0), route("a", "h", 0)];
    for _ in 0..3 {
        assert_eq!(list(&mut table, &twice), ["+b x/0", "+a h/0"]);
    }
}

#[test]
fn an_event_counts_at_once() {
    let mut table = Table::default();
    list(&mut table, &[route("a", "g", 0)]);
    let upsert = Change::Upsert(route("a", "g", 1));
    assert_eq!(
        change(&mut table, upsert),
        (Some("+a g/1".to_owned()), false)
    );
    let delete = Change::Delete(route("a", "g", 2));
    assert_eq!(
        change(&mut table, delete),
        (Some("-a g/2".to_owned()), false)
    );
    assert_eq!(table.routes(), 0);
    let unknown = Change::Delete(route("z", "g", 2));
    assert_eq!(
        change(&mut table, unknown),
        (Some("-z g/2".to_owned()), false)
    );
}

/// The list was written before the event, and comes after it.
#[test]
fn a_list_does_not_undo_an_event_that_came_since_it_was_asked_for() {
    let mut table = Table::default();
    list(&mut table, &[route("gone", "g", 0), route("kept", "k", 0)]);
    table.asked();
    change(&mut table, Change::Delete(route("gone", "g", 0)));
    change(&mut table, Change::Upsert(route("new", "n", 0)));
    change(&mut table, Change::Upsert(route("kept", "k", 1)));
    let old = [route("gone", "g", 0), route("kept", "k", 0)];
    assert_eq!(list(&mut table, &old), [""; 0]);
    assert_eq!(table.routes(), 2);
    // The next list knows all of it.
    table.asked();
    let mut events = list(&mut table, &[route("kept", "k", 1)]);
    events.sort();
    assert_eq!(events, ["+kept k/1", "?new n/0"]);
}

/// The event happened before the list was asked for, which lacks it.
#[test]
fn a_list_knows_of_what_an_event_said_before() {
    let mut table = Table::default();
    change(&mut table, Change::Upsert(route("a", "g", 0)));
    table.asked();
    assert_eq!(list(&mut table, &[]), ["?a g/0"]);
}

/// C-506: the identity tells objects apart, the index tells how new one is
#[test]
fn what_is_older_is_left_to_the_registry_and_forgotten() {
    let mut table = Table::default();
    list(&mut table, &[route("a", "g", 5)]);
    for (old, told) in [
        (Change::Upsert(route("a", "g", 4)), "+a g/4"),
        (Change::Delete(route("a", "g", 4)), "-a g/4"),
    ] {
        assert_eq!(change(&mut table, old), (Some(told.to_owned()), false));
    }
    table.asked();
    assert_eq!(list(&mut table, &[]), ["?a g/5"]);
}

/// The route was deleted and made anew; a list that knew that came before the event of the deletion.
#[test]
fn the_end_of_an_earlier_object_does_not_end_the_later_one() {
    let mut table = Table::default();
    list(&mut table, &[route("a", "new", 0)]);
    let late = Change::Delete(route("a", "old", 9));
    assert_eq!(change(&mut table, late), (None, true));
    assert_eq!(table.routes(), 1);
    let untagged = Change::Delete(route("a", "", 0));
    assert_eq!(
        change(&mut table, untagged),
        (Some("-a /0".to_owned()), false)
    );
}

#[test]
fn what_is_refused_is_read_once_and_never_told() {
    let mut table = Table::default();
    let bad = Route {
        ip: "0.0.0.0".to_owned(),
        ..route("a", "g", 0)
    };
    let mut reads = 0;
    for _ in 0..3 {
        let events = table.listed(vec![bad.clone()], |route| {
            reads += 1;
            read(route)
        });
        assert!(events.is_empty());
    }
    assert_eq!((reads, table.routes()), (1, 1));
    assert_eq!(change(&mut table, Change::Delete(bad)), (None, false));
    assert_eq!(table.routes(), 0);
}
