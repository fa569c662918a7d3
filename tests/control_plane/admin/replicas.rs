//! The data planes that follow, and those that have left.

use pointsman_proto::v1;
use pointsman_proto::v1::follow_request::Message as Said;
use pointsman_tests::eventually;
use pointsman_tests::publisher::Emitted;
use serde_json::{Value, json};

use crate::contract::Contract;
use crate::follower::{Follower, Step, hello};
use crate::plane::{BOUND, Plane};

async fn until_fleet(plane: &Plane, contract: &Contract, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually("the fleet", BOUND, async || {
        let fleet = contract.check(("get", "/v1/replicas"), &plane.get("/v1/replicas").await);
        if is_so(&fleet) {
            Ok(fleet)
        } else {
            Err(fleet.to_string())
        }
    })
    .await
}

/// Rejects the one endpoint of a step.
async fn reject(follower: &Follower, step: &Step) {
    let endpoint = &step.endpoints[0];
    let rejected = v1::RejectedThing {
        route: endpoint.route.clone(),
        address: endpoint.address.clone(),
        reason: "it is odd".to_owned(),
        ..v1::RejectedThing::default()
    };
    let nack = v1::Ack {
        epoch: follower.welcome.epoch,
        revision: step.closing.revision,
        rejected: vec![rejected],
        things: 1,
        digest: 0,
    };
    follower.say(Said::Ack(nack)).await;
}

/// A control plane with one route.
async fn furnished() -> (Plane, Contract) {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let message = Emitted::plain("app.example.com", ([127, 0, 0, 1], 80).into(), 0);
    plane.until_registered(&message).await;
    (plane, contract)
}

/// K-141: each data plane is shown with what it acked, how far behind it is, and what it last rejected
#[tokio::test]
async fn data_planes_are_shown_with_what_they_serve() {
    let (plane, contract) = Box::pin(furnished()).await;
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, hello("dp")).await;
    let step = follower.step().await;
    let is =
        |name: &'static str, value: Value| move |fleet: &Value| fleet["replicas"][0][name] == value;
    let fleet = until_fleet(&plane, &contract, is("sent_revision", json!(2))).await;
    let replica = &fleet["replicas"][0];
    assert_eq!(
        (&replica["state"], &replica["lag_revisions"]),
        (&json!("behind"), &json!(2))
    );
    assert_eq!(replica["last_nack"], json!(null));
    reject(&follower, &step).await;
    let fleet = until_fleet(&plane, &contract, is("state", json!("rejecting"))).await;
    let last = &fleet["replicas"][0]["last_nack"];
    assert_eq!(last["revision"], 2);
    assert_eq!(last["rejected"][0]["reason"], "it is odd");
    follower.ack(&step).await;
    let good = until_fleet(&plane, &contract, is("state", json!("converged"))).await;
    assert_eq!(
        good["replicas"][0]["last_nack"]["revision"], 2,
        "it is told on"
    );
    let path = ("get", "/v1/replicas/{id}");
    let one = contract.check(path, &plane.get("/v1/replicas/dp").await);
    assert_eq!(
        (&one["id"], &one["acked_revision"]),
        (&json!("dp"), &json!(2))
    );
    let nobody = plane.get("/v1/replicas/nobody").await;
    assert_eq!(nobody.status, 404);
    contract.check(path, &nobody);
}

/// K-141: a data plane that has left stays listed for a while, until it is back under its name
#[tokio::test]
async fn data_planes_that_left_stay_listed() {
    let (plane, contract) = Box::pin(furnished()).await;
    let address = plane.process.address("distribution");
    let mut follower = Follower::connect(address, hello("dp")).await;
    let step = follower.step().await;
    follower.ack(&step).await;
    let acked = |fleet: &Value| fleet["replicas"][0]["acked_revision"] == 2;
    until_fleet(&plane, &contract, acked).await;
    drop(follower);
    let fleet = until_fleet(&plane, &contract, |it| it["replicas"] == json!([])).await;
    let gone = &fleet["gone"][0];
    assert_eq!(
        (&gone["name"], &gone["acked_revision"]),
        (&json!("dp"), &json!(2)),
        "{fleet}"
    );
    // Another life under the same name.
    let again = v1::Hello {
        name: "dp".to_owned(),
        ..hello("dp-2")
    };
    let _follower = Follower::connect(address, again).await;
    let fleet = until_fleet(&plane, &contract, |it| it["replicas"][0]["id"] == "dp-2").await;
    assert_eq!(fleet["gone"], json!([]));
}
