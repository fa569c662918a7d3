use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use pointsman_routing::Table;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::persisted::Lifetimes;
use crate::table::{Publisher, publication};

const MINUTE: Duration = Duration::from_secs(60);

/// A table that is kept, with nothing in it.
struct Scene {
    place: TempDir,
    publisher: Publisher,
    status: watch::Sender<Status>,
    kept: watch::Receiver<Kept>,
    stages: Stages,
}

impl Scene {
    fn new(interval: Duration) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (publisher, table) = publication();
        let status = watch::Sender::new(Status::default());
        let kept = watch::Sender::new(Kept::default());
        let stages = Stages::new();
        let scene = Self {
            publisher,
            status,
            kept: kept.subscribe(),
            stages: stages.clone(),
            place,
        };
        let keeping = Keeping::new(Keep {
            folder: scene.folder(),
            filter: 3,
            interval,
            table,
            status: scene.status.subscribe(),
            origin: Instant::now(),
            kept,
            switches: Arc::default(),
        });
        tokio::spawn(keeping.run(stages));
        scene
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("state")
    }

    fn confirm(&self) {
        self.status.send_modify(|status| {
            status.servable = true;
            status.agreed = true;
            status.confirmed = Some(Instant::now());
        });
    }

    fn change(&self) {
        self.publisher.publish(Arc::new(Table::empty()));
    }

    async fn kept(&mut self, wanted: impl FnMut(&Kept) -> bool) -> Kept {
        let kept = self.kept.wait_for(wanted);
        timeout(Duration::from_secs(20), kept)
            .await
            .unwrap()
            .unwrap()
            .clone()
    }

    fn age(&self) -> Duration {
        let lifetimes = Lifetimes {
            plain: MINUTE,
            tls: MINUTE,
        };
        let (found, skipped) = Folder::new(self.folder()).find(3, lifetimes, &Moment::now());
        assert!(skipped.is_empty(), "{skipped:?}");
        found.unwrap().age
    }
}

/// a table is persisted once a control plane has filled it, and again only where it changed
#[tokio::test]
async fn a_table_is_written_when_it_changed() {
    let mut scene = Scene::new(Duration::from_millis(50));
    scene.change();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(scene.kept.borrow().writes, 0, "nothing has vouched for it");
    scene.confirm();
    scene.kept(|kept| kept.writes == 1).await;
    // Confirmed again, as it is: a stamp says so, and the table is not written.
    let confirmed = Instant::now();
    scene.confirm();
    timeout(Duration::from_secs(20), async {
        while scene.age() > confirmed.elapsed() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(scene.kept.borrow().writes, 1);
    scene.change();
    scene.kept(|kept| kept.writes == 2).await;
    scene.status.send_modify(|status| status.orphans = 1);
    scene.kept(|kept| kept.writes == 3).await;
}

/// a table is persisted when the process begins to leave, and at its end
#[tokio::test]
async fn a_table_is_written_at_the_drain_and_at_the_end() {
    let mut scene = Scene::new(MINUTE);
    scene.confirm();
    scene.kept(|kept| kept.writes == 1).await;
    scene.change();
    scene.stages.leave();
    scene.kept(|kept| kept.writes == 2).await;
    scene.change();
    scene.stages.end();
    scene.kept(|kept| kept.writes == 3).await;
}

/// where the table cannot be written, that is told and counted, and it is written when it can be
#[tokio::test]
async fn what_cannot_be_written_is_written_later() {
    let mut scene = Scene::new(Duration::from_millis(20));
    // A file stands where the folder should be.
    fs::write(scene.folder(), "").unwrap();
    scene.confirm();
    let kept = scene.kept(|kept| kept.failures >= 3).await;
    assert_eq!(kept.writes, 0);
    assert!(kept.trouble.is_some());
    fs::remove_file(scene.folder()).unwrap();
    let kept = scene.kept(|kept| kept.writes == 1).await;
    assert_eq!(kept.trouble, None);
    // The folder goes away while it is used.
    fs::remove_dir_all(scene.folder()).unwrap();
    scene.change();
    scene.kept(|kept| kept.writes == 2).await;
    let table = fs::metadata(scene.folder().join("table")).unwrap();
    assert_eq!(table.permissions().mode() & 0o777, 0o600);
}

/// a control plane that has not heard everything changes what is kept, and makes it no younger
#[tokio::test]
async fn what_a_young_control_plane_says_is_kept_at_the_age_of_the_rest() {
    let mut scene = Scene::new(Duration::from_millis(20));
    let age = Duration::from_secs(30);
    scene.status.send_modify(|status| {
        status.servable = true;
        status.taken_over = Some((Instant::now(), age));
    });
    scene.change();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.kept.borrow().writes, 0, "it is on disk already");
    scene.status.send_modify(|status| status.agreed = true);
    scene.kept(|kept| kept.writes == 1).await;
    assert!(scene.age() >= age);
    scene.change();
    scene.kept(|kept| kept.writes == 2).await;
    assert!(scene.age() >= age);
    scene.confirm();
    timeout(Duration::from_secs(20), async {
        while scene.age() >= age {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(scene.kept.borrow().writes, 2, "a stamp says so");
}
