//! Slow watchers, and what they are told.

use pointsman_registry::{Description, Fields, Registration, Settings, Uri, WhileAway};
use tokio::sync::Semaphore;

use super::*;
use crate::registry_task::{Event, RegistryTask};

fn registration(number: usize) -> Registration {
    Registration {
        uris: vec![Uri::parse(&format!("app-{number}.example.com")).unwrap()],
        address: "10.0.0.1:80".into(),
        segment: "".into(),
        description: Arc::new(Description::new(Fields::default()).unwrap()),
        stale_threshold_seconds: 0,
        tag: pointsman_registry::ModificationTag::default(),
        fingerprint: None,
    }
}

/// The lines that a watcher gets who reads nothing until so many routes were registered.
async fn late_reader(routes: usize) -> Vec<Value> {
    let mut task = RegistryTask::new(
        Settings::default(),
        7,
        &mut prometheus_client::registry::Registry::default(),
    );
    let source = task.source("nats", WhileAway::Wait);
    let handle = task.handle();
    let running = tokio::spawn(task.run(std::future::pending()));
    let wanted = Wanted {
        since: Some(0),
        epoch: None,
        alive_seconds: None,
    };
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let registry = handle.clone();
    let body = chunks::body_with_end(move |pieces| async move {
        let watcher = Watcher {
            head: registry.head(),
            registry,
            pieces,
            alive: Duration::from_secs(10),
            revision: 0,
            _place: place,
        };
        watcher.run(&wanted).await
    });
    for number in 0..routes {
        source
            .send(Event::Register(registration(number)))
            .await
            .unwrap();
    }
    let all = 2 * routes as u64;
    let head = *handle.head().wait_for(|head| *head == all).await.unwrap();
    let mut body = body.into_data_stream();
    let mut text = String::new();
    loop {
        use tokio_stream::StreamExt as _;
        let Some(Ok(piece)) = body.next().await else {
            break;
        };
        text.push_str(std::str::from_utf8(&piece).unwrap());
        let last = text.lines().last().unwrap_or_default();
        if last.contains(&format!("\"revision\":{head},")) {
            break;
        }
    }
    running.abort();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_late_reader_gets_everything_that_the_history_holds() {
    let lines = late_reader(1000).await;
    assert_eq!(lines[0]["type"], "start");
    let revisions: Vec<_> = lines[1..]
        .iter()
        .map(|it| it["revision"].as_u64())
        .collect();
    let expected: Vec<_> = (1..=2000).map(Some).collect();
    assert_eq!(revisions, expected);
}

/// K-143: a watcher that is too slow is cut with a last line that says so, and never slows the registry
#[tokio::test(start_paused = true)]
async fn a_reader_that_is_overtaken_is_told() {
    let lines = late_reader(40_000).await;
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "cut");
    assert!(last["reason"].as_str().unwrap().starts_with("too slow"));
    let told = lines[lines.len() - 2]["revision"].as_u64();
    assert_eq!(last["revision"].as_u64(), told, "where to begin anew");
}
