//! What an operator has served in the place of what is received.

use super::*;
use crate::overrides::Serving;
use crate::subscription::Served;

impl Following {
    async fn served(&mut self, wanted: &Served) {
        let served = self.status.wait_for(|status| status.served == *wanted);
        timeout(Duration::from_secs(60), served)
            .await
            .unwrap()
            .unwrap();
    }

    /// The routes that are served.
    fn routes(&self) -> Vec<String> {
        let table = self.table.load();
        let mut routes: Vec<_> = table.iter().map(|route| route.key().to_string()).collect();
        routes.sort();
        routes
    }
}

/// The next report.
async fn report(session: &mut Session) -> v1::Report {
    loop {
        match session.hear().await {
            follow_request::Message::Report(report) => return report,
            follow_request::Message::Ack(ack) => panic!("what is not served is acked: {ack:?}"),
            _ => {}
        }
    }
}

/// One route in the place of another, up to a revision.
fn replaced(old: &str, new: &str, revision: u64) -> (v1::Batch, v1::ClosingStep) {
    let key = |host: &str| v1::RouteKey {
        host: Some(route_key::Host::ExactHost(host.to_owned())),
        path: Some(route_key::Path::PathPrefix(String::new())),
    };
    let route = v1::Route {
        key: Some(key(new)),
        revision,
        generation: 1,
        groups: vec![v1::Group {
            weight: 1,
            ..v1::Group::default()
        }],
        ..v1::Route::default()
    };
    let batch = v1::Batch {
        things: vec![v1::Thing {
            kind: Some(thing::Kind::Route(route)),
        }],
    };
    let digest = |host: &str| {
        let key = pointsman_route_key::RouteKey::from_uri(host).unwrap();
        pointsman_route_key::digest::of_route("", &key, 1)
    };
    let step = v1::ClosingStep {
        removals: vec![v1::Removal {
            route: Some(key(old)),
            ..v1::Removal::default()
        }],
        revision,
        things: 1,
        digest: digest(new),
        ..v1::ClosingStep::default()
    };
    (batch, step)
}

/// while the table is frozen nothing is acked, and reports say what is received; afterwards both are one again
#[tokio::test(start_paused = true)]
async fn what_is_received_while_the_table_is_frozen_is_served_afterwards() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    following.switches.serve(Serving::Frozen);
    following.served(&Served::Frozen).await;

    let (batch, step) = replaced("a.com", "b.com", 11);
    for message in [
        follow_response::Message::Batch(batch),
        follow_response::Message::ClosingStep(step),
    ] {
        session.say(message).await;
    }
    let reported = loop {
        let report = report(&mut session).await;
        assert!(report.frozen);
        if report.received_revision == 11 {
            break report;
        }
    };
    assert_eq!(
        reported.overrides,
        Vec::<String>::new(),
        "none stands in this test"
    );
    assert_eq!(following.routes(), ["a.com"]);

    following.switches.serve(Serving::Received);
    let ack = session.ack().await;
    assert_eq!((ack.revision, ack.things), (11, 1));
    assert_eq!(following.routes(), ["b.com"]);
    assert!(!report(&mut session).await.frozen);
}

#[tokio::test(start_paused = true)]
async fn a_generation_that_cannot_be_read_leaves_what_is_served() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    following.switches.serve(Serving::Generation {
        number: 1,
        at_any_age: false,
    });
    let why = "no table is kept on disk".to_owned();
    following.served(&Served::NotRead(1, why)).await;
    assert_eq!(following.routes(), ["a.com"]);
    following.switches.serve(Serving::Received);
    following.served(&Served::Received).await;
    session.send("a.com", 12).await;
}
