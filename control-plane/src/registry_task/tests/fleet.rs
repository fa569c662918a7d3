//! What the task makes of those who follow.

use std::sync::Arc;
use std::time::Duration;

use pointsman_registry::{SegmentFilter, Settings, Sum};
use tokio::time::Instant;

use super::super::{Counts, Event, Place, Release, Replica, Replicas, RollOutSettings};
use super::{RegistryTask, run};

pub(super) fn replica(id: &str, held: Sum) -> Replica {
    let now = Instant::now();
    Replica {
        id: id.into(),
        name: id.into(),
        version: "1".into(),
        availability_zone: "".into(),
        address: None,
        filter: SegmentFilter::All,
        since: now,
        sent_revision: 0,
        acked_revision: 0,
        acked_at: None,
        behind_since: None,
        held,
        of_others: 0,
        rejected: Vec::new(),
        last_nack: None,
        rejections: 0,
        withheld: Vec::new(),
        degraded: "".into(),
        digest_mismatches: 0,
        last_heard: now,
        held_removals: 0,
        orphans: 0,
        table_age: None,
        draining: false,
        overrides: Vec::new(),
        frozen: false,
        received_revision: 0,
        requests: 0,
        in_flight: 0,
        connections: 0,
        counts: Counts::default(),
        traffic: std::collections::VecDeque::new(),
    }
}

/// what a data plane holds of others counts as much as what it holds of this control plane
#[test]
fn a_data_plane_that_serves_anything_holds_things() {
    let replicas = Arc::new(Replicas::default());
    let (place, _asks) = replicas.enter(replica("one", Sum::default())).unwrap();
    assert!(!replicas.hold_things());
    for change in [
        |replica: &mut Replica| replica.of_others = 1,
        |replica: &mut Replica| replica.orphans = 1,
        |replica: &mut Replica| replica.held_removals = 1,
        |replica: &mut Replica| replica.held.things = 1,
    ] {
        place.update(|shown| *shown = replica("one", Sum::default()));
        place.update(change);
        assert!(replicas.hold_things());
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_table_has_no_authority_over_a_fleet_that_serves() {
    let running = run(Settings::default());
    let mut standing = running.handle.standing();
    let held = Sum {
        things: 3,
        digest: 0,
    };
    let (place, _asks) = running.handle.roster().enter(replica("one", held)).unwrap();
    running.source.send(Event::Returned).await.unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(!standing.borrow().authoritative);
    place.update(|replica| replica.held = Sum::default());
    standing
        .wait_for(|standing| standing.authoritative)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_newer_session_of_the_same_process_replaces_the_older_one() {
    let replicas = Arc::new(Replicas::default());
    let (first, _) = replicas.enter(replica("one", Sum::default())).unwrap();
    let (other, _) = replicas.enter(replica("two", Sum::default())).unwrap();
    let (second, _) = replicas.enter(replica("one", Sum::default())).unwrap();
    assert!(first.replaced().is_cancelled());
    assert!(!other.replaced().is_cancelled() && !second.replaced().is_cancelled());
    drop(first);
    let names: Vec<_> = replicas
        .list()
        .iter()
        .map(|it| it.name.to_string())
        .collect();
    assert_eq!(names, ["one", "two"]);
}

/// Two data planes that hold back most of what they have.
fn holding(handle: &super::Handle) -> [Place; 2] {
    ["one", "two"].map(|id| {
        let holding = Replica {
            held_removals: 30,
            ..replica(id, Sum::default())
        };
        handle.roster().enter(holding).unwrap().0
    })
}

/// whoever comes back just after the end of a roll-out is told what an operator let go with it
#[tokio::test(start_paused = true)]
async fn a_release_stands_for_a_while_after_the_end_of_its_roll_out() {
    let mut metrics = super::MetricsRegistry::default();
    let mut task = RegistryTask::new(Settings::default(), 7, &mut metrics);
    task.roll_out(RollOutSettings {
        least: 0,
        ..RollOutSettings::default()
    });
    let handle = task.handle();
    let _data_planes = holding(&handle);
    tokio::spawn(task.run(std::future::pending()));
    handle.release(7, 0).await.unwrap();
    let latest = || handle.releases().borrow().expect("a release");
    assert_eq!(latest().part, Some(1));
    // Halted roll-outs may wait for longer than anybody is told otherwise.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(!latest().stands() && handle.staging().borrow().rolling.is_some());
    handle.finish_roll_out(7, 1).await.unwrap();
    assert!(latest().stands());
    assert_eq!((latest().number, latest().part), (1, None));
}

/// a release that follows another one takes with it what that lets go and has not told everybody yet
#[tokio::test(start_paused = true)]
async fn a_release_takes_the_one_before_it_along() {
    let first = Release::new(1, 40, Some(3));
    let both = Release::new(2, 10, None).with(Some(first));
    assert_eq!(
        (both.number, both.up_to_revision, both.part),
        (2, 40, Some(3))
    );
    let told = Release::new(1, 40, None);
    tokio::time::sleep(Duration::from_secs(61)).await;
    let alone = Release::new(2, 10, None).with(Some(told));
    assert_eq!((alone.up_to_revision, alone.part), (10, None));
}
