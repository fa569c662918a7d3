//! Instances that die and come back.

use std::time::Duration;

use pointsman_tests::Moment;
use pointsman_tests::load::{Lost, Outcome};

use crate::fault::{is_short, rounds};
use crate::stage::Setup;
use crate::verdict::held_up;

/// Over which the requests are counted that a hanging instance costs.
const HANGS: Duration = Duration::from_secs(15);

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

/// Handshakes that hang are made elsewhere after their time; but where more of them end at a time than there may be further
/// attempts (L-27), the rest is answered 502.
fn is_out_of_attempts(lost: &Outcome) -> bool {
    matches!(&lost.answer, Err(Lost::Refused(502, said)) if said.contains("handshake timeout"))
}

/// Fewer requests in a thousand are held up by an instance that hangs; without anybody who notices it would be 333.
/// It is noticed by what its siblings take, which is more on a machine that does other things at the same time.
fn costs() -> usize {
    if is_short() { 50 } else { 20 }
}

/// one instance of three that accepts and never answers holds up less than 2 % of the requests
#[tokio::test]
async fn a_hanging_instance_costs_less_than_a_fiftieth() {
    for round in rounds() {
        // Who was found out once is found out sooner the next time: each round has data planes that know nothing.
        let setup = Setup {
            instances: 3,
            victim: Some(0),
            ..Setup::of("instance hangs")
        };
        let mut stage = setup.build().await;
        stage.before(round).await;
        let hangs = Moment::now();
        stage.instances[0].stop();
        stage.during_at_least(HANGS).await;
        let answers = Moment::now();
        stage.instances[0].resume();
        stage.after().await;
        let hung = (hangs, answers);
        stage.verdict_with(
            // They are counted among those that are held up.
            |lost| hangs <= lost.sent && lost.sent < answers && is_out_of_attempts(lost),
            |evidence| held_up(evidence, hung, costs()),
        );
        stage.finish().await;
    }
}
