//! What is held because too much seems to be gone at once.

use super::*;

/// A writer that follows epoch 1 and holds so many routes with one endpoint each.
fn of_routes(routes: usize) -> Writer {
    let mut writer = Writer::new(3);
    writer.begin(1);
    for n in 0..routes {
        let uri = format!("app-{n}");
        send_route(&mut writer, route(&uri, 1));
        send(&mut writer, endpoint(&uri, A));
    }
    let expected = writer.book.received();
    assert!(
        writer
            .close(everything(10, expected), at(0))
            .unwrap()
            .agrees
    );
    writer
}

fn everything(revision: u64, expected: View) -> Closing {
    Closing {
        complete: true,
        ..closing(revision, vec![], expected)
    }
}

/// A new control plane that is authoritative knows the routes from `from` to `to` only.
fn known_range(writer: &mut Writer, epoch: u64, revision: u64, (from, to): (usize, usize)) {
    writer.begin(epoch);
    writer.set_authoritative(true);
    for n in from..to {
        let uri = format!("app-{n}");
        send_route(writer, route(&uri, 1));
        send(writer, endpoint(&uri, A));
    }
    let expected = writer.book.received();
    assert!(
        writer
            .close(everything(revision, expected), at(1_000))
            .unwrap()
            .agrees
    );
}

/// an empty table of another control plane is not believed beyond fifty routes
/// of a table that is larger than that a fifth may go, and the rest is held
#[test]
fn beyond_the_share_what_is_lacking_is_held() {
    // Routes held; routes that the next control plane knows; orphans; held.
    let cases = [
        (50, 0, 50, 0),
        (60, 0, 50, 10),
        (1_000, 800, 200, 0),
        (1_000, 790, 200, 10),
        (1_000, 500, 200, 300),
        (1_000, 0, 200, 800),
    ];
    for (routes, known, orphans, held) in cases {
        let mut writer = of_routes(routes);
        known_range(&mut writer, 2, 5, (0, known));
        assert_eq!((writer.orphans(), writer.held_removals()), (orphans, held));
        assert_eq!(writer.publish().endpoints(), routes as u64);
        writer.expire(at(1_000_000));
        let left = known as u64 + held;
        assert_eq!(writer.publish().endpoints(), left, "no time lets it go");
        assert_eq!(writer.publish().routes(), left, "nor its attributes");
        assert_eq!((writer.orphans(), writer.held_removals()), (0, held));
    }
}

#[test]
fn what_is_held_is_as_it_was() {
    let mut writer = of_routes(60);
    known_range(&mut writer, 2, 5, (0, 0));
    let table = writer.publish();
    let orphans = table
        .iter()
        .filter(|route| route.endpoints()[0].is_orphan());
    assert_eq!(orphans.count(), 50);
    let held = table
        .iter()
        .find(|route| !route.endpoints()[0].is_orphan())
        .unwrap();
    assert!(!writer.failed(held.key(), A), "a failure drops no held one");
    assert_eq!(writer.held_removals(), 10);
}

#[test]
fn another_look_lets_no_more_go() {
    let mut writer = of_routes(100);
    known_range(&mut writer, 2, 5, (0, 0));
    assert_eq!((writer.orphans(), writer.held_removals()), (50, 50));
    for minutes in 2..5 {
        let now = at(minutes * 60_000);
        writer.compare(5, View::default(), now);
        writer
            .close(everything(5, View::default()), now)
            .expect("a last part");
        assert_eq!(writer.held_removals(), 50);
    }
    // Nor another control plane that lacks it too.
    known_range(&mut writer, 3, 5, (0, 0));
    assert_eq!(writer.held_removals(), 50);
}

#[test]
fn what_is_held_is_confirmed_or_removed_as_anything() {
    let mut writer = of_routes(60);
    known_range(&mut writer, 2, 5, (0, 0));
    let table = writer.publish();
    let held: Vec<_> = table
        .iter()
        .filter(|route| !route.endpoints()[0].is_orphan())
        .map(|route| route.key().to_string())
        .collect();
    send_route(&mut writer, route(&held[0], 6));
    send(&mut writer, endpoint(&held[0], A));
    let expected = writer.book.received();
    let step = closing(7, vec![removal(&held[1], A)], expected);
    assert!(writer.close(step, at(2_000)).unwrap().agrees);
    assert_eq!(writer.held_removals(), 8);
    assert!(addresses(&mut writer, &held[0]).is_some());
    assert_eq!(addresses(&mut writer, &held[1]), None, "its route goes too");
}

/// an operator lets go what one table lacked, and nothing that a later one does
#[test]
fn an_operator_lets_go_what_is_held() {
    let mut writer = of_routes(100);
    known_range(&mut writer, 2, 5, (0, 30));
    assert_eq!((writer.orphans(), writer.held_removals()), (50, 20));
    assert_eq!(writer.release(1, u64::MAX, at(2_000)), 0, "another epoch");
    assert_eq!(writer.release(2, 4, at(2_000)), 0, "an earlier table");
    assert_eq!(writer.held_removals(), 20);
    assert_eq!(writer.release(2, 5, at(300_000)), 20);
    assert_eq!((writer.orphans(), writer.held_removals()), (70, 0));
    writer.expire(at(300_000));
    assert_eq!(writer.orphans(), 20, "the first ones' time is over");
    writer.expire(at(420_000));
    assert_eq!(writer.publish().endpoints(), 30);
}

#[test]
fn what_another_control_plane_lacks_too_is_let_go_by_its_own_name() {
    let mut writer = of_routes(60);
    known_range(&mut writer, 2, 50, (0, 0));
    known_range(&mut writer, 3, 7, (0, 0));
    assert_eq!(writer.held_removals(), 10);
    assert_eq!(writer.release(2, u64::MAX, at(2_000)), 0);
    assert_eq!(writer.release(3, 6, at(2_000)), 0);
    assert_eq!(writer.release(3, 7, at(2_000)), 10);
}

#[test]
fn the_share_and_the_least_are_settings() {
    let mut writer = of_routes(100);
    writer.set_absence_settings(AbsenceSettings {
        removable_percent: 30,
        always_removable: 10,
        ..AbsenceSettings::default()
    });
    known_range(&mut writer, 2, 5, (0, 0));
    assert_eq!((writer.orphans(), writer.held_removals()), (30, 70));
}

#[test]
fn what_was_heard_to_be_gone_is_never_held() {
    let mut writer = of_routes(100);
    let removals = (0..100).flat_map(|n| {
        let uri = format!("app-{n}");
        [removal(&uri, A), removal(&uri, "")]
    });
    let step = closing(11, removals.collect(), View::default());
    assert!(writer.close(step, at(0)).unwrap().agrees);
    assert_eq!((writer.publish().routes(), writer.held_removals()), (0, 0));
}
