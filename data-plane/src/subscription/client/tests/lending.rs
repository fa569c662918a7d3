//! Tables that go from one data plane to another, by way of a control plane that has just been born.

use prost::Message as _;

use super::*;
use crate::overrides::Serving;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn key(host: &str) -> v1::RouteKey {
    v1::RouteKey {
        host: Some(route_key::Host::ExactHost(host.to_owned())),
        path: Some(route_key::Path::PathPrefix(String::new())),
    }
}

fn route(host: &str) -> v1::Thing {
    let route = v1::Route {
        key: Some(key(host)),
        revision: 1,
        generation: 1,
        groups: vec![v1::Group {
            weight: 1,
            ..v1::Group::default()
        }],
        ..v1::Route::default()
    };
    v1::Thing {
        kind: Some(thing::Kind::Route(route)),
    }
}

fn endpoint(host: &str, address: &str, tls: Option<&str>) -> v1::Thing {
    let endpoint = v1::Endpoint {
        route: Some(key(host)),
        address: address.to_owned(),
        generation: 1,
        protocol: "http1".to_owned(),
        tls: tls.map(|name| v1::TlsIdentity {
            server_cert_domain_san: name.to_owned(),
        }),
        ..v1::Endpoint::default()
    };
    v1::Thing {
        kind: Some(thing::Kind::Endpoint(endpoint)),
    }
}

fn table(age: i64) -> v1::TablePart {
    let things = vec![
        route("lent.com"),
        endpoint("lent.com", "10.0.0.1:80", None),
        endpoint("lent.com", "10.0.0.2:80", Some("name")),
    ];
    v1::TablePart {
        batch: v1::Batch { things }.encode_to_vec(),
        age: seconds(age),
        left: None,
        last: true,
    }
}

impl Session {
    async fn part(&mut self) -> v1::TablePart {
        loop {
            if let follow_request::Message::TablePart(part) = self.hear().await {
                return part;
            }
        }
    }

    async fn ask_for_table(&self) {
        self.say(follow_response::Message::TableRequest(v1::TableRequest {}))
            .await;
    }

    async fn lend(&self, part: v1::TablePart) {
        self.say(follow_response::Message::TablePart(part)).await;
    }
}

impl Following {
    async fn ready(&self) {
        timeout(Duration::from_secs(60), self.readiness.ready())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_control_plane_that_asks_is_lent_the_table() {
    let mut following = follow_one();
    let mut session = following.session().await;
    let hello = session.hello().await;
    assert!(hello.lends_and_borrows);
    session.fill("a.com", 9).await;
    session.ask_for_table().await;
    let part = session.part().await;
    let batch = v1::Batch::decode(&*part.batch).unwrap();
    let Some(thing::Kind::Route(route)) = batch.things[0].kind.clone() else {
        panic!("{batch:?}")
    };
    assert_eq!((batch.things.len(), route.key), (1, Some(key("a.com"))));
    assert!(part.age.is_some() && part.left.is_none() && !part.last);
    let end = session.part().await;
    assert!(end.last && end.batch.is_empty());
}

#[tokio::test]
async fn what_nobody_confirmed_or_an_operator_chose_is_not_lent() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, false, false).await;
    session.ask_for_table().await;
    let end = session.part().await;
    assert!(end.last && end.batch.is_empty(), "there is none yet");

    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    following.switches.serve(Serving::Frozen);
    let mut status = following.status.clone();
    let frozen = status.wait_for(|status| status.served == crate::subscription::Served::Frozen);
    timeout(Duration::from_secs(20), frozen)
        .await
        .unwrap()
        .unwrap();
    session.ask_for_table().await;
    let end = session.part().await;
    assert!(
        end.last && end.batch.is_empty(),
        "it is not what was received"
    );
}

