//! Large changes of a file, and what an operator lets go, with several data planes.

use std::collections::BTreeMap;
use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_registry::{Absence, Fields, Registration};
use tokio::time::{Instant, timeout};

use super::scene::{DataPlane, Scene, message, saying};
use crate::registry_task::{Event, RollOutSettings, Source, Stage};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

/// For how long requests have to succeed.
const CALM: Duration = Duration::from_millis(700);

fn quick() -> RollOutSettings {
    RollOutSettings {
        least: 0,
        calm: CALM,
        patience: Duration::from_secs(5),
        ..RollOutSettings::default()
    }
}

/// A data plane that does what it is told, acks it, and reports.
struct Running {
    id: String,
    data_plane: DataPlane,
    /// By route and address: the algorithm that it was given with.
    held: BTreeMap<(String, String), String>,
    closing: v1::ClosingStep,
    counts: v1::Counts,
    released: Option<v1::Release>,
}

/// A data plane that knows the algorithms that are told here.
fn hello(id: &str) -> v1::Hello {
    let known = [
        v1::Capability::HashBalancing,
        v1::Capability::LeastConnection,
    ];
    v1::Hello {
        capabilities: known.map(Into::into).to_vec(),
        ..super::scene::hello(id)
    }
}

fn host(key: Option<v1::RouteKey>) -> String {
    match key.unwrap().host.unwrap() {
        v1::route_key::Host::ExactHost(host) => host,
        other => panic!("{other:?}"),
    }
}

impl Running {
    async fn follow(scene: &Scene, id: &str) -> Self {
        let mut running = Self {
            id: id.to_owned(),
            data_plane: scene.follow(hello(id)).await,
            held: BTreeMap::new(),
            closing: v1::ClosingStep::default(),
            counts: v1::Counts {
                responses_2xx: 1_000,
                ..v1::Counts::default()
            },
            released: None,
        };
        running.report(0, 0).await;
        running.read().await;
        running
    }

    /// It leaves, and comes back with what it has.
    async fn reconnect(&mut self, scene: &Scene) {
        let again = v1::Hello {
            epoch: 7,
            revision: self.closing.revision,
            filter_digest: self.data_plane.welcome.filter_digest,
            things: self.closing.things,
            ..hello(&self.id)
        };
        self.data_plane = scene.follow(again).await;
        assert_eq!(self.data_plane.welcome.transfer(), v1::Transfer::Delta);
        self.read().await;
    }

    /// It answered so many requests since the last report, of which some failed.
    async fn report(&mut self, good: u64, failed: u64) {
        self.counts.responses_2xx += good;
        self.counts.responses_5xx += failed;
        let report = v1::Report {
            counts: Some(self.counts),
            ..v1::Report::default()
        };
        self.data_plane.say(Said::Report(report)).await;
    }

    /// Takes everything up to the next closing step, and acks that.
    async fn read(&mut self) {
        self.read_rejecting(Vec::new()).await;
    }

    async fn read_rejecting(&mut self, rejected: Vec<v1::RejectedThing>) {
        loop {
            let message = self.data_plane.next().await.unwrap();
            match message.expect("the session lasts") {
                Message::Batch(batch) => self.apply(batch),
                Message::ClosingStep(closing) => {
                    for gone in &closing.removals {
                        let name = (host(gone.route.clone()), gone.address.clone());
                        self.held.remove(&name);
                    }
                    if closing.continues {
                        continue;
                    }
                    let ack = v1::Ack {
                        epoch: 7,
                        revision: closing.revision,
                        rejected,
                        things: closing.things,
                        digest: closing.digest,
                    };
                    self.closing = closing;
                    self.data_plane.say(Said::Ack(ack)).await;
                    return;
                }
                Message::Release(release) => self.released = Some(release),
                _ => {}
            }
        }
    }

    fn apply(&mut self, batch: v1::Batch) {
        for thing in batch.things {
            if let Some(v1::thing::Kind::Endpoint(it)) = thing.kind {
                let algorithm = it.balancing.map_or_else(String::new, |it| it.algorithm);
                self.held.insert((host(it.route), it.address), algorithm);
            }
        }
    }

    /// Reads until a route has an endpoint with this algorithm; `None`: until it has none.
    async fn until(&mut self, route: &str, wanted: Option<&str>) {
        let reading = async {
            while self.algorithm(route) != wanted {
                self.read().await;
            }
        };
        let waited = timeout(LONG, reading).await;
        waited.expect("it is given that");
    }

