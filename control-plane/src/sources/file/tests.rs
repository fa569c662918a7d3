//! What becomes of files that change, and what the registry knows then.

use std::fs;

use pointsman_registry::Settings as RegistrySettings;
use prometheus_client::encoding::text::encode;
use tempfile::TempDir;

use super::*;
use crate::registry_task::{Handle, RegistryTask};

/// A folder of route files, looked at one by one.
struct Scene {
    folder: TempDir,
    looker: Looker,
    state: State,
    metrics: Metrics,
    registry: Registry,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut registry = Registry::default();
        Self {
            looker: Looker::new(folder.path().to_owned()),
            state: State {
                table: Table::default(),
                bad: BTreeMap::new(),
                trouble: None,
                conflicts: BTreeSet::new(),
                whole: None,
                changed: 0,
            },
            metrics: Metrics::new(&mut registry),
            registry,
            folder,
        }
    }

    /// Writes a file, and looks until it is taken. How many things the registry is told.
    fn write(&mut self, name: &str, text: &str) -> usize {
        fs::write(self.folder.path().join(name), text).expect("a file");
        self.look() + self.look()
    }

    fn look(&mut self) -> usize {
        let looked = self.looker.look();
        let events = self.state.take(looked, &self.metrics).len();
        self.state.whole = self.state.is_whole();
        events
    }

    fn metric(&self, line: &str) -> bool {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("it is text");
        text.lines().any(|it| it == line)
    }
}

const GOOD: &str = "services: { s: { v1: ['10.0.0.1:1'] } }";

#[test]
fn what_a_file_said_last_stays_while_it_is_bad() {
    let mut scene = Scene::new();
    assert_eq!(scene.write("a.yml", GOOD), 2);
    assert_eq!(scene.state.whole, Some(true));
    for bad in [
        "services: { s: { v1: ['10.0.0.1'] } }",
        "servces: {}",
        "\u{0}",
        "a: [",
        "",
    ] {
        assert_eq!(scene.write("a.yml", bad), 0, "{bad}");
        assert_eq!(scene.state.table.routes(), 1, "{bad}");
        assert!(scene.metric("pointsman_route_files_bad 1"), "{bad}");
        assert_eq!(scene.state.whole, Some(true), "what it said is known");
    }
    assert!(scene.metric("pointsman_route_files_refused_total 5"));
    assert_eq!(
        scene.write("a.yml", "services: { s: { v1: ['10.0.0.2:1'] } }"),
        2
    );
    assert!(scene.metric("pointsman_route_files_bad 0"));
}

#[test]
fn a_file_beside_a_bad_one_is_taken() {
    let mut scene = Scene::new();
    scene.write("a.yml", "routes: 5");
    assert_eq!(scene.state.whole, None, "nothing was ever read");
    assert_eq!(scene.write("b.yml", GOOD), 2);
    assert_eq!(scene.state.whole, Some(false), "the other one is not known");
    scene.write("a.yml", "routes: []");
    assert_eq!(scene.state.whole, Some(true));
}

#[test]
fn a_link_that_cannot_be_followed_is_a_bad_file_like_any_other() {
    let mut scene = Scene::new();
    scene.write("a.yml", GOOD);
    scene.write("b.yml", "services: { t: { v1: ['10.0.0.1:1'] } }");
    let link = scene.folder.path().join("b.yml");
    fs::remove_file(&link).expect("it is there");
    std::os::unix::fs::symlink("b.yml", &link).expect("a link to itself");
    assert_eq!(scene.look() + scene.look(), 0, "what it said last stays");
    assert!(scene.metric("pointsman_route_files_bad 1"));
    assert!(scene.metric("pointsman_route_files_unreadable 0"));
    assert_eq!(scene.state.whole, Some(true));
    assert_eq!(
        scene.write("a.yml", "services: { s: { v1: ['10.0.0.2:1'] } }"),
        2
    );
    assert_eq!(scene.state.table.routes(), 2);
}

#[test]
fn a_folder_that_goes_away_takes_nothing_with_it() {
    let mut scene = Scene::new();
    scene.write("a.yml", GOOD);
    let away = scene.folder.path().with_extension("away");
    fs::rename(scene.folder.path(), &away).expect("renamed");
    for _ in 0..3 {
        assert_eq!(scene.look(), 0);
    }
    assert_eq!(scene.state.whole, Some(false));
    assert!(scene.metric("pointsman_route_files_unreadable 1"));
    fs::rename(&away, scene.folder.path()).expect("renamed");
    assert_eq!(scene.look(), 0);
    assert_eq!(
        (scene.state.whole, scene.state.table.routes()),
        (Some(true), 1)
    );
}

#[test]
fn an_empty_folder_is_wholly_known() {
    let mut scene = Scene::new();
    scene.look();
    assert_eq!(scene.state.whole, Some(true));
}

/// A source that runs into a registry.
async fn run(path: PathBuf) -> (Handle, tokio::task::JoinHandle<()>) {
    let mut metrics = Registry::default();
    let mut task = RegistryTask::new(RegistrySettings::default(), 1, &mut metrics);
    let source = task.declaring_source("route files");
    let handle = task.handle();
    let poll = Duration::from_millis(20);
    let files = Files::new(Settings { path, poll }, &mut metrics);
    let joined = tokio::spawn(async move {
        let registry = task.run(std::future::pending());
        let (_, ended) = tokio::join!(registry, files.run(source));
        ended.expect("the registry lives");
    });
    (handle, joined)
}

async fn routes(handle: &Handle) -> usize {
    let counted = handle.read(|registry, now| registry.counts(now).routes);
    counted.await.expect("the registry lives")
}

/// Waits for so many routes.
async fn wait_for(handle: &Handle, wanted: usize) {
    let arrived = async {
        while routes(handle).await != wanted {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    let arrived = time::timeout(Duration::from_secs(20), arrived).await;
    assert!(arrived.is_ok(), "{} routes", routes(handle).await);
}

/// Waits until the registry's word is worth this.
async fn stands(handle: &Handle, wanted: impl Fn(&pointsman_registry::Standing) -> bool) {
    let mut standing = handle.standing();
    let told = time::timeout(Duration::from_secs(20), standing.wait_for(|it| wanted(it)));
    // What is seen must not be held: nobody could say anything else meanwhile.
    let told = told.await.is_ok_and(|told| told.is_ok());
    assert!(told, "{:?}", *handle.standing().borrow());
}

/// F-032: a source watches, and tells the registry what changes
#[tokio::test]
async fn the_registry_follows_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yml"), GOOD).expect("a file");
    let (handle, task) = run(folder.path().to_owned()).await;
    wait_for(&handle, 1).await;
    stands(&handle, |it| it.open && it.authoritative).await;
    fs::write(folder.path().join("b.yml"), "routes: [{ host: x.com }]").expect("a file");
    wait_for(&handle, 2).await;
    fs::remove_file(folder.path().join("a.yml")).expect("it is there");
    wait_for(&handle, 1).await;
    task.abort();
}

#[tokio::test]
async fn a_file_that_is_not_there_keeps_the_table_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("routes.yml");
    let (handle, task) = run(path.clone()).await;
    stands(&handle, |it| {
        !it.open && it.reason == "route files could not be read yet"
    })
    .await;
    fs::write(&path, GOOD).expect("a file");
    wait_for(&handle, 1).await;
    stands(&handle, |it| it.open).await;
    task.abort();
}
