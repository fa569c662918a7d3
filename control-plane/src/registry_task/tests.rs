use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pointsman_registry::{
    Description, Fields, Fingerprint, Guard, ModificationTag, Registration, Sum, Uri,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

mod fleet;

use fleet::replica;

fn message(address: &str, uri: &str) -> Registration {
    Registration {
        uris: vec![Uri::parse(uri).unwrap()],
        address: address.into(),
        segment: "".into(),
        description: Arc::new(Description::new(Fields::default()).unwrap()),
        stale_threshold_seconds: 0,
        tag: ModificationTag::default(),
        fingerprint: None,
    }
}

struct Running {
    handle: Handle,
    source: Source,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
    metrics: MetricsRegistry,
}

fn run(settings: Settings) -> Running {
    let mut metrics = MetricsRegistry::default();
    let mut task = RegistryTask::new(settings, 7, &mut metrics);
    let source = task.source("nats", WhileAway::Wait);
    let handle = task.handle();
    let (end, ended) = oneshot::channel::<()>();
    let task = tokio::spawn(task.run(async {
        let _ = ended.await;
    }));
    Running {
        handle,
        source,
        end,
        task,
        metrics,
    }
}

impl Running {
    async fn routes(&self) -> usize {
        self.handle
            .read(|registry, now| registry.counts(now).routes)
            .await
            .unwrap()
    }

    async fn until_routes(&self, wanted: usize) {
        let mut head = self.handle.head();
        while self.routes().await != wanted {
            head.changed().await.unwrap();
        }
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics).unwrap();
        text
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_a_source_are_applied_in_their_order() {
    let running = run(Settings::default());
    for round in 0..1_000 {
        let message = message("10.0.0.1:80", &format!("r{round}"));
        running
            .source
            .send(Event::Register(message.clone()))
            .await
            .unwrap();
        running
            .source
            .send(Event::Unregister(message))
            .await
            .unwrap();
    }
    running
        .source
        .send(Event::Register(message("10.0.0.1:80", "last")))
        .await
        .unwrap();
    running.until_routes(1).await;
    let key = Arc::clone(Uri::parse("last").unwrap().key());
    let found = running
        .handle
        .read(move |registry, now| registry.route(&key, now).is_some())
        .await;
    assert_eq!(found, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_worked_out_only_if_it_is_not_known() {
    let running = run(Settings::default());
    let worked_out = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&worked_out);
    let otherwise: Otherwise = Arc::new(move |payload, fingerprint| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut message = message("10.0.0.1:80", std::str::from_utf8(payload).unwrap());
        message.fingerprint = Some(fingerprint);
        Some(message)
    });
    for repetitions in [2, 3] {
        let repeated = || Message::Repeated(Fingerprint(1), "foo".into());
        let batch = Batch {
            messages: std::iter::repeat_with(repeated).take(repetitions).collect(),
            otherwise: Arc::clone(&otherwise),
        };
        running.source.send(Event::Received(batch)).await.unwrap();
    }
    running.until_routes(1).await;
    assert_eq!(worked_out.load(Ordering::Relaxed), 1);
    assert!(
        running
            .metrics()
            .contains("pointsman_registry_heartbeats_total 4")
    );
}

#[tokio::test(start_paused = true)]
async fn age_is_looked_at_without_anybody_asking() {
    let running = run(Settings::default());
    running.source.send(Event::Returned).await.unwrap();
    running
        .source
        .send(Event::Register(message("10.0.0.1:80", "foo")))
        .await
        .unwrap();
    running.until_routes(1).await;
    let heard = Instant::now();
    running.until_routes(0).await;
    // The threshold, after the grace that follows a return.
    let lived = heard.elapsed();
    assert!(
        lived >= Duration::from_secs(140) && lived < Duration::from_secs(141),
        "{lived:?}"
    );
    assert!(running.metrics().contains("routes_pruned_total 1"));
}

#[tokio::test(start_paused = true)]
async fn a_mass_of_old_endpoints_goes_at_once() {
    let running = run(Settings {
        guard: Guard {
            percent: 100,
            ..Settings::default().guard
        },
        ..Settings::default()
    });
    running.source.send(Event::Returned).await.unwrap();
    for number in 0..3_000 {
        let message = message("10.0.0.1:80", &format!("r{number}"));
        running.source.send(Event::Register(message)).await.unwrap();
    }
    running.until_routes(3_000).await;
    let heard = Instant::now();
    running.until_routes(0).await;
    assert!(
        heard.elapsed() < Duration::from_secs(142),
        "{:?}",
        heard.elapsed()
    );
}

/// while everybody is silent the rest of the table is held, which is told, until an operator releases it
/// a release is for one epoch, and for a revision that was seen
#[tokio::test(start_paused = true)]
async fn a_silence_is_held_until_an_operator_releases_it() {
    let running = run(Settings::default());
    running.source.send(Event::Returned).await.unwrap();
    for number in 0..3_000 {
        let message = message("10.0.0.1:80", &format!("r{number}"));
        running.source.send(Event::Register(message)).await.unwrap();
    }
    running.until_routes(2_400).await;
    tokio::time::sleep(Duration::from_secs(24 * 3_600)).await;
    assert_eq!(running.routes().await, 2_400);
    let metrics = running.metrics();
    for figure in [
        "pointsman_registry_held_expiries 2400",
        "pointsman_registry_expiries_held_total 2400",
    ] {
        assert!(metrics.contains(figure), "{metrics}");
    }
    let head = *running.handle.head().borrow();
    assert_eq!(
        running.handle.release(8, head).await,
        Err(Refused::OtherEpoch { given: 8, epoch: 7 })
    );
    assert_eq!(
        running.handle.release(7, head + 1).await,
        Err(Refused::Future {
            given: head + 1,
            head
        })
    );
    assert_eq!(running.handle.release(7, head).await, Ok(2_400));
    running.until_routes(0).await;
}

/// an operator confirms that an empty table is right, and for this life of this control plane only
#[tokio::test(start_paused = true)]
async fn an_operator_confirms_an_empty_table() {
    let running = run(Settings::default());
    let held = Sum {
        things: 3,
        digest: 0,
    };
    let (_place, _asks) = running.handle.roster().enter(replica("one", held)).unwrap();
    running.source.send(Event::Returned).await.unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    let mut standing = running.handle.standing();
    assert!(!standing.borrow_and_update().authoritative);
    assert_eq!(
        running.handle.confirm_emptiness(9).await,
        Err(Refused::OtherEpoch { given: 9, epoch: 7 })
    );
    assert_eq!(running.handle.confirm_emptiness(7).await, Ok(()));
    assert!(standing.borrow_and_update().authoritative);
    let foo = message("10.0.0.1:80", "foo");
    running.source.send(Event::Register(foo)).await.unwrap();
    running.until_routes(1).await;
    assert_eq!(
        running.handle.confirm_emptiness(7).await,
        Err(Refused::NotEmpty { routes: 1 })
    );
}

/// C-329: while the source is away everything stays
#[tokio::test(start_paused = true)]
async fn nothing_goes_while_the_source_is_away() {
    let running = run(Settings::default());
    running.source.send(Event::Returned).await.unwrap();
    running
        .source
        .send(Event::Register(message("10.0.0.1:80", "foo")))
        .await
        .unwrap();
    running.until_routes(1).await;
    running
        .source
        .send(Event::Lost {
            last_heard: Instant::now(),
        })
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(running.routes().await, 1);
    running.source.send(Event::Returned).await.unwrap();
    running.until_routes(0).await;
}

#[tokio::test(start_paused = true)]
async fn it_opens_and_becomes_authoritative_by_listening() {
    let running = run(Settings::default());
    let mut standing = running.handle.standing();
    running.source.send(Event::Returned).await.unwrap();
    let start = Instant::now();
    standing.wait_for(|standing| standing.open).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 20);
    standing
        .wait_for(|standing| standing.authoritative)
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 120);
    assert_eq!(standing.borrow().reason, "");
}

