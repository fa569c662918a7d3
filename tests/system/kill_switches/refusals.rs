//! Who may not switch, and orders that are none.

use hyper::{Method, StatusCode};
use pointsman_tests::{Fleet, Process};
use serde_json::{Value, json};

use super::{place, send};

/// who may not look may not switch
#[tokio::test(flavor = "multi_thread")]
async fn switches_ask_for_the_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let password = folder.path().join("password");
    std::fs::write(&password, "sesame\n").expect("it can be written");
    let fleet = Fleet::start(1).await;
    let distribution = fleet.control_plane.address("distribution");
    let configuration = pointsman_tests::configuration::data_plane(distribution).replace(
        "admin:\n",
        &format!(
            "admin:\n  user: ops\n  password_file: {}\n",
            password.display()
        ),
    );
    let guarded = Process::start("data-plane", &configuration).await;
    let order = json!({"kind": "freeze-table", "reason": "a test"});
    for (method, path) in [
        (Method::POST, "/v1/overrides"),
        (Method::GET, "/v1/overrides"),
        (Method::DELETE, "/v1/overrides/x"),
    ] {
        let answer = send(&guarded, method, path, Some(&order)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

/// Orders that make no sense, what they are answered with, and a part of what is told.
fn senseless() -> Vec<(Value, u16, &'static str)> {
    let order = json!({"kind": "freeze-table", "reason": "a test"});
    let with = |key: &str, value: Value| {
        let mut order = order.clone();
        order[key] = value;
        order
    };
    let limit = json!({"limit": "patience", "to": 5});
    let of =
        |kind: &str, target: &Value| json!({"kind": kind, "target": target, "reason": "a test"});
    vec![
        (
            with("target", json!({"generation": 1})),
            400,
            "freeze-table has no target",
        ),
        (with("reason", json!("")), 400, "reason has 0 bytes"),
        (with("for", json!("2d")), 400, "expected 1s to 24h"),
        (
            with("kind", json!("explode")),
            422,
            "unknown variant `explode`",
        ),
        (
            of("last-known-good", &Value::Null),
            400,
            "{\"generation\": N}",
        ),
        (
            of("last-known-good", &json!({"generation": 1})),
            409,
            "no state.folder",
        ),
        (
            of("disable-route-service", &json!({"service": "a b"})),
            400,
            "target.service is `a b`",
        ),
        (
            of("raise-limit", &limit),
            400,
            "expected requests-in-flight or connections",
        ),
        (
            of("raise-limit", &json!({"limit": "connections", "to": 1})),
            409,
            " already; ",
        ),
    ]
}

/// what makes no sense is refused by name
#[tokio::test(flavor = "multi_thread")]
async fn senseless_orders_are_refused() {
    let fleet = Fleet::start(1).await;
    let data_plane = &fleet.data_planes[0];
    for (order, status, detail) in senseless() {
        let (refused, problem) = place(data_plane, &order).await;
        assert_eq!(refused.as_u16(), status, "{order}: {problem}");
        let told = problem["detail"].as_str().expect("a detail");
        assert!(told.contains(detail), "{order}: {told}");
    }
    let missing = send(data_plane, Method::DELETE, "/v1/overrides/x", None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let form = send(data_plane, Method::POST, "/v1/overrides", None).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
