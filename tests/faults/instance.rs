//! Instances that die and come back.

use pointsman_tests::Moment;

use crate::fault::rounds;
use crate::stage::Setup;

fn one_of_two(name: &'static str) -> Setup {
    Setup {
        victim: Some(0),
        ..Setup::of(name)
    }
}

/// A killed instance costs at most the requests in flight to it that must not be repeated.
#[tokio::test]
async fn a_killed_instance_costs_only_what_must_not_be_repeated() {
    let mut stage = one_of_two("instance killed").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.instances[0].kill();
        let dead = Moment::now();
        stage.during().await;
        stage.instances[0].restart().await;
        stage.after().await;
        stage.verdict(|lost| lost.post && lost.sent <= dead);
    }
    stage.finish().await;
}

/// An instance that unregisters before it ends costs no request.
#[tokio::test]
async fn an_instance_that_leaves_in_good_order_costs_no_request() {
    let mut stage = one_of_two("instance restarted").build().await;
    for round in rounds() {
        stage.before(round).await;
        stage.unregister_instance(0).await;
        stage.instances[0].kill();
        stage.during().await;
        stage.instances[0].restart().await;
        stage.register_instance(0).await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}
