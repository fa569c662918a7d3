//! A table of other things than those that are held.

use super::*;

/// a table that was kept is served in the place of what is held, with what is known of endpoints
#[test]
fn another_table_has_the_same_states() {
    let mut writer = following(&[A, B]);
    let held = writer.publish();
    let mut aside = writer.aside();
    let things = [
        Thing::Route(route("app", 1)),
        Thing::Endpoint(Box::new(endpoint("app", A))),
        Thing::Endpoint(Box::new(endpoint("app", C))),
        Thing::Endpoint(Box::new(endpoint("unknown", C))),
    ];
    writer.fill_aside(&mut aside, things);
    let table = writer.table_aside(&mut aside, Settings::default());
    let found = |table: &Table| -> Vec<_> {
        let route = table.get(&key("app")).expect("the route");
        let endpoints = route.endpoints().iter();
        endpoints
            .map(|it| (it.address().to_string(), it.state.index()))
            .collect()
    };
    let (before, other) = (found(&held), found(&table));
    assert_eq!(other[0], before[0], "one address is one endpoint");
    assert_eq!(other[1].0, C);
    assert!(before.iter().all(|(_, index)| *index != other[1].1));
    assert_eq!(table.endpoints(), 2, "what has no route is left out");
    assert_eq!(addresses(&mut writer, "app").expect("the route"), [A, B]);

    // Its states are kept while its table is served, and go with it.
    writer.drop_aside(aside);
    writer.tidy();
    send(&mut writer, endpoint("app", "10.0.0.77:80"));
    let next = found(&writer.publish());
    assert!(next.iter().all(|(_, index)| *index != other[1].1));
    drop(table);
    writer.tidy();
    send(&mut writer, endpoint("app", "10.0.0.78:80"));
    let next = found(&writer.publish());
    let given_out_again = next.iter().any(|(_, index)| index.slot == other[1].1.slot);
    assert!(given_out_again, "{next:?}");
}
