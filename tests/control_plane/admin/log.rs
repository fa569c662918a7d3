//! The level of the log.

use pointsman_tests::eventually;
use serde_json::json;

use super::order;
use crate::contract::Contract;
use crate::plane::{BOUND, Plane};

/// K-145: the log is turned up for a while, and down again by itself; each change leaves a line, also where nothing else
/// is logged
/// who, what, before, after
#[tokio::test]
async fn the_log_is_turned_up_for_a_while() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let path = "/v1/log";
    let before = contract.check(("get", path), &plane.get(path).await);
    assert_eq!(before["returns_in_seconds"], json!(null));
    let asked = json!({"level": "off", "for_seconds": 1});
    let answer = order(&plane, "PUT", path, &asked).await;
    let lent = contract.check(("put", path), &answer);
    assert_eq!(
        (&lent["level"], &lent["configured"]),
        (&json!("off"), &before["level"])
    );
    assert!(
        lent["returns_in_seconds"]
            .as_f64()
            .is_some_and(|it| it <= 1.0)
    );
    plane.until_logged("log-level-changed").await;
    let line = &plane.logged("log-level-changed")[0]["data"];
    assert_eq!(line["user"], "-");
    assert_eq!(line["before"]["level"], before["level"], "{line}");
    assert_eq!(line["after"]["level"], "off", "{line}");
    eventually("the return", BOUND, async || {
        let now = contract.check(("get", path), &plane.get(path).await);
        if now == before {
            Ok(())
        } else {
            Err(now.to_string())
        }
    })
    .await;
    plane.until_logged("log-level-returned").await;
    for (wrong, status, told) in [
        (json!({"level": "loud"}), 400, "unrecognized level"),
        (
            json!({"level": "debug", "for_seconds": 0}),
            400,
            "expected 1 to 86400",
        ),
        (
            json!({"level": "debug", "for_seconds": 86401}),
            400,
            "expected 1 to 86400",
        ),
        (json!({"levels": "debug"}), 422, "levels"),
    ] {
        let answer = order(&plane, "PUT", path, &wrong).await;
        assert_eq!(answer.status, status, "{wrong}");
        let problem = contract.check(("put", path), &answer);
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(told), "{detail}");
    }
    let debug = json!({"level": "debug"});
    let answer = order(&plane, "PUT", path, &debug).await;
    let lent = contract.check(("put", path), &answer);
    let left = lent["returns_in_seconds"].as_f64().expect("a time");
    assert!((590.0..=600.0).contains(&left), "{left}");
    let back = json!({"level": before["configured"]});
    let answer = order(&plane, "PUT", path, &back).await;
    assert_eq!(contract.check(("put", path), &answer), before);
}