#[tokio::test]
async fn what_is_lent_is_served_as_orphans_until_it_is_confirmed() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, false, false).await;
    // Its own table may be whole, and come first: it does not say yet what it lacks.
    session.send("own.com", 3).await;
    assert!(!following.readiness.is_ready(), "it is young");
    session.lend(table(60)).await;
    // Nothing of it is served before the control plane has said what was removed meanwhile.
    session.ask_for_table().await;
    assert!(session.part().await.last);
    assert!(following.endpoints().is_empty() && !following.readiness.is_ready());
    session.send("own.com", 4).await;
    following.ready().await;
    let orphans = [("10.0.0.1:80", true), ("10.0.0.2:80", true)];
    assert_eq!(
        following.endpoints(),
        orphans.map(|(address, orphan)| (address.to_owned(), orphan))
    );
    assert_eq!(following.table.load().routes(), 2);
    let status = following.status.borrow().clone();
    assert_eq!((status.borrowed, status.orphans), (2, 2));

    let batch = v1::Batch {
        things: vec![route("lent.com"), endpoint("lent.com", "10.0.0.1:80", None)],
    };
    session.say(follow_response::Message::Batch(batch)).await;
    let mut status = following.status.clone();
    let confirmed = status.wait_for(|status| status.orphans == 1);
    timeout(Duration::from_secs(20), confirmed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(following.endpoints()[0], ("10.0.0.1:80".to_owned(), false));
}

/// what is lent is no older than what may be kept
#[tokio::test]
async fn what_is_lent_too_late_is_not_served() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, false, false).await;
    let hour_and_more = 3_601;
    session.lend(table(hour_and_more)).await;
    session.send("own.com", 3).await;
    following.ready().await;
    assert_eq!(following.endpoints(), [("10.0.0.2:80".to_owned(), true)]);

    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, false, false).await;
    let day_and_more = 24 * 3_600 + 1;
    session.lend(table(day_and_more)).await;
    let nothing_left = v1::TablePart {
        left: seconds(0),
        ..table(60)
    };
    session.lend(nothing_left).await;
    session.send("own.com", 3).await;
    assert!(following.endpoints().is_empty() && !following.readiness.is_ready());
    let routes = following.table.load().routes();
    assert_eq!(routes, 1, "no route without endpoints shadows another");
}

#[tokio::test]
async fn who_is_cut_while_it_is_lent_a_table_asks_for_everything_anew() {
    let mut following = follow_one();
    let mut session = following.session().await;
    assert!(session.hello().await.wants_table);
    session.welcome(5, false, false).await;
    session.send("own.com", 3).await;
    let first = v1::TablePart {
        last: false,
        ..table(60)
    };
    session.lend(first).await;
    session.ask_for_table().await;
    session.part().await;
    drop(session);
    let mut session = following.session().await;
    let hello = session.hello().await;
    // What was removed here before it was lent could not be told otherwise.
    assert_eq!((hello.epoch, hello.revision), (5, 0));
    assert!(hello.wants_table, "a part of a table is none");
}

#[tokio::test]
async fn a_control_plane_that_knows_little_does_not_make_the_table_younger() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    let confirmed = following.status.borrow().confirmed;
    assert!(confirmed.is_some());
    drop(session);
    let mut session = following.session().await;
    assert!(!session.hello().await.wants_table);
    // Its successor has heard nothing yet, and what it knows agrees.
    session.welcome(6, false, false).await;
    let nothing = v1::ClosingStep {
        revision: 1,
        complete: true,
        ..v1::ClosingStep::default()
    };
    session
        .say(follow_response::Message::ClosingStep(nothing))
        .await;
    session.ack().await;
    assert_eq!(following.status.borrow().confirmed, confirmed);
    session.send("a.com", 2).await;
    let mut status = following.status.clone();
    let again = status.wait_for(|status| status.confirmed > confirmed);
    timeout(Duration::from_secs(20), again)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_control_plane_that_speaks_for_everything_lends_nothing() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.welcome(5, true, true).await;
    session.send("own.com", 3).await;
    session.lend(table(60)).await;
    session.send("own.com", 4).await;
    assert!(following.endpoints().is_empty());
    assert_eq!(following.status.borrow().borrowed, 0);
}

#[tokio::test]
async fn a_part_that_makes_no_sense_ends_the_session_and_nothing_is_lost() {
    for bad in [
        v1::TablePart {
            batch: vec![0xff],
            ..table(1)
        },
        v1::TablePart {
            age: None,
            ..table(1)
        },
        v1::TablePart {
            left: seconds(-1),
            ..table(1)
        },
    ] {
        let mut following = follow_one();
        let mut session = following.session().await;
        session.hello().await;
        session.fill("a.com", 9).await;
        session.lend(bad).await;
        let mut again = following.session().await;
        again.hello().await;
        assert_eq!(following.table.load().routes(), 1);
        let trouble = following.status.borrow().trouble.clone();
        assert!(
            trouble
                .as_deref()
                .is_some_and(|it| it.contains("a part of the table that was lent cannot be used")),
            "{trouble:?}"
        );
    }
}
