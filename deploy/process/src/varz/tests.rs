use std::time::Duration;

use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

fn varz() -> Varz {
    let credentials = ("user".to_owned(), "pass".into());
    let component = Component::new(3, "10.0.0.1:8080".to_owned(), Some(credentials));
    Varz::new(component, LogCounts::default())
}

fn parsed(varz: &Varz, figures: &Figures, table: &Table) -> Value {
    let text = varz.document(figures, table);
    assert!(text.ends_with("}\n") && text.matches('\n').count() == 1);
    serde_json::from_str(&text).expect("JSON")
}

/// C-406: who the process is stands under these keys, and no configuration does
/// C-409: beside the sixteen keys of a router
/// C-408: both on the same level
/// C-425: the id holds a UUID
#[tokio::test]
async fn the_document_is_flat_and_has_all_keys() {
    let document = parsed(&varz(), &Figures::default(), &Table::default());
    let keys: Vec<_> = document.as_object().expect("an object").keys().collect();
    let mut expected = [
        "type",
        "index",
        "host",
        "credentials",
        "start",
        "uuid",
        "uptime",
        "num_cores",
        "mem",
        "cpu",
        "log_counts",
        "rate",
        "latency",
        "requests",
        "responses_2xx",
        "responses_3xx",
        "responses_4xx",
        "responses_5xx",
        "responses_xxx",
        "tags",
        "urls",
        "droplets",
        "bad_requests",
        "bad_gateways",
        "requests_per_sec",
        "top10_app_requests",
        "ms_since_last_registry_update",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(document["type"], "Router");
    assert_eq!(document["index"], 3);
    assert_eq!(document["host"], "10.0.0.1:8080");
    assert_eq!(document["credentials"], json!(["user", "pass"]));
    assert_eq!(document["top10_app_requests"], json!([]));
    assert_eq!(document["tags"], json!({ "component": {} }));
    assert_eq!(
        document["ms_since_last_registry_update"],
        9_223_372_036_854_u64
    );
    let uuid = document["uuid"].as_str().expect("a text");
    assert!(
        uuid.starts_with("3-") && uuid.len() == "3-".len() + 36,
        "{uuid}"
    );
    assert_ne!(
        uuid,
        parsed(&varz(), &Figures::default(), &Table::default())["uuid"]
    );
    assert!(document["mem"].as_u64() > Some(100) && document["num_cores"].as_u64() > Some(0));
}

#[tokio::test]
async fn figures_stand_under_gorouters_names() {
    let http = Http {
        requests: 7,
        responses: [1, 2, 3, 4, 5],
        latency: [0.001, 0.002, 0.003, 0.004, 0.005],
    };
    let figures = Figures {
        all: http.clone(),
        components: [("cc".into(), http)].into(),
        bad_requests: 8,
        bad_gateways: 9,
        top_apps: vec![("a".into(), 150), ("b".into(), 59)],
    };
    let table = Table {
        urls: 10,
        droplets: 11,
        since_last_update: Some(Duration::from_millis(1234)),
    };
    let document = parsed(&varz(), &figures, &table);
    for place in [&document, &document["tags"]["component"]["cc"]] {
        assert_eq!(place["requests"], 7);
        assert_eq!(place["responses_2xx"], 1);
        assert_eq!(place["responses_5xx"], 4);
        assert_eq!(place["responses_xxx"], 5);
        assert_eq!(place["rate"], json!([0.0, 0.0, 0.0]));
        let latency = json!({"50": 0.001, "75": 0.002, "90": 0.003, "95": 0.004, "99": 0.005, "samples": 1, "value": 5e-07});
        assert_eq!(place["latency"], latency);
    }
    assert_eq!(document["bad_requests"], 8);
    assert_eq!(document["bad_gateways"], 9);
    assert_eq!(
        (&document["urls"], &document["droplets"]),
        (&json!(10), &json!(11))
    );
    assert_eq!(document["ms_since_last_registry_update"], 1234);
    let top = json!([
        {"application_id": "a", "rps": 2, "rpm": 150},
        {"application_id": "b", "rps": 0, "rpm": 59},
    ]);
    assert_eq!(document["top10_app_requests"], top);
}

/// C-407: one line at info is `{"1": 1}`
/// C-424: lines are counted by their level
#[tokio::test]
async fn lines_of_the_log_are_counted_by_level() {
    let counts = LogCounts::default();
    let component = Component::new(0, String::new(), None);
    let varz = Varz::new(component, counts.clone());
    let counted = || parsed(&varz, &Figures::default(), &Table::default())["log_counts"].clone();
    assert_eq!(counted(), json!({}));
    let subscriber = tracing_subscriber::registry().with(counts);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("one");
        assert_eq!(counted(), json!({"1": 1}));
        tracing::error!("two");
        tracing::debug!("three");
        tracing::info!("four");
    });
    assert_eq!(counted(), json!({"0": 1, "1": 2, "3": 1}));
}

/// C-517: a duration stands in JSON as a text, which is read from it as it was written
#[tokio::test(start_paused = true)]
async fn uptime_moves_on_and_rates_are_renewed() {
    let varz = varz();
    let figures = || Figures {
        all: Http {
            requests: 50,
            ..Http::default()
        },
        ..Figures::default()
    };
    let kept = tokio::time::timeout(Duration::from_millis(6500), varz.keep(figures));
    assert!(kept.await.is_err(), "it goes on for ever");
    let document = parsed(&varz, &figures(), &Table::default());
    assert_eq!(document["uptime"], "0d:0h:0m:6s");
    assert_eq!(document["rate"], json!([10.0, 10.0, 10.0]));
    assert_eq!(document["requests_per_sec"], 10.0);
}
