use pointsman_proto::v1::{route_key, thing};

use super::*;

fn now() -> Time {
    Time::since_origin(std::time::Duration::ZERO)
}

fn follower() -> Follower {
    Follower::new(
        Identity {
            id: "id".to_owned(),
            name: "name".to_owned(),
            zone: "z1".to_owned(),
            filter: v1::SegmentFilter {
                mode: v1::SegmentMode::All.into(),
                segments: vec![],
            },
            any_host: false,
        },
        1,
    )
}

fn say(message: follow_response::Message) -> v1::FollowResponse {
    v1::FollowResponse {
        message: Some(message),
    }
}

fn welcome(epoch: u64) -> v1::Welcome {
    v1::Welcome {
        epoch,
        standing: Some(v1::Standing {
            open: true,
            ..v1::Standing::default()
        }),
        settings: Some(v1::Settings {
            mark_time: Some(prost_types::Duration {
                seconds: 30,
                nanos: 0,
            }),
            empty_pool: Some(v1::EmptyPool {
                status: 404,
                timeout: None,
            }),
            default_algorithm: v1::Algorithm::RoundRobin.into(),
            registration_interval: Some(prost_types::Duration {
                seconds: 20,
                nanos: 0,
            }),
        }),
        filter_digest: 77,
        ..v1::Welcome::default()
    }
}

fn key(host: &str) -> v1::RouteKey {
    v1::RouteKey {
        host: Some(route_key::Host::ExactHost(host.to_owned())),
        path: Some(route_key::Path::PathPrefix(String::new())),
    }
}

fn batch(hosts: &[&str]) -> v1::FollowResponse {
    let things = hosts.iter().map(|host| v1::Thing {
        kind: Some(thing::Kind::Route(v1::Route {
            key: Some(key(host)),
            host_as_registered: (*host).to_owned(),
            path_as_registered: "/".to_owned(),
            groups: vec![v1::Group {
                weight: 1,
                ..v1::Group::default()
            }],
            ..v1::Route::default()
        })),
    });
    say(follow_response::Message::Batch(v1::Batch {
        things: things.collect(),
    }))
}

fn closing(follower: &Follower, revision: u64) -> v1::FollowResponse {
    let View { things, digest } = follower.held();
    say(follow_response::Message::ClosingStep(v1::ClosingStep {
        revision,
        complete: true,
        things,
        digest,
        ..v1::ClosingStep::default()
    }))
}

fn filled() -> Follower {
    let mut follower = follower();
    follower.begin();
    follower
        .receive(say(follow_response::Message::Welcome(welcome(5))), now())
        .unwrap();
    follower.receive(batch(&["a", "b"]), now()).unwrap();
    let step = closing(&follower, 9);
    assert_eq!(follower.receive(step, now()), Ok(Received::Agreed));
    follower
}

fn hello(follower: &mut Follower) -> v1::Hello {
    follower.begin();
    match follower.hello().message {
        Some(follow_request::Message::Hello(hello)) => hello,
        other => panic!("no hello: {other:?}"),
    }
}

fn ack(follower: &mut Follower) -> Option<v1::Ack> {
    match follower.ack()?.message {
        Some(follow_request::Message::Ack(ack)) => Some(ack),
        other => panic!("no ack: {other:?}"),
    }
}

#[test]
fn hello_says_what_is_held() {
    let mut empty = follower();
    let first = hello(&mut empty);
    assert_eq!((first.epoch, first.revision, first.things), (0, 0, 0));
    assert_eq!(first.capabilities.len(), CLAIMED.len());
    let mut filled = filled();
    let again = hello(&mut filled);
    assert_eq!(
        (
            again.epoch,
            again.revision,
            again.things,
            again.filter_digest
        ),
        (5, 9, 2, 77)
    );
}

/// What a follower holds of a route of every host that is sent to it, and what it claims.
fn sent_a_route_of_every_host(any_host: bool) -> (View, usize, bool) {
    let mut follower = filled();
    follower.identity.any_host = any_host;
    let claims = hello(&mut follower)
        .capabilities
        .contains(&v1::Capability::AnyHost.into());
    follower
        .receive(say(follow_response::Message::Welcome(welcome(5))), now())
        .unwrap();
    let Ok(follow_response::Message::Batch(mut batch)) = batch(&["c"]).message.ok_or(()) else {
        panic!("it is a batch");
    };
    for thing in &mut batch.things {
        if let Some(thing::Kind::Route(route)) = &mut thing.kind {
            let host = Some(route_key::Host::AnyHost(v1::AnyHost {}));
            route.key.as_mut().unwrap().host = host;
        }
    }
    batch.things.truncate(1);
    follower
        .receive(say(follow_response::Message::Batch(batch)), now())
        .unwrap();
    let rejected = follower.rejected().count();
    (follower.held(), rejected, claims)
}

