//! Tables that go from one data plane to another while the control plane has not heard everything.

use std::time::Duration;

use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_proto::v1::{self, route_key, thing};
use pointsman_registry::{Capabilities, SegmentFilter, View};
use prost::Message as _;
use tonic::Code;

use super::admission::crowded;
use super::scene::{DataPlane, Scene, hello, message, settings};
use crate::distribution::Settings;
use crate::distribution::borrowed::{Borrowed, Part, Taken};
use crate::registry_task::Event;

fn borrowing() -> Settings {
    Settings {
        borrow_tables: 1024 * 1024,
        ..settings()
    }
}

/// A data plane that followed the predecessor, and still holds so many things of it.
fn with_table(id: &str, things: u64) -> v1::Hello {
    v1::Hello {
        epoch: 3,
        revision: 90,
        things,
        wants_table: false,
        ..empty(id)
    }
}

fn empty(id: &str) -> v1::Hello {
    v1::Hello {
        lends_and_borrows: true,
        wants_table: true,
        ..hello(id)
    }
}

fn only(segment: &str, hello: v1::Hello) -> v1::Hello {
    let filter = v1::SegmentFilter {
        mode: v1::SegmentMode::Segments.into(),
        segments: vec![segment.to_owned()],
    };
    v1::Hello {
        filter: Some(filter),
        ..hello
    }
}

fn key(host: &str) -> v1::RouteKey {
    v1::RouteKey {
        host: Some(route_key::Host::ExactHost(host.to_owned())),
        path: Some(route_key::Path::PathPrefix(String::new())),
    }
}

fn endpoint(host: &str, segment: &str) -> v1::Thing {
    let endpoint = v1::Endpoint {
        route: Some(key(host)),
        address: "10.9.9.9:80".to_owned(),
        segment: segment.to_owned(),
        ..v1::Endpoint::default()
    };
    v1::Thing {
        kind: Some(thing::Kind::Endpoint(endpoint)),
    }
}

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// A part of a table that was confirmed a minute ago.
fn part(things: Vec<v1::Thing>) -> v1::TablePart {
    v1::TablePart {
        batch: v1::Batch { things }.encode_to_vec(),
        age: seconds(60),
        left: None,
        last: false,
    }
}

fn end() -> v1::TablePart {
    v1::TablePart {
        last: true,
        ..part(Vec::new())
    }
}

/// Waits until the data plane is asked for its table.
async fn asked(data_plane: &mut DataPlane) {
    while !matches!(
        data_plane.next().await.unwrap(),
        Some(Message::TableRequest(_))
    ) {}
}

async fn lend(data_plane: &DataPlane, parts: impl IntoIterator<Item = v1::TablePart>) {
    for part in parts {
        data_plane.say(Said::TablePart(part)).await;
    }
}

/// What a data plane is lent, up to the last part.
async fn lent(data_plane: &mut DataPlane) -> Vec<v1::TablePart> {
    let mut parts = Vec::new();
    loop {
        if let Some(Message::TablePart(part)) = data_plane.next().await.unwrap() {
            let last = part.last;
            parts.push(part);
            if last {
                return parts;
            }
        }
    }
}