    fn algorithm(&self, route: &str) -> Option<&str> {
        let name = (route.to_owned(), format!("10.0.0.1:{}", port(route)));
        self.held.get(&name).map(|it| &**it)
    }
}

/// The port of the endpoint that the file says of a route.
fn port(route: &str) -> u32 {
    8_000
        + route
            .trim_start_matches('r')
            .parse::<u32>()
            .unwrap_or_default()
}

fn from_file(route: &str, algorithm: &str) -> Registration {
    let fields = Fields {
        protocol: "http1",
        algorithm,
        ..Fields::default()
    };
    saying(&format!("10.0.0.1:{}", port(route)), route, fields)
}

fn route(number: usize) -> String {
    format!("r{number}")
}

/// The file has another algorithm in so many of its routes.
async fn change(files: &Source, routes: usize, algorithm: &str) {
    files.send(Event::Changing { routes }).await.unwrap();
    for number in 0..routes {
        let message = from_file(&route(number), algorithm);
        files.send(Event::Register(message)).await.unwrap();
    }
    files.send(Event::Changed).await.unwrap();
}

/// Twenty routes of a file, and data planes that have them.
async fn fleet(count: usize) -> (Scene, Source, Vec<Running>) {
    let (scene, files) = Scene::rolling_out(quick()).await;
    for number in 0..20 {
        let message = from_file(&route(number), "");
        files.send(Event::Register(message)).await.unwrap();
    }
    until_head(&scene, 40).await;
    let mut data_planes = Vec::new();
    for number in 0..count {
        data_planes.push(Running::follow(&scene, &number.to_string()).await);
    }
    (scene, files, data_planes)
}

async fn until_head(scene: &Scene, head: u64) {
    let mut seen = scene.handle.head();
    let reached = seen.wait_for(|it| *it >= head);
    timeout(LONG, reached).await.unwrap().unwrap();
}

async fn until_stage(scene: &Scene, is_so: impl Fn(Option<&Stage>) -> bool) {
    let mut staging = scene.handle.staging();
    let reached = staging.wait_for(|it| is_so(it.rolling.as_ref().map(|it| &it.stage)));
    timeout(LONG, reached).await.unwrap().unwrap();
}