#[test]
fn routes_of_every_host_are_for_listeners_that_serve_them() {
    let (held, rejected, claims) = sent_a_route_of_every_host(true);
    assert_eq!((held.things, rejected, claims), (3, 0, true));
    let (_, rejected, claims) = sent_a_route_of_every_host(false);
    assert_eq!((rejected, claims), (1, false));
}

#[test]
fn an_ack_waits_for_the_publication_of_what_it_acknowledges() {
    let mut follower = filled();
    assert_eq!(ack(&mut follower), None);
    assert_eq!(follower.publish().unwrap().routes(), 2);
    let ack = ack(&mut follower).unwrap();
    assert_eq!((ack.epoch, ack.revision, ack.things), (5, 9, 2));
    assert_eq!(follower.ack(), None, "once");
    assert!(follower.publish().is_none());
}

#[test]
fn a_closing_step_that_changes_nothing_is_acknowledged_at_once() {
    let mut follower = filled();
    follower.publish();
    follower.ack();
    let mut step = closing(&follower, 10);
    if let Some(follow_response::Message::ClosingStep(step)) = &mut step.message {
        step.complete = false;
    }
    follower.receive(step, now()).unwrap();
    assert_eq!(ack(&mut follower).unwrap().revision, 10);
}

#[test]
fn a_session_begins_with_a_welcome_and_has_one() {
    let mut follower = follower();
    follower.begin();
    assert!(matches!(
        follower.receive(batch(&["a"]), now()),
        Err(Breach::OutOfTurn(..))
    ));
    let mut follower = filled();
    let second = say(follow_response::Message::Welcome(welcome(5)));
    assert!(matches!(
        follower.receive(second, now()),
        Err(Breach::OutOfTurn(..))
    ));
    follower.begin();
    let nameless = say(follow_response::Message::Welcome(welcome(0)));
    assert_eq!(follower.receive(nameless, now()), Err(Breach::NoEpoch));
    let unset = v1::Welcome {
        settings: None,
        ..welcome(6)
    };
    let unset = follower.receive(say(follow_response::Message::Welcome(unset)), now());
    assert!(matches!(unset, Err(Breach::Settings(_))), "{unset:?}");
    assert_eq!(
        follower.position(),
        (5, 9),
        "a welcome that is refused changes nothing"
    );
}

#[test]
fn a_table_that_differs_is_asked_for_anew() {
    let mut follower = filled();
    follower.publish();
    let beat = v1::Heartbeat {
        revision: 9,
        things: 3,
        digest: 1,
    };
    let answer = follower.receive(say(follow_response::Message::Heartbeat(beat)), now());
    assert_eq!(answer, Err(Breach::Diverged { revision: 9 }));
    assert_eq!(hello(&mut follower).revision, 0);
    assert_eq!(follower.table().routes(), 2, "and served meanwhile");
}

#[test]
fn a_snapshot_that_is_cut_is_asked_for_again() {
    let mut follower = filled();
    follower.begin();
    let snapshot = v1::Welcome {
        transfer: v1::Transfer::Snapshot.into(),
        filter_digest: 78,
        ..welcome(5)
    };
    follower
        .receive(say(follow_response::Message::Welcome(snapshot)), now())
        .unwrap();
    follower.receive(batch(&["c"]), now()).unwrap();
    let again = hello(&mut follower);
    assert_eq!(
        (again.epoch, again.revision, again.filter_digest),
        (5, 0, 78)
    );
}

#[test]
fn what_cannot_be_held_is_named_in_the_ack() {
    let mut follower = filled();
    let odd = v1::Thing {
        kind: Some(thing::Kind::Route(v1::Route {
            key: Some(key("c")),
            groups: vec![v1::Group {
                weight: 1,
                ..v1::Group::default()
            }],
            retry_policy: Some(v1::RetryPolicy {
                statuses: vec![503],
                ..v1::RetryPolicy::default()
            }),
            ..v1::Route::default()
        })),
    };
    let nameless = v1::Thing { kind: None };
    let things = vec![odd, nameless];
    follower
        .receive(
            say(follow_response::Message::Batch(v1::Batch { things })),
            now(),
        )
        .unwrap();
    let step = closing(&follower, 10);
    assert_eq!(
        follower.receive(step, now()),
        Ok(Received::Agreed),
        "what has no name is not compared"
    );
    follower.publish();
    let ack = ack(&mut follower).unwrap();
    let named: Vec<_> = ack.rejected.iter().map(|it| it.route.clone()).collect();
    assert_eq!(named, [Some(key("c")), None]);
    assert!(ack.rejected[0].reason.contains("RETRY_POLICY"));
    assert_eq!(
        hello(&mut follower).rejected.len(),
        1,
        "what has no name cannot be asked for"
    );
}

#[test]
fn only_an_open_control_plane_fills_a_data_plane() {
    // Revision 0 is that of a control plane where nothing is registered: its table is whole too.
    for revision in [0, 1] {
        fills_once_open(revision);
    }
}

