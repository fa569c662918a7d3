//! A start with a persisted table.

use tempfile::TempDir;

use super::*;
use crate::subscription::{Keep, Keeping, Kept};

const FILTER: u64 = 3;
const HOUR: Duration = Duration::from_secs(3600);

/// A persisted table with one route, that has an endpoint in clear text and one over TLS.
async fn persisted(folder: &std::path::Path) {
    let (publisher, table) = publication();
    let mut writer = pointsman_routing::Writer::new(1);
    writer.begin(1);
    let key = pointsman_route_key::RouteKey::from_uri("a.com").unwrap();
    writer.upsert(RoutingThing::Route(route_thing(&key)));
    for (address, tls) in [
        ("10.0.0.1:80", None),
        ("10.0.0.2:80", Some("name".to_owned())),
    ] {
        writer.upsert(RoutingThing::Endpoint(Box::new(EndpointThing {
            tls,
            ..endpoint_thing(&key, address)
        })));
    }
    publisher.publish(writer.publish());
    let status = Status {
        servable: true,
        agreed: true,
        confirmed: Some(Instant::now()),
        ..Status::default()
    };
    let (_status, status) = watch::channel(status);
    let kept = watch::Sender::new(Kept::default());
    let mut shown = kept.subscribe();
    let keeping = Keeping::new(Keep {
        folder: folder.to_owned(),
        filter: FILTER,
        interval: HOUR,
        table,
        status,
        origin: Instant::now(),
        kept,
        switches: Arc::default(),
    });
    let stages = pointsman_process::shutdown::Stages::new();
    let task = tokio::spawn(keeping.run(stages.clone()));
    let written = shown.wait_for(|kept| kept.writes == 1);
    timeout(Duration::from_secs(20), written)
        .await
        .unwrap()
        .unwrap();
    stages.end();
    task.await.unwrap();
    assert_eq!(
        shown.borrow().writes,
        1,
        "nothing changed, nothing is written"
    );
}

fn restore(folder: &TempDir, wait: Duration) -> Option<Restore> {
    Some(Restore {
        folder: folder.path().to_owned(),
        filter: FILTER,
        wait,
        plain: HOUR,
        tls: 24 * HOUR,
    })
}

fn nobody() -> Link {
    Link::pipe(|| async { Err(io::Error::from(io::ErrorKind::ConnectionRefused)) })
}

/// without a control plane the persisted table is served after a short wait, all of it as orphans
#[tokio::test]
async fn a_start_without_a_control_plane_serves_what_was_persisted() {
    let folder = tempfile::tempdir().unwrap();
    persisted(folder.path()).await;
    let wait = Duration::from_millis(200);
    let began = Instant::now();
    let following = follow_from(restore(&folder, wait), |_| vec![nobody()]);
    timeout(Duration::from_secs(20), following.readiness.ready())
        .await
        .unwrap();
    assert!(began.elapsed() >= wait, "a control plane is waited for");
    let orphans = [("10.0.0.1:80", true), ("10.0.0.2:80", true)];
    let orphans = orphans.map(|(address, orphan)| (address.to_owned(), orphan));
    assert_eq!(following.endpoints(), orphans);
    let status = following.status.borrow().clone();
    assert_eq!((status.restored, status.orphans), (2, 2));
    assert!(status.table_age().is_some(), "its age is shown");
    // An orphan is dropped at its first failure.
    let route = Arc::clone(following.table.load().iter().next().unwrap());
    following
        .failures
        .note(&route, &route.endpoints()[0], "dial");
    let mut status = following.status.clone();
    let dropped = status.wait_for(|status| status.orphans == 1);
    timeout(Duration::from_secs(20), dropped)
        .await
        .unwrap()
        .unwrap();
}

/// a persisted table that is older than its bounds is not served, and makes nobody ready
#[tokio::test]
async fn what_is_too_old_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    persisted(folder.path()).await;
    let plain_is_over = restore(&folder, Duration::ZERO).map(|restore| Restore {
        plain: Duration::ZERO,
        ..restore
    });
    let following = follow_from(plain_is_over, |_| vec![nobody()]);
    timeout(Duration::from_secs(20), following.readiness.ready())
        .await
        .unwrap();
    assert_eq!(following.endpoints(), [("10.0.0.2:80".to_owned(), true)]);

    let all_is_over = restore(&folder, Duration::ZERO).map(|restore| Restore {
        plain: Duration::ZERO,
        tls: Duration::ZERO,
        ..restore
    });
    let following = follow_from(all_is_over, |_| vec![nobody()]);
    tokio::task::yield_now().await;
    let ready = timeout(Duration::from_millis(500), following.readiness.ready()).await;
    assert!(ready.is_err() && following.endpoints().is_empty());
}

#[tokio::test]
async fn an_open_control_plane_is_better_than_any_file() {
    let folder = tempfile::tempdir().unwrap();
    persisted(folder.path()).await;
    let wait = Duration::from_millis(100);
    let mut following = follow_from(restore(&folder, wait), |begun| vec![scripted(begun)]);
    let mut session = following.session().await;
    session.hello().await;
    session
        .say(follow_response::Message::Welcome(welcome()))
        .await;
    // It takes its time to send what it has, and is waited for.
    let ready = timeout(5 * wait, following.readiness.ready()).await;
    assert!(ready.is_err());
    session.send("b.com", 9).await;
    timeout(Duration::from_secs(20), following.readiness.ready())
        .await
        .unwrap();
    assert_eq!(following.status.borrow().restored, 0);
    assert_eq!(following.table.load().routes(), 1);
}

/// a young control plane does not keep the persisted table from being served
#[tokio::test]
async fn a_table_is_restored_before_a_young_control_plane_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    persisted(folder.path()).await;
    let mut following = follow_from(restore(&folder, HOUR), |begun| vec![scripted(begun)]);
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, false, false).await;
    session.send("b.com", 9).await;
    timeout(Duration::from_secs(20), following.readiness.ready())
        .await
        .unwrap();
    assert_eq!(following.table.load().routes(), 2);
    assert_eq!(following.status.borrow().orphans, 2);
}

#[tokio::test]
async fn a_session_that_broke_off_early_does_not_keep_the_table_from_being_restored() {
    let folder = tempfile::tempdir().unwrap();
    persisted(folder.path()).await;
    let wait = Duration::from_millis(500);
    let (begun, mut sessions) = mpsc::channel(4);
    let following = follow_from(restore(&folder, wait), |_| vec![scripted(begun)]);
    let mut session = timeout(Duration::from_secs(20), sessions.recv())
        .await
        .unwrap()
        .unwrap();
    session.hello().await;
    session
        .say(follow_response::Message::Welcome(welcome()))
        .await;
    session
        .say(follow_response::Message::Batch(v1::Batch::default()))
        .await;
    drop((session, sessions));
    timeout(Duration::from_secs(20), following.readiness.ready())
        .await
        .unwrap();
    assert_eq!(following.status.borrow().restored, 2);
}