/// Reports that all is well until the next step is taken.
async fn calm(scene: &Scene, data_plane: &mut Running) {
    let admitted = || {
        let staging = scene.handle.staging().borrow().clone();
        staging.rolling.map(|rolling| rolling.admitted.len())
    };
    let before = admitted();
    let reporting = async {
        while admitted() == before {
            data_plane.report(100, 0).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LONG, reporting)
        .await
        .expect("the next step is taken");
}

fn halted(stage: Option<&Stage>) -> bool {
    matches!(stage, Some(Stage::Halted(_)))
}

/// one data plane first, the rest not before its calm, a quarter of the fleet a step, and each of them in the end
#[tokio::test]
async fn one_goes_first_and_the_others_follow_when_it_is_calm() {
    let (scene, files, mut fleet) = fleet(3).await;
    change(&files, 10, "hash").await;
    let began = Instant::now();
    for (number, after) in [(0, Duration::ZERO), (1, CALM), (2, CALM * 2)] {
        fleet[number].until("r0", Some("hash")).await;
        fleet[number].until("r9", Some("hash")).await;
        assert!(began.elapsed() >= after, "{number} after {after:?}");
        let mark = format!("mark{number}");
        scene.register(message("10.9.9.9:80", &mark)).await;
        for waiting in &mut fleet[number + 1..] {
            while !waiting.held.keys().any(|(route, _)| *route == mark) {
                waiting.read().await;
            }
            assert_eq!(waiting.algorithm("r0"), Some(""));
        }
        calm(&scene, &mut fleet[number]).await;
    }
    for data_plane in &mut fleet {
        while !data_plane.held.keys().any(|(route, _)| route == "mark2") {
            data_plane.read().await;
        }
    }
    until_stage(&scene, |stage| stage.is_none()).await;
    let head = *scene.handle.head().borrow();
    for data_plane in &fleet {
        assert_eq!(data_plane.closing.revision, head);
    }
    assert!(
        scene
            .handle
            .replicas()
            .iter()
            .all(|it| it.digest_mismatches == 0)
    );
}

/// what NATS says goes to everybody at once meanwhile, and so does what the file adds, and small changes
#[tokio::test]
async fn nothing_else_waits() {
    let (scene, files, mut fleet) = fleet(2).await;
    change(&files, 1, "least-connection").await;
    for data_plane in &mut fleet {
        data_plane.until("r0", Some("least-connection")).await;
    }
    change(&files, 10, "hash").await;
    fleet[0].until("r9", Some("hash")).await;
    scene.register(message("10.9.9.9:80", "other")).await;
    files
        .send(Event::Register(from_file("r77", "hash")))
        .await
        .unwrap();
    fleet[1].until("r77", Some("hash")).await;
    let other = ("other".to_owned(), "10.9.9.9:80".to_owned());
    assert!(fleet[1].held.contains_key(&other));
    assert_eq!(fleet[1].algorithm("r9"), Some(""));
    scene.unregister(message("10.9.9.9:80", "other")).await;
    while fleet[1].held.contains_key(&other) {
        fleet[1].read().await;
    }

    // It is as far as it says, and comes back to that; what waits goes on to wait.
    let head = *scene.handle.head().borrow();
    assert!(fleet[1].closing.revision < head);
    fleet[1].reconnect(&scene).await;
    assert_eq!(fleet[1].algorithm("r9"), Some(""));
    // A stranger has nothing that could wait.
    let stranger = Running::follow(&scene, "stranger").await;
    assert_eq!(stranger.algorithm("r9"), Some("hash"));
    assert!(
        scene
            .handle
            .replicas()
            .iter()
            .all(|it| it.digest_mismatches == 0)
    );
}

/// a rejection halts it; the file put right again ends it, and nobody else ever has what was wrong
#[tokio::test]
async fn a_rejection_halts_it_until_the_file_changes() {
    let (scene, files, mut fleet) = fleet(2).await;
    change(&files, 10, "hash").await;
    let rejected = v1::RejectedThing {
        reason: "no such algorithm".to_owned(),
        ..v1::RejectedThing::default()
    };
    while fleet[0].algorithm("r9") != Some("hash") {
        fleet[0].read_rejecting(vec![rejected.clone()]).await;
    }
    until_stage(&scene, halted).await;
    let metrics = scene.metrics();
    assert!(metrics.contains("pointsman_roll_out_halted 1"), "{metrics}");
    assert!(
        metrics.contains("pointsman_roll_out_routes 10"),
        "{metrics}"
    );

    change(&files, 10, "").await;
    until_stage(&scene, |stage| stage.is_none()).await;
    fleet[0].until("r0", Some("")).await;
    fleet[0].until("r9", Some("")).await;
    scene.register(message("10.9.9.9:80", "last")).await;
    while !fleet[1].held.keys().any(|(route, _)| route == "last") {
        fleet[1].read().await;
        assert!((0..10).all(|it| fleet[1].algorithm(&route(it)) == Some("")));
    }
    assert!(scene.metrics().contains("pointsman_roll_out_halted 0"));
}

/// one that rejects more than can be shown of it, and now one thing more, halts it all the same
#[tokio::test]
async fn a_rejection_beyond_those_that_are_shown_halts_it() {
    let (scene, files, mut fleet) = fleet(2).await;
    let rejected = |count: usize| {
        let rejected = (0..count).map(|number| v1::RejectedThing {
            address: format!("10.0.0.{number}:80"),
            reason: "no such protocol".to_owned(),
            ..v1::RejectedThing::default()
        });
        rejected.collect::<Vec<_>>()
    };
    scene.register(message("10.9.9.9:80", "other")).await;
    fleet[0].read_rejecting(rejected(150)).await;
    fleet[1].read().await;
    let seen = async {
        let sees = || {
            scene
                .handle
                .replicas()
                .iter()
                .any(|it| it.rejections == 150)
        };
        while !sees() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, seen).await.unwrap();
    change(&files, 10, "hash").await;
    while fleet[0].algorithm("r9") != Some("hash") {
        fleet[0].read_rejecting(rejected(150)).await;
    }
    // What it rejected before is nothing new: the next one gets its turn.
    calm(&scene, &mut fleet[0]).await;
    scene.register(message("10.9.9.9:80", "another")).await;
    while !fleet[0].held.keys().any(|(route, _)| route == "another") {
        fleet[0].read_rejecting(rejected(151)).await;
    }
    until_stage(&scene, halted).await;
}

/// an error rate that rises halts it, and an operator may let it go on to everybody
#[tokio::test]
async fn a_risen_error_rate_halts_it_until_an_operator_lets_it_go_on() {
    let (scene, files, mut fleet) = fleet(2).await;
    for data_plane in &mut fleet {
        data_plane.report(1_000, 1).await;
    }
    change(&files, 10, "hash").await;
    fleet[0].until("r9", Some("hash")).await;
    fleet[0].report(900, 100).await;
    until_stage(&scene, halted).await;
    assert_eq!(fleet[1].algorithm("r9"), Some(""));
    let number = scene.handle.staging().borrow().latest;
    assert!(scene.handle.finish_roll_out(7, number + 1).await.is_err());
    assert!(scene.handle.finish_roll_out(8, number).await.is_err());
    assert_eq!(scene.handle.finish_roll_out(7, number).await, Ok(()));
    fleet[1].until("r9", Some("hash")).await;
    assert!(scene.handle.finish_roll_out(7, number).await.is_err());
}

/// removals are staged as changes are; a second change begins anew, with what is left of the first
#[tokio::test]
async fn removals_wait_as_well_and_a_second_change_begins_anew() {
    let (scene, files, mut fleet) = fleet(2).await;
    files.send(Event::Changing { routes: 5 }).await.unwrap();
    for number in 0..5 {
        let gone = from_file(&route(number), "");
        let lapse = Event::Lapse(gone, Absence::Explicit);
        files.send(lapse).await.unwrap();
    }
    files.send(Event::Changed).await.unwrap();
    fleet[0].until("r4", None).await;
    assert_eq!(fleet[1].algorithm("r4"), Some(""));
    change(&files, 12, "hash").await;
    fleet[0].until("r11", Some("hash")).await;
    fleet[0].until("r4", Some("hash")).await;
    assert_eq!(fleet[1].algorithm("r4"), Some(""));
    assert_eq!(fleet[1].algorithm("r11"), Some(""));
    calm(&scene, &mut fleet[0]).await;
    fleet[1].until("r11", Some("hash")).await;
    fleet[1].until("r4", Some("hash")).await;
    let head = *scene.handle.head().borrow();
    assert_eq!(fleet[1].closing.revision, head);
    assert!(
        scene
            .handle
            .replicas()
            .iter()
            .all(|it| it.digest_mismatches == 0)
    );
}

/// what an operator lets go, and is much, is told to one data plane first
#[tokio::test]
async fn a_large_release_goes_through_the_same_steps() {
    let (scene, _files, mut fleet) = fleet(2).await;
    for data_plane in &mut fleet {
        let report = v1::Report {
            held_removals: 30,
            counts: Some(data_plane.counts),
            ..v1::Report::default()
        };
        data_plane.data_plane.say(Said::Report(report)).await;
    }
    let shown = async {
        while scene
            .handle
            .replicas()
            .iter()
            .any(|it| it.held_removals == 0)
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, shown).await.unwrap();
    scene.handle.release(7, 40).await.unwrap();
    let told = released(&mut fleet[0]).await;
    assert_eq!(told.up_to_revision, 40);
    let first = scene.handle.staging().borrow().rolling.clone().unwrap();
    assert_eq!(*first.stage.name(), *"first");
    scene.register(message("10.9.9.9:80", "mark")).await;
    while !fleet[1].held.keys().any(|(route, _)| route == "mark") {
        fleet[1].read().await;
    }
    assert_eq!(fleet[1].released, None);
    calm(&scene, &mut fleet[0]).await;
    assert_eq!(released(&mut fleet[1]).await, told);
}

async fn released(data_plane: &mut Running) -> v1::Release {
    loop {
        if let Some(release) = data_plane.released.take() {
            return release;
        }
        if let Some(Message::Release(release)) = data_plane.data_plane.next().await.unwrap() {
            return release;
        }
    }
}

/// one data plane is no fleet: it is given everything at once
#[tokio::test]
async fn a_single_data_plane_waits_for_nobody() {
    let (scene, files, mut fleet) = fleet(1).await;
    change(&files, 20, "hash").await;
    fleet[0].until("r19", Some("hash")).await;
    assert_eq!(scene.handle.staging().borrow().latest, 0);
}
