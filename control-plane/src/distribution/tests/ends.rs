use std::time::Duration;

use hyper_util::rt::TokioIo;
use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::scene::{DataPlane, Scene, hello, message, parts, settings};
use crate::distribution::Settings;
use crate::registry_task::{Event, Source};

/// A channel over a pipe that is used once.
pub(super) async fn over_pipe(client: DuplexStream) -> Channel {
    let mut client = Some(client);
    let connector = tower::service_fn(move |_| {
        let client = client.take();
        async move {
            client
                .map(TokioIo::new)
                .ok_or_else(|| std::io::Error::other("used"))
        }
    });
    let endpoint = Endpoint::from_static("http://pipe");
    endpoint.connect_with_connector(connector).await.unwrap()
}

/// The only connection that ever comes in.
pub(super) fn one(server: DuplexStream) -> impl Stream<Item = std::io::Result<DuplexStream>> {
    tokio_stream::once(Ok(server)).chain(tokio_stream::pending())
}

#[tokio::test]
async fn it_serves_over_a_pipe_within_the_process() {
    let (distribution, handle, source, _) = parts(settings());
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(distribution.serve(one(server), std::future::pending()));
    source
        .send(Event::Register(message("10.0.0.1:80", "foo")))
        .await
        .unwrap();
    let mut data_plane = DataPlane::over(over_pipe(client).await, hello("one"))
        .await
        .unwrap();
    assert_eq!(data_plane.step_to(2).await.endpoints.len(), 1);
    assert_eq!(handle.replicas()[0].address, None);
}

#[tokio::test]
async fn a_newer_session_of_the_same_process_ends_the_older_one() {
    let scene = Scene::new(settings()).await;
    let mut older = scene.follow(hello("one")).await;
    let mut other = scene.follow(hello("two")).await;
    let mut newer = scene.follow(hello("one")).await;
    assert_eq!(older.end().await.code(), Code::Aborted);
    newer.step().await;
    other.step().await;
}

#[tokio::test]
async fn the_end_of_the_control_plane_is_told() {
    let mut scene = Scene::new(settings()).await;
    let mut data_plane = scene.follow(hello("one")).await;
    data_plane.step().await;
    scene.end.take().unwrap().send(()).unwrap();
    let ended = data_plane.end().await;
    assert_eq!(
        (ended.code(), ended.message()),
        (Code::Unavailable, "the control plane is ending")
    );
    assert_eq!(ended.metadata().get("pointsman-reason").unwrap(), "leaving");
    drop(data_plane);
    scene.served.await.unwrap();
    assert!(scene.handle.replicas().is_empty());
}

#[tokio::test]
async fn who_leaves_is_forgotten() {
    let scene = Scene::new(settings()).await;
    let data_plane = scene.follow(hello("one")).await;
    assert_eq!(scene.handle.replicas().len(), 1);
    drop(data_plane);
    scene.until_gone().await;
    scene.register(message("10.0.0.1:80", "foo")).await;
}

#[tokio::test]
async fn nonsense_is_refused_by_name_and_hurts_nobody_else() {
    let scene = Scene::new(settings()).await;
    let mut bystander = scene.follow(hello("bystander")).await;
    let refused = scene
        .try_follow(v1::Hello {
            id: String::new(),
            ..hello("")
        })
        .await;
    assert_eq!(refused.err().unwrap().code(), Code::InvalidArgument);
    let second = Said::Hello(hello("one"));
    let early = Said::Ack(v1::Ack {
        revision: 99,
        ..v1::Ack::default()
    });
    let unasked = Said::Answer(v1::Answer { id: 3, kind: None });
    for (nonsense, message) in [
        (second, "a second hello; expected one for each session"),
        (
            early,
            "an ack of revision 99; the last closing step was that of 0",
        ),
        (unasked, "an answer to question 3, which was not asked"),
    ] {
        let mut data_plane = scene.follow(hello("one")).await;
        data_plane.step().await;
        data_plane.say(nonsense).await;
        let ended = data_plane.end().await;
        assert_eq!(
            (ended.code(), ended.message()),
            (Code::InvalidArgument, message)
        );
    }
    scene.register(message("10.0.0.1:80", "foo")).await;
    assert_eq!(bystander.step_to(2).await.endpoints.len(), 1);
    assert!(
        scene
            .metrics()
            .contains("pointsman_distribution_refused_total{code=\"InvalidArgument\"} 1")
    );
}

/// A pipe to a control plane whose sessions last about this long.
async fn for_about(age: Duration) -> (DataPlane, Source) {
    let (distribution, _handle, source, _) = parts(Settings {
        max_age: Some(age),
        heartbeat: Duration::from_secs(3600),
        ..settings()
    });
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(distribution.serve(one(server), std::future::pending()));
    let data_plane = DataPlane::over(over_pipe(client).await, hello("one")).await;
    (data_plane.unwrap(), source)
}

/// sessions end after a while, give or take a fifth, and the data plane is told that nothing is wrong
#[tokio::test]
async fn a_session_ends_at_its_age_and_says_why() {
    tokio::time::pause();
    let mut ages = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let (mut data_plane, _source) = for_about(Duration::from_secs(1800)).await;
        let begun = Instant::now();
        data_plane.step().await;
        let ended = data_plane.end_within(Duration::from_secs(3600)).await;
        assert_eq!(ended.code(), Code::Unavailable);
        assert_eq!(
            ended.metadata().get("pointsman-reason").unwrap(),
            "age",
            "{ended:?}"
        );
        let age = begun.elapsed().as_secs();
        assert!((1440..=2160).contains(&age), "{age}");
        ages.insert(age);
    }
    assert!(ages.len() > 1, "{ages:?}");
}
