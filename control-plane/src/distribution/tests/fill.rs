use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_registry::{Algorithm, Fields, Tags};

use super::scene::{Scene, hello, message, saying, settings};

#[tokio::test]
async fn an_empty_data_plane_gets_everything_and_then_what_changes() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    scene.register(message("10.0.0.2:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let welcome = &data_plane.welcome;
    assert_eq!(
        (welcome.epoch, &*welcome.name, welcome.protocol_level),
        (7, "cp", 1)
    );
    assert_eq!(welcome.transfer(), v1::Transfer::Snapshot);
    assert!(!welcome.standing.clone().unwrap().open);
    assert_eq!(welcome.settings.unwrap().mark_time.unwrap().seconds, 30);
    let first = data_plane.step_to(3).await;
    assert!(first.closing.complete || first.routes.len() == 1);
    assert_eq!((first.routes.len(), first.endpoints.len()), (1, 2));
    assert_eq!(first.sum(), first.expected());
    data_plane.ack(&first).await;
    let replica = scene
        .until_replica(|replica| replica.acked_revision == 3)
        .await;
    assert!(replica.has_converged(3) && replica.behind_since.is_none());
    assert_eq!(
        (replica.sent_revision, replica.held.things, &*replica.name),
        (3, 3, "dp-one")
    );

    scene.register(message("10.0.0.3:80", "foo")).await;
    let second = data_plane.step_to(4).await;
    assert_eq!(
        (
            second.routes.len(),
            second.endpoints.len(),
            second.removals.len()
        ),
        (0, 1, 0)
    );
    assert!(!second.closing.complete);
    assert!(
        scene
            .until_replica(|replica| replica.behind_since.is_some())
            .await
            .acked_revision
            < 4
    );
    scene.unregister(message("10.0.0.1:80", "foo")).await;
    let third = data_plane.step_to(5).await;
    assert_eq!(
        (
            third.endpoints.len(),
            third.removals.len(),
            third.closing.things
        ),
        (0, 1, 3)
    );
    assert_eq!(third.removals[0].address, "10.0.0.1:80");
}

/// after a reconnect an answer always comes, at the same revision too; another epoch or filter gets everything
#[tokio::test]
async fn a_reconnect_goes_on_where_it_was() {
    let scene = Scene::new(settings()).await;
    for number in 1..=20 {
        scene
            .register(message(&format!("10.0.0.{number}:80"), "foo"))
            .await;
    }
    let mut data_plane = scene.follow(hello("one")).await;
    let first = data_plane.step_to(21).await;
    let again = data_plane.hello_again("one", &first);
    drop(data_plane);

    // Nothing has changed, and the answer comes all the same.
    let mut data_plane = scene.follow(again.clone()).await;
    assert_eq!(data_plane.welcome.transfer(), v1::Transfer::Delta);
    let nothing = data_plane.step().await;
    assert_eq!(
        (
            nothing.batches,
            nothing.closing.revision,
            nothing.closing.complete
        ),
        (0, 21, false)
    );
    assert_eq!(nothing.expected(), first.expected());
    drop(data_plane);

    scene.register(message("10.0.0.21:80", "foo")).await;
    scene.unregister(message("10.0.0.1:80", "foo")).await;
    let mut data_plane = scene.follow(again.clone()).await;
    let delta = data_plane.step_to(23).await;
    assert_eq!((delta.endpoints.len(), delta.removals.len()), (1, 1));
    drop(data_plane);

    for stranger in [
        v1::Hello {
            epoch: 8,
            ..again.clone()
        },
        v1::Hello {
            filter_digest: 1,
            ..again.clone()
        },
        v1::Hello {
            revision: 0,
            ..again.clone()
        },
    ] {
        let data_plane = scene.follow(stranger).await;
        assert_eq!(data_plane.welcome.transfer(), v1::Transfer::Snapshot);
    }
    assert!(
        scene
            .metrics()
            .contains("pointsman_distribution_welcomed_total{transfer=\"delta\"} 2")
    );
}

/// what was rejected is not sent again unchanged, but when it changes, and on a reconnect
#[tokio::test]
async fn what_was_rejected_is_shown_and_sent_again_on_reconnect() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo")).await;
    scene.register(message("10.0.0.2:80", "foo")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let first = data_plane.step_to(3).await;
    let rejected = v1::RejectedThing {
        route: first.endpoints[1].route.clone(),
        address: "10.0.0.2:80".to_owned(),
        segment: String::new(),
        reason: "it looks odd".to_owned(),
    };
    let less = pointsman_registry::Sum {
        things: 2,
        digest: 1,
    };
    data_plane
        .ack_as(&first, less, vec![rejected.clone()])
        .await;
    let replica = scene.until_replica(|replica| replica.rejections == 1).await;
    assert!(!replica.has_converged(3));
    assert_eq!(
        (&*replica.rejected[0].route, &*replica.rejected[0].reason),
        ("foo", "it looks odd")
    );
    // What was rejected is in one of the sums only, so this is no divergence.
    assert_eq!(replica.digest_mismatches, 0);
    let again = v1::Hello {
        rejected: vec![rejected.clone()],
        ..data_plane.hello_again("one", &first)
    };
    drop(data_plane);
    let mut data_plane = scene.follow(again).await;
    scene
        .until_replica(|it| it.rejections == 1 && it.rejected[0].reason == "it looks odd".into())
        .await;
    let step = data_plane.step().await;
    assert_eq!((step.routes.len(), step.endpoints.len()), (0, 1));
    assert_eq!(step.endpoints[0].address, "10.0.0.2:80");
    data_plane.ack_as(&step, less, vec![rejected]).await;
    scene.register(message("10.0.0.3:80", "foo")).await;
    let step = data_plane.step_to(4).await;
    assert_eq!(step.endpoints.len(), 1, "nothing but what changed");
    let fields = Fields {
        protocol: "http1",
        app_id: "another",
        ..Fields::default()
    };
    scene.register(saying("10.0.0.2:80", "foo", fields)).await;
    let step = data_plane.step_to(5).await;
    assert_eq!(step.endpoints[0].address, "10.0.0.2:80");
}

#[tokio::test]
async fn each_shard_gets_its_own() {
    let scene = Scene::new(settings()).await;
    for (segment, address) in [
        ("", "10.0.0.1:80"),
        ("a", "10.0.0.2:80"),
        ("b", "10.0.0.3:80"),
    ] {
        let mut message = message(address, "foo");
        message.segment = segment.into();
        scene.register(message).await;
    }
    let wanted = |mode: v1::SegmentMode, segments: &[&str]| v1::Hello {
        filter: Some(v1::SegmentFilter {
            mode: mode.into(),
            segments: segments.iter().map(|it| (*it).to_owned()).collect(),
        }),
        ..hello("one")
    };
    for (hello, addresses) in [
        (
            wanted(v1::SegmentMode::All, &[]),
            vec!["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"],
        ),
        (
            wanted(v1::SegmentMode::Segments, &["b"]),
            vec!["10.0.0.3:80"],
        ),
        (
            wanted(v1::SegmentMode::SharedAndSegments, &["a"]),
            vec!["10.0.0.1:80", "10.0.0.2:80"],
        ),
        (
            wanted(v1::SegmentMode::SharedAndSegments, &[]),
            vec!["10.0.0.1:80"],
        ),
    ] {
        let mut data_plane = scene.follow(hello).await;
        let step = data_plane.step_to(6).await;
        let got: Vec<_> = step.endpoints.iter().map(|it| &*it.address).collect();
        assert_eq!(got, addresses);
        assert_eq!(step.sum(), step.expected());
    }
}

#[tokio::test]
async fn what_a_data_plane_cannot_honour_is_kept_from_it_and_shown() {
    let mut settings = settings();
    settings.effective.default_algorithm = Algorithm::LeastConnection;
    let scene = Scene::new(settings).await;
    let rs = Fields {
        route_service_url: "https://rs",
        ..Fields::default()
    };
    scene.register(saying("10.0.0.1:80", "service", rs)).await;
    scene.register(message("10.0.0.2:80", "plain")).await;
    let mut simple = scene.follow(hello("one")).await;
    let told = simple.welcome.settings.unwrap();
    assert_eq!(told.default_algorithm(), v1::Algorithm::RoundRobin);
    let step = simple.step_to(4).await;
    assert_eq!((step.routes.len(), step.endpoints.len()), (1, 1));
    assert_eq!(step.sum(), step.expected());
    simple.ack(&step).await;
    let replica = scene
        .until_replica(|replica| replica.acked_revision == 4)
        .await;
    let withheld = vec![(pointsman_registry::Capabilities::ROUTE_SERVICE, 2)];
    assert_eq!((replica.withheld, replica.digest_mismatches), (withheld, 0));
    assert!(
        replica.degraded.contains("round-robin"),
        "{}",
        replica.degraded
    );
    drop(simple);
    let capabilities = vec![
        v1::Capability::RouteService.into(),
        v1::Capability::LeastConnection.into(),
    ];
    let mut able = scene
        .follow(v1::Hello {
            capabilities,
            ..hello("two")
        })
        .await;
    let told = able.welcome.settings.unwrap();
    assert_eq!(told.default_algorithm(), v1::Algorithm::LeastConnection);
    assert_eq!(able.step_to(4).await.endpoints.len(), 2);
}

#[tokio::test]
async fn who_does_not_read_skips_what_was_overwritten() {
    let scene = Scene::new(settings()).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let long = "x".repeat(250);
    for round in 0..20_000_i64 {
        let tags = Some(Tags::from([
            ("a", &*long),
            ("b", &*long),
            ("c", &*long),
            ("d", &*long),
        ]));
        let fields = Fields {
            updated_at_ns: round,
            tags,
            ..Fields::default()
        };
        scene.register(saying("10.0.0.1:80", "foo", fields)).await;
    }
    // 20 MB of changes went by. What waits is what fits into the windows of the connection; the rest is one thing.
    let mut heads = scene.handle.head();
    let head = *heads.wait_for(|head| *head == 20_001).await.unwrap();
    let step = data_plane.step_to(head).await;
    assert!(
        step.endpoints.len() < 2_000,
        "{} were sent",
        step.endpoints.len()
    );
    assert_eq!(step.endpoints.last().unwrap().updated_at_ns, 19_999);
}

#[tokio::test]
async fn a_change_goes_out_at_once_and_what_follows_is_gathered() {
    let scene = Scene::new(settings()).await;
    let mut data_plane = scene.follow(hello("one")).await;
    data_plane.step().await;
    for number in 0..200 {
        scene
            .register(message(&format!("10.0.0.{number}:80"), "foo"))
            .await;
    }
    let all = data_plane.step_to(201).await;
    assert_eq!(all.endpoints.len(), 200);
    assert!(all.batches <= 20, "{} batches", all.batches);
}

#[tokio::test]
async fn endpoints_never_come_before_their_route() {
    let scene = Scene::new(settings()).await;
    for number in 0..1_500 {
        let uri = format!("r{}.example.com", number % 500);
        scene
            .register(message(&format!("10.0.0.1:{number}"), &uri))
            .await;
    }
    let mut data_plane = scene.follow(hello("one")).await;
    let mut known = std::collections::HashSet::new();
    let mut endpoints = 0;
    while endpoints < 1_500 {
        use pointsman_proto::v1::follow_response::Message;
        let Some(Message::Batch(batch)) = data_plane.next().await.unwrap() else {
            continue;
        };
        assert!(batch.things.len() <= 512 + 1);
        for thing in batch.things {
            match thing.kind.unwrap() {
                v1::thing::Kind::Route(route) => drop(known.insert(format!("{:?}", route.key))),
                v1::thing::Kind::Endpoint(endpoint) => {
                    endpoints += 1;
                    assert!(known.contains(&format!("{:?}", endpoint.route)));
                }
            }
        }
    }
    data_plane.say(Said::Report(v1::Report::default())).await;
}