fn fills_once_open(revision: u64) {
    let mut follower = follower();
    follower.begin();
    let young = v1::Welcome {
        standing: Some(v1::Standing::default()),
        ..welcome(5)
    };
    follower
        .receive(say(follow_response::Message::Welcome(young)), now())
        .unwrap();
    let step = closing(&follower, revision);
    follower.receive(step, now()).unwrap();
    assert!(!follower.is_filled());
    let open = v1::Standing {
        open: true,
        ..v1::Standing::default()
    };
    follower
        .receive(say(follow_response::Message::Standing(open)), now())
        .unwrap();
    assert!(follower.is_filled());
}

fn ask(follower: &mut Follower, kind: v1::question::Kind) -> v1::Answer {
    let question = v1::Question {
        id: 4,
        kind: Some(kind),
    };
    let received = follower.receive(say(follow_response::Message::Question(question)), now());
    let Ok(Received::Asked(question)) = received else {
        panic!("no question: {received:?}");
    };
    answered(follower.answer(question, true))
}

fn answered(message: v1::FollowRequest) -> v1::Answer {
    match message.message {
        Some(follow_request::Message::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

#[test]
fn one_question_too_many_is_refused_by_name() {
    let question = v1::Question {
        id: 7,
        kind: Some(v1::question::Kind::Digest(v1::DigestQuestion {})),
    };
    let answer = answered(filled().answer(question, false));
    assert_eq!(answer.id, 7);
    let Some(v1::answer::Kind::Refused(why)) = answer.kind else {
        panic!("{answer:?}");
    };
    assert!(why.starts_with("too many questions"), "{why}");
}

#[test]
fn an_explanation_shows_its_steps() {
    let mut follower = filled();
    follower.publish();
    let steps = |follower: &mut Follower, url: &str| {
        let answer = ask(follower, v1::question::Kind::ExplainUrl(url.to_owned()));
        match answer.kind {
            Some(v1::answer::Kind::Holding(holding)) => holding.steps,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        steps(&mut follower, "https://A:443/x?y"),
        [
            "the host is \"A:443\" and the path \"/x\"",
            "the route a answers: its host is named, and its path is the longest that fits",
            "it has no endpoint: 404",
        ]
    );
    assert_eq!(
        steps(&mut follower, "c/x").last().unwrap(),
        "no route answers, by name or by wildcard: 404"
    );
}

#[test]
fn questions_are_answered_from_the_table_that_is_served() {
    use v1::answer::Kind;
    let mut follower = filled();
    let explain = |url: &str| v1::question::Kind::ExplainUrl(url.to_owned());
    let things = |answer: v1::Answer| match answer.kind {
        Some(Kind::Holding(holding)) => holding.things.len(),
        other => panic!("no holding: {other:?}"),
    };
    assert_eq!(
        things(ask(&mut follower, explain("http://a/x?y"))),
        0,
        "not published yet"
    );
    follower.publish();
    assert_eq!(things(ask(&mut follower, explain("http://A:80/x?y"))), 1);
    assert_eq!(things(ask(&mut follower, explain("a"))), 1);
    assert_eq!(things(ask(&mut follower, explain("c"))), 0);
    assert_eq!(
        things(ask(&mut follower, v1::question::Kind::Route(key("b")))),
        1
    );
    let refused = ask(&mut follower, explain("/x")).kind;
    assert!(matches!(refused, Some(Kind::Refused(_))), "{refused:?}");
    let digest = ask(
        &mut follower,
        v1::question::Kind::Digest(v1::DigestQuestion {}),
    );
    assert!(matches!(
        digest.kind,
        Some(Kind::Digest(v1::Heartbeat {
            revision: 9,
            things: 2,
            ..
        }))
    ));
    assert_eq!(digest.id, 4);
}

/// K-140: an answer says what all that is held of a route adds up to, also where it has no room for it
#[test]
fn an_answer_adds_up_what_it_does_not_tell() {
    let mut follower = follower();
    follower.begin();
    let told = say(follow_response::Message::Welcome(welcome(5)));
    follower.receive(told, now()).unwrap();
    follower.receive(batch(&["a"]), now()).unwrap();
    let things = (0..600).map(|number| v1::Thing {
        kind: Some(thing::Kind::Endpoint(v1::Endpoint {
            route: Some(key("a")),
            address: format!("10.0.0.1:{}", 1000 + number),
            generation: number,
            silent: number == 5,
            ..v1::Endpoint::default()
        })),
    });
    let things = things.collect();
    let endpoints = say(follow_response::Message::Batch(v1::Batch { things }));
    follower.receive(endpoints, now()).unwrap();
    let step = closing(&follower, 9);
    assert_eq!(follower.receive(step, now()), Ok(Received::Agreed));
    follower.publish();
    let question = v1::question::Kind::ExplainUrl("a".to_owned());
    let Some(v1::answer::Kind::Holding(holding)) = ask(&mut follower, question).kind else {
        panic!("no holding")
    };
    assert!(holding.truncated && holding.things.len() < 600);
    let View { things, digest } = follower.held();
    assert_eq!(things, 601);
    assert_eq!(holding.sum, Some(v1::HeldSum { things, digest }));
}