/// What comes up to the next closing step; it is no part of a table, nor a request for one.
async fn nothing_lent(data_plane: &mut DataPlane) {
    loop {
        match data_plane.next().await.unwrap().unwrap() {
            Message::ClosingStep(step) if !step.continues => return,
            Message::TablePart(_) | Message::TableRequest(_) => panic!("this is not for everybody"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn who_has_nothing_is_lent_what_another_one_serves() {
    let scene = Scene::new(borrowing()).await;
    let mut lender = scene.follow(with_table("lender", 2)).await;
    asked(&mut lender).await;
    let orphan = v1::TablePart {
        left: seconds(30),
        ..part(vec![endpoint("b.com", "")])
    };
    lend(&lender, [part(vec![endpoint("a.com", "")]), orphan, end()]).await;

    let mut borrower = scene.follow(empty("borrower")).await;
    let parts = lent(&mut borrower).await;
    let things: Vec<_> = parts
        .iter()
        .map(|part| v1::Batch::decode(&*part.batch).unwrap().things)
        .collect();
    assert_eq!(
        things,
        [vec![endpoint("a.com", "")], vec![endpoint("b.com", "")]],
        "as it came"
    );
    assert!(parts.iter().all(|part| part.age.unwrap().seconds >= 60));
    assert!(parts[0].left.is_none(), "it is as old as the table");
    assert!(
        parts[1].left.unwrap().seconds <= 30,
        "what is left never grows"
    );
    // What this control plane has heard comes as well, and everything of it.
    scene.register(message("10.0.0.1:80", "foo")).await;
    let own = borrower.step_to(2).await;
    assert_eq!(own.endpoints.len(), 1);
    assert_eq!(own.sum(), own.expected(), "what is lent is in no sum");
    let metrics = scene.metrics();
    for counted in ["tables_borrowed_total 1", "tables_lent_total 1"] {
        assert!(metrics.contains(counted), "{counted}");
    }
}

#[tokio::test]
async fn who_came_before_there_was_anything_to_lend_is_lent_it_later_and_told_again_what_is_gone() {
    let scene = Scene::new(borrowing()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    scene.register(message("10.0.0.2:80", "foo")).await;
    scene.unregister(message("10.0.0.2:80", "foo")).await;
    let mut borrower = scene.follow(empty("borrower")).await;
    let first = borrower.step_to(4).await;
    assert_eq!((first.endpoints.len(), first.removals.len()), (1, 0));
    let mut lender = scene.follow(with_table("lender", 2)).await;
    asked(&mut lender).await;
    lend(&lender, [part(vec![endpoint("foo", "")]), end()]).await;
    // There was no part for the end by itself: the last that came is the last.
    assert_eq!(lent(&mut borrower).await.len(), 1);
    let again = borrower.step().await;
    assert!(again.closing.complete && again.endpoints.len() == 1);
    let gone: Vec<_> = again.removals.iter().map(|it| &*it.address).collect();
    assert_eq!(gone, ["10.0.0.2:80"], "the lender may not have heard of it");
}

#[tokio::test]
async fn only_who_sees_the_same_and_has_nothing_is_lent_anything() {
    let scene = Scene::new(borrowing()).await;
    let mut lender = scene.follow(only("one", with_table("lender", 2))).await;
    asked(&mut lender).await;
    lend(&lender, [part(vec![endpoint("a.com", "one")]), end()]).await;
    lent(&mut scene.follow(only("one", empty("same"))).await).await;
    for other in [
        only("two", empty("other-segment")),
        empty("all-segments"),
        // It has as many things as the lender, so it is not asked either.
        only("one", with_table("has-a-table", 1)),
        only("one", hello("older-release")),
    ] {
        nothing_lent(&mut scene.follow(other).await).await;
    }
}

/// What is lent to `borrower` after a lender said this, and another one lent a table that is right.
async fn only_what_is_right(hello: impl Fn(&str) -> v1::Hello, bad: v1::TablePart, why: &str) {
    let scene = Scene::new(borrowing()).await;
    let segment = hello("").filter.unwrap().segments.concat();
    let mut lender = scene.follow(hello("lender")).await;
    asked(&mut lender).await;
    lend(&lender, [bad, end()]).await;
    // It costs the table, and not the session: others are asked.
    let mut another = scene.follow(hello("another")).await;
    asked(&mut another).await;
    lend(
        &another,
        [part(vec![endpoint("right.com", &segment)]), end()],
    )
    .await;
    let borrower = v1::Hello {
        things: 0,
        epoch: 0,
        revision: 0,
        wants_table: true,
        ..hello("borrower")
    };
    let parts = lent(&mut scene.follow(borrower).await).await;
    let things = v1::Batch::decode(&*parts[0].batch).unwrap().things;
    assert_eq!(things, [endpoint("right.com", &segment)], "{why}");
    scene.register(message("10.0.0.1:80", "foo")).await;
    if segment.is_empty() {
        lender.step_to(2).await;
    }
}

#[tokio::test]
async fn a_data_plane_lends_only_what_it_may_have() {
    let hello = |id: &str| only("one", with_table(id, 2));
    let bad = part(vec![endpoint("a.com", "two")]);
    only_what_is_right(hello, bad, "another segment").await;
}

#[tokio::test]
async fn a_table_that_makes_no_sense_is_not_lent() {
    let nameless = v1::Thing {
        kind: Some(thing::Kind::Endpoint(v1::Endpoint::default())),
    };
    let with_batch = |batch: &[u8]| v1::TablePart {
        batch: batch.to_vec(),
        ..part(Vec::new())
    };
    let aged = |age| v1::TablePart {
        age,
        ..part(vec![endpoint("a.com", "")])
    };
    let negative = v1::TablePart {
        left: seconds(-1),
        ..part(vec![endpoint("a.com", "")])
    };
    for (bad, why) in [
        (part(vec![nameless]), "a thing without a route"),
        (part(vec![v1::Thing::default()]), "a thing of no kind"),
        (with_batch(&[0xff]), "half a key"),
        (with_batch(&[0x0a, 0x05, 0x00]), "half a thing"),
        (with_batch(&[0x10, 0x01]), "another field"),
        (aged(None), "no age"),
        (aged(seconds(-1)), "a negative age"),
        (aged(seconds(i64::MAX)), "an age beyond all bounds"),
        (negative, "a negative rest"),
    ] {
        only_what_is_right(|id| with_table(id, 2), bad, why).await;
    }
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_ends_the_session() {
    let scene = Scene::new(borrowing()).await;
    let mut unasked = scene.follow(empty("unasked")).await;
    lend(&unasked, [end()]).await;
    let ended = unasked.end().await;
    assert_eq!(ended.code(), Code::InvalidArgument);
    assert_eq!(
        ended.message(),
        "a part of a table, which was not asked for"
    );
}

#[tokio::test]
async fn one_that_says_nothing_more_is_followed_by_another() {
    let scene = Scene::new(borrowing()).await;
    let mut first = scene.follow(with_table("first", 2)).await;
    asked(&mut first).await;
    let mut second = scene.follow(with_table("second", 2)).await;
    lend(&first, [part(vec![endpoint("a.com", "")])]).await;
    nothing_lent(&mut second).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    asked(&mut second).await;
    lend(&second, [part(vec![endpoint("b.com", "")]), end()]).await;
    // It comes too late, and harms nobody.
    lend(&first, [part(vec![endpoint("a.com", "")]), end()]).await;
    let parts = lent(&mut scene.follow(empty("borrower")).await).await;
    let things = v1::Batch::decode(&*parts[0].batch).unwrap().things;
    assert_eq!(things, [endpoint("b.com", "")]);
    let replicas = scene.handle.replicas();
    assert!(
        replicas.iter().any(|replica| &*replica.id == "first"),
        "its session goes on"
    );
}

#[tokio::test]
async fn who_was_lent_little_is_lent_more_and_who_comes_back_without_a_table_is_lent_one() {
    let scene = Scene::new(borrowing()).await;
    let mut small = scene.follow(with_table("small", 1)).await;
    asked(&mut small).await;
    lend(&small, [part(vec![endpoint("a.com", "")]), end()]).await;
    let mut borrower = scene.follow(empty("borrower")).await;
    assert_eq!(lent(&mut borrower).await.len(), 1);
    let mut large = scene.follow(with_table("large", 2)).await;
    asked(&mut large).await;
    let parts = ["a.com", "b.com"].map(|host| part(vec![endpoint(host, "")]));
    lend(&large, parts.into_iter().chain([end()])).await;
    assert_eq!(lent(&mut borrower).await.len(), 2, "the larger one as well");
    // One that was cut in the middle holds a part, and may not serve it.
    let cut = v1::Hello {
        epoch: borrower.welcome.epoch,
        things: 1,
        ..empty("borrower")
    };
    drop(borrower);
    assert_eq!(lent(&mut scene.follow(cut).await).await.len(), 2);
}

/// How many turns of snapshots came.
fn turns(scene: &Scene) -> u64 {
    let metrics = scene.metrics();
    let name = "pointsman_distribution_snapshots_total ";
    let shown = metrics.lines().find_map(|line| line.strip_prefix(name));
    shown.unwrap().parse().unwrap()
}

/// what is lent takes its turn as a snapshot does
#[tokio::test]
async fn what_is_lent_takes_its_turn() {
    let scene = crowded(borrowing()).await;
    let mut lender = scene.follow(with_table("lender", 2)).await;
    asked(&mut lender).await;
    lend(&lender, [part(vec![endpoint("a.com", "")]), end()]).await;
    lender.step_to(40_000).await;
    let mut stopped = scene.follow(hello("stopped")).await;
    // It has its turn, and takes what the windows hold.
    let first = stopped.next().await.unwrap();
    assert!(matches!(first, Some(Message::Batch(_))), "{first:?}");
    let before = turns(&scene);
    let mut borrower = scene.follow(empty("borrower")).await;
    lent(&mut borrower).await;
    assert_eq!(turns(&scene), before + 1, "the turn comes first");
    // And what it knows itself comes in the same turn.
    assert!(borrower.step_to(40_000).await.closing.complete);
    assert_eq!(turns(&scene), before + 1);
}

/// What was removed since it was lent, and forgotten, could be told to nobody.
#[test]
fn a_table_that_outlived_the_memory_of_removals_is_lent_no_more() {
    let view = View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::NONE,
    };
    let shelf = Borrowed::new(1024);
    let take = || {
        let claim = shelf.claim(&view, 2, 7).unwrap();
        assert!(shelf.claim(&view, 2, 7).is_none(), "one at a time");
        let lent = v1::TablePart {
            last: true,
            ..part(vec![endpoint("a.com", "")])
        };
        let Ok(Taken::All(loan)) = claim.take(Part::read(lent, &view.filter).unwrap()) else {
            panic!("it is whole")
        };
        loan
    };
    // Without its room coming back there would be none in the end.
    for _ in 0..20 {
        let loan = take();
        assert_eq!(loan.head(), 7);
        assert!(!shelf.wants(&view, 2), "it has that already");
        shelf.forget(&view, &loan);
        assert!(shelf.get(&view).is_none() && shelf.wants(&view, 2));
    }
}

#[tokio::test]
async fn one_that_leaves_in_the_middle_is_followed_by_another() {
    let scene = Scene::new(borrowing()).await;
    let mut first = scene.follow(with_table("first", 2)).await;
    asked(&mut first).await;
    let mut second = scene.follow(with_table("second", 2)).await;
    lend(&first, [part(vec![endpoint("a.com", "")])]).await;
    drop(first);
    asked(&mut second).await;
    lend(&second, [part(vec![endpoint("b.com", "")]), end()]).await;
    let mut borrower = scene.follow(empty("borrower")).await;
    let parts = lent(&mut borrower).await;
    let things = v1::Batch::decode(&*parts[0].batch).unwrap().things;
    assert_eq!(things, [endpoint("b.com", "")], "nothing of the broken one");
}

#[tokio::test]
async fn one_that_has_nothing_to_lend_is_followed_by_another_and_a_larger_table_wins() {
    let scene = Scene::new(borrowing()).await;
    let mut nothing = scene.follow(with_table("nothing", 9)).await;
    asked(&mut nothing).await;
    lend(&nothing, [end()]).await;
    for (things, host) in [(1, "small.com"), (2, "large.com")] {
        let mut lender = scene.follow(with_table(host, things)).await;
        asked(&mut lender).await;
        let endpoints = (0..things).map(|_| endpoint(host, "")).collect();
        lend(&lender, [part(endpoints), end()]).await;
        let mut borrower = scene.follow(empty(&format!("to-{host}"))).await;
        let parts = lent(&mut borrower).await;
        let got = v1::Batch::decode(&*parts[0].batch).unwrap().things;
        assert_eq!(got.len() as u64, things);
    }
}

#[tokio::test]
async fn a_table_that_is_too_large_is_left_and_not_asked_for_again() {
    let scene = Scene::new(Settings {
        borrow_tables: 400,
        ..settings()
    })
    .await;
    let mut large = scene.follow(with_table("large", 20)).await;
    asked(&mut large).await;
    let many = (0..20).map(|_| endpoint("a.com", "")).collect();
    // What follows is on its way already, and harms nobody.
    lend(&large, [part(many), part(Vec::new()), end()]).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    nothing_lent(&mut large).await;
    nothing_lent(&mut scene.follow(with_table("as-large", 20)).await).await;
    let mut small = scene.follow(with_table("small", 1)).await;
    asked(&mut small).await;
    lend(&small, [part(vec![endpoint("a.com", "")]), end()]).await;
    lent(&mut scene.follow(empty("borrower")).await).await;
}

#[tokio::test]
async fn a_control_plane_that_has_heard_everything_neither_borrows_nor_lends() {
    let scene = Scene::new(borrowing()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    let mut lender = scene.follow(with_table("lender", 1)).await;
    asked(&mut lender).await;
    lend(&lender, [part(vec![endpoint("a.com", "")]), end()]).await;
    lent(&mut scene.follow(empty("first")).await).await;
    drop(lender);
    tokio::time::pause();
    scene.source.send(Event::Returned).await.unwrap();
    let mut standing = scene.handle.standing();
    let heard = standing.wait_for(|standing| standing.authoritative);
    tokio::time::timeout(Duration::from_secs(600), heard)
        .await
        .unwrap()
        .unwrap();
    tokio::time::resume();
    nothing_lent(&mut scene.follow(empty("second")).await).await;
    nothing_lent(&mut scene.follow(with_table("third", 7)).await).await;
}

#[tokio::test]
async fn nothing_is_borrowed_unasked() {
    let scene = Scene::new(settings()).await;
    nothing_lent(&mut scene.follow(with_table("lender", 2)).await).await;
    nothing_lent(&mut scene.follow(empty("borrower")).await).await;
}