#[tokio::test]
async fn whoever_comes_after_the_end_is_told() {
    let running = run(Settings::default());
    let Running {
        handle,
        source,
        end,
        task,
        ..
    } = running;
    end.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(handle.read(|registry, _| registry.head()).await, Err(Ended));
    assert_eq!(source.send(Event::Returned).await, Err(Ended));
}

/// C-131: each registered URI is counted
/// C-248: each unregistered one too, by its component
/// C-249: or without one
#[tokio::test(start_paused = true)]
async fn messages_are_counted_by_component_and_by_what_became_of_them() {
    let running = run(Settings::default());
    let tags = Some([("component", "route-emitter")].into());
    let mut message = message("10.0.0.1:80", "foo");
    message.description = Arc::new(
        Description::new(Fields {
            tags,
            ..Fields::default()
        })
        .unwrap(),
    );
    for _ in 0..2 {
        running
            .source
            .send(Event::Register(message.clone()))
            .await
            .unwrap();
    }
    // The second one finds nothing, and is counted all the same.
    for _ in 0..2 {
        let event = Event::Unregister(message.clone());
        running.source.send(event).await.unwrap();
    }
    running
        .source
        .send(Event::Register(self::message("10.0.0.1:80", "bar")))
        .await
        .unwrap();
    running.until_routes(1).await;
    let metrics = running.metrics();
    for line in [
        "registry_message_total{component=\"route-emitter\",action=\"added\"} 1",
        "registry_message_total{component=\"route-emitter\",action=\"refreshed\"} 1",
        "registry_message_total{component=\"\",action=\"added\"} 1",
        "unregistry_message_total{component=\"route-emitter\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

/// C-132: a registration tells how long ago the platform changed its endpoint
/// C-133: without that time it tells nothing
/// C-135: a change of ten seconds ago is ten seconds, and a little
/// C-136: a refresh is no registration, and tells nothing either
#[tokio::test(start_paused = true)]
async fn a_new_endpoint_tells_how_long_it_took() {
    let running = run(Settings::default());
    let ago = |address: &str, seconds: u64| {
        let since = Duration::from_secs(seconds);
        let changed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap() - since;
        let mut message = message(address, "foo");
        let fields = Fields {
            updated_at_ns: i64::try_from(changed.as_nanos()).unwrap(),
            ..Fields::default()
        };
        message.description = Arc::new(Description::new(fields).unwrap());
        message
    };
    let told = async |messages: &[Registration]| {
        for message in messages {
            let event = Event::Register(message.clone());
            running.source.send(event).await.unwrap();
        }
        // A look is answered once the events before it were handled.
        running.routes().await;
        let metrics = running.metrics();
        let figure = |name: &str| {
            let mut lines = metrics.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().parse::<f64>().unwrap()
        };
        let names = ["sum", "count"];
        names.map(|name| figure(&format!("route_registration_latency_{name}")))
    };
    let without = message("10.0.0.1:80", "foo");
    assert_eq!(told(&[without]).await[1], 0.0);
    let three = ago("10.0.0.2:80", 3);
    let [sum, count] = told(&[three.clone(), three]).await;
    assert!(count == 1.0 && (3_000.0..3_500.0).contains(&sum), "{sum}");
    let [both, count] = told(&[ago("10.0.0.3:80", 10)]).await;
    let ten = both - sum;
    assert!(count == 2.0 && (10_000.0..14_000.0).contains(&ten), "{ten}");
}

/// C-316: routes can be looked up while others are being pruned
/// C-317: and afterwards the figures tell what is left
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mass_that_goes_delays_no_look() {
    /// More than the task removes without a pause.
    const MANY: usize = 20_000;
    let running = run(Settings {
        registration_interval: Duration::from_millis(10),
        guard: Guard {
            percent: 100,
            ..Settings::default().guard
        },
        ..Settings::default()
    });
    running.source.send(Event::Returned).await.unwrap();
    for number in 0..MANY {
        let mut message = message("10.0.0.1:80", &format!("r{number}"));
        message.stale_threshold_seconds = 1;
        running.source.send(Event::Register(message)).await.unwrap();
    }
    for uri in ["a", "b"] {
        let event = Event::Register(message("10.0.0.1:80", uri));
        running.source.send(event).await.unwrap();
    }
    let (mut during, mut left) = (0, usize::MAX);
    let begun = Instant::now();
    while left > 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{left} are left");
        let key = Arc::clone(Uri::parse("a").unwrap().key());
        let look = move |registry: &Registry, now| {
            let left = registry.counts(now).routes;
            (left, registry.route(&key, now).is_some())
        };
        let found;
        (left, found) = running.handle.read(look).await.unwrap();
        assert!(found || begun.elapsed() < Duration::from_millis(900));
        during += usize::from(found && left > 2 && left < MANY);
        tokio::task::yield_now().await;
    }
    assert!(
        during > 0,
        "no look fell between the first and the last one"
    );
    loop {
        let metrics = running.metrics();
        if metrics.contains("\ntotal_routes 2\n") {
            assert!(metrics.contains("routes_pruned_total 20000"), "{metrics}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
