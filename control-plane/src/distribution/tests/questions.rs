use std::time::Duration;

use pointsman_proto::v1;
use pointsman_proto::v1::answer::Kind;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_proto::v1::follow_response::Message;
use pointsman_proto::v1::question;
use pointsman_registry::Sum;
use pointsman_route_key::RouteKey;

use super::health::on_a_paused_clock;
use super::scene::{DataPlane, Scene, hello, message, settings};
use crate::registry_task::{Answer, Question, Unanswered};

async fn asked(data_plane: &mut DataPlane) -> v1::Question {
    loop {
        if let Some(Message::Question(question)) = data_plane.next().await.unwrap() {
            return question;
        }
    }
}

async fn answer(data_plane: &DataPlane, id: u64, kind: Kind) {
    let kind = Some(kind);
    data_plane.say(Said::Answer(v1::Answer { id, kind })).await;
}

/// What all that is held of a route adds up to.
const SUM: v1::HeldSum = v1::HeldSum {
    things: 700,
    digest: 8,
};

#[tokio::test]
async fn a_data_plane_is_asked_and_its_answer_comes_back() {
    let scene = Scene::new(settings()).await;
    scene.register(message("10.0.0.1:80", "foo/bar")).await;
    let mut data_plane = scene.follow(hello("one")).await;
    let step = data_plane.step_to(2).await;
    let key = RouteKey::from_uri("foo/bar").unwrap();
    let questions = [
        Question::Explain("http://foo/bar/x".to_owned()),
        Question::Route(key),
        Question::Digest,
    ];
    let asking = questions.map(|question| {
        let handle = scene.handle.clone();
        tokio::spawn(async move { handle.ask("one", question).await })
    });
    for _ in 0..3 {
        let v1::Question { id, kind } = asked(&mut data_plane).await;
        let kind = match kind.unwrap() {
            question::Kind::ExplainUrl(url) => Kind::Refused(format!("why {url}?")),
            question::Kind::Route(key) => {
                assert_eq!(Some(key), step.routes[0].key);
                let route = v1::thing::Kind::Route(step.routes[0].clone());
                let endpoint = v1::thing::Kind::Endpoint(step.endpoints[0].clone());
                let things = [route, endpoint].map(|kind| v1::Thing { kind: Some(kind) });
                Kind::Holding(v1::Holding {
                    things: things.into(),
                    truncated: true,
                    steps: vec!["it was looked for".to_owned()],
                    sum: Some(SUM),
                })
            }
            question::Kind::Digest(v1::DigestQuestion {}) => Kind::Digest(v1::Heartbeat {
                revision: 2,
                things: 5,
                digest: 6,
            }),
        };
        answer(&data_plane, id, kind).await;
    }
    let [explained, route, digest] = asking;
    let refused = Answer::Refused("why http://foo/bar/x?".to_owned());
    assert_eq!(explained.await.unwrap(), Ok(refused));
    let Ok(Answer::Holding(holding)) = route.await.unwrap() else {
        panic!("no holding")
    };
    assert!(holding.truncated && holding.sum.is_some_and(|it| it.things == SUM.things));
    assert_eq!(holding.steps, ["it was looked for"]);
    let (route, endpoint) = (&holding.routes[0], &holding.endpoints[0]);
    assert_eq!((&*route.route, &*endpoint.route), ("foo/bar", "foo/bar"));
    assert_eq!(
        (&*endpoint.address, &*endpoint.protocol),
        ("10.0.0.1:80", "http1")
    );
    let sum = Sum {
        things: 5,
        digest: 6,
    };
    assert_eq!(
        digest.await.unwrap(),
        Ok(Answer::Digest { revision: 2, sum })
    );
}

#[tokio::test]
async fn who_is_unknown_leaves_or_is_asked_too_much_gives_no_answer() {
    let scene = Scene::new(settings()).await;
    assert_eq!(
        scene.handle.ask("one", Question::Digest).await,
        Err(Unanswered::Unknown("one".to_owned()))
    );
    let mut data_plane = scene.follow(hello("one")).await;
    data_plane.step().await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let handle = scene.handle.clone();
            tokio::spawn(async move { handle.ask("one", Question::Digest).await })
        })
        .collect();
    asked(&mut data_plane).await;
    drop(data_plane);
    let mut told = Vec::new();
    for asking in asking {
        told.push(asking.await.unwrap());
    }
    assert!(told.contains(&Err(Unanswered::Left)), "{told:?}");
    assert!(told.contains(&Err(Unanswered::TooMuch)), "{told:?}");
    let left = told.iter().filter(|it| **it == Err(Unanswered::Left));
    assert!(left.count() <= 10);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_nobodys_fault() {
    let (mut data_plane, handle, _source) = on_a_paused_clock().await;
    let asking = tokio::spawn({
        let handle = handle.clone();
        async move { handle.ask("one", Question::Digest).await }
    });
    let question = asked(&mut data_plane).await;
    assert_eq!(asking.await.unwrap(), Err(Unanswered::Late));
    data_plane
        .say(Said::Heartbeat(v1::Heartbeat::default()))
        .await;
    answer(&data_plane, question.id, Kind::Refused(String::new())).await;
    // The session goes on, and the next question is answered.
    let asking = tokio::spawn(async move { handle.ask("one", Question::Digest).await });
    let question = asked(&mut data_plane).await;
    answer(&data_plane, question.id, Kind::Refused("no".to_owned())).await;
    assert_eq!(asking.await.unwrap(), Ok(Answer::Refused("no".to_owned())));
    tokio::time::advance(Duration::from_secs(1)).await;
}
