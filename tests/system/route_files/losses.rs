//! Instances that die under load: nothing is lost that another could serve, and nothing is done twice.

use std::collections::HashMap;
use std::sync::Arc;

use hyper::StatusCode;
use pointsman_tests::balancer::Balancer;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::load::{Lost, Outcome};
use pointsman_tests::{Authority, Client, Endpoint, Instance, Load, Moment, eventually};

const HOST: &str = "any.example.com";

/// Requests a second, over both data planes.
const RATE: u64 = 300;

/// One that dies, and when.
struct Death {
    from: Moment,
    to: Moment,
}

impl Death {
    /// Whether a request was under way when it happened: nobody can know then whether it was acted on.
    fn meets(&self, outcome: &Outcome) -> bool {
        outcome.sent <= self.to && outcome.ended >= self.from
    }
}

/// F-061: an instance that is killed costs no request that another could serve
/// F-054: a POST is lost only where it may have been acted on
/// F-055: whether it has a body or not; and nothing is done twice
/// F-060: a request never meets a connection that had ended
/// F-040: an instance that is not listed last comes back as well
/// F-041: many clients at once change nothing in the list
/// F-042: an instance that recovers gets its share again
#[tokio::test(flavor = "multi_thread")]
async fn instances_that_are_killed_under_load_lose_nothing_that_another_could_serve() {
    let identity = Authority::new("instances").server(&["instance"]);
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(Instance::start(1, 0, &identity).await);
    }
    let listed: Vec<_> = instances
        .iter()
        .map(|instance| format!("'{}'", instance.addresses().plain[0]))
        .collect();
    let routes = format!("services: {{ svc: {{ v1: [{}] }} }}\n", listed.join(", "));
    let balancer = Balancer::start(&routes).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    let load = Load::start(RATE, &balancer.routers());
    let below: Arc<str> = format!("{HOST}/svc/v1").into();
    load.ask_for(vec![below]);
    load.go_on();
    load.ended(200).await;
    let mut deaths = Vec::new();
    for round in 0..6 {
        let dying = round % 3;
        let from = Moment::now();
        instances[dying].kill();
        deaths.push(Death {
            from,
            to: Moment::now(),
        });
        load.ended(300).await;
        instances[dying].restart().await;
        load.ended(100).await;
    }
    load.pause().await;
    let outcomes = load.outcomes();
    assert!(outcomes.len() > 2_000, "too few to say: {}", outcomes.len());
    let delivered = deliveries(&mut instances);
    let lost: Vec<_> = outcomes.iter().filter(|it| it.answer.is_err()).collect();
    for outcome in &lost {
        assert!(outcome.post, "a GET is repeated: {outcome:?}");
        assert!(
            deaths.iter().any(|death| death.meets(outcome)),
            "nobody died meanwhile: {outcome:?}"
        );
        assert!(
            matches!(outcome.answer, Err(Lost::Refused(502, _))),
            "{outcome:?}"
        );
    }
    assert!(lost.len() < 40, "{}", lost.len());
    for outcome in outcomes.iter().filter(|outcome| outcome.post) {
        let times = delivered.get(&outcome.id).copied().unwrap_or_default();
        assert!(times <= 1, "done {times} times: {outcome:?}");
    }
    println!(
        "{} requests, {} POSTs lost to six kills",
        outcomes.len(),
        lost.len()
    );
    all_are_asked(&balancer, &mut instances).await;
}

/// How often each request arrived, at all of them together.
fn deliveries(instances: &mut [Instance]) -> HashMap<u64, u64> {
    let mut delivered = HashMap::new();
    for instance in instances {
        for received in instance.record().read() {
            if let Ok(id) = received.id.parse() {
                *delivered.entry(id).or_default() += 1;
            }
        }
    }
    delivered
}

/// Waits until each of them gets requests again.
async fn all_are_asked(balancer: &Balancer, instances: &mut [Instance]) {
    for router in balancer.routers() {
        eventually("each instance to be asked", BOUND * 3, async || {
            let mut client = Client::connect(router).await;
            for instance in &mut *instances {
                instance.record().read();
            }
            for _ in 0..30 {
                let answer = client.get(HOST, "/svc/v1/probe").await;
                let answer = answer.map_err(|failure| failure.to_string())?;
                assert_eq!(answer.status, StatusCode::OK);
            }
            let idle = instances
                .iter_mut()
                .filter_map(|it| it.record().read().is_empty().then_some(()))
                .count();
            match idle {
                0 => Ok(()),
                idle => Err(format!("{idle} got nothing")),
            }
        })
        .await;
    }
}

/// F-027: a failure takes nobody off the list
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_dead_stays_listed_and_is_passed_over() {
    let there = Endpoint::named("there").await;
    let mut dead = Endpoint::named("dead").await;
    dead.close().await;
    let routes = format!(
        "services: {{ svc: {{ v1: ['{}', '{}'] }} }}\n",
        dead.address(),
        there.address()
    );
    let balancer = Balancer::start(&routes).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    for _ in 0..20 {
        for answer in balancer.ask(HOST, "/svc/v1/").await {
            assert_eq!(answer.status, StatusCode::OK, "not one is lost");
        }
    }
    let mut admin = Client::connect(balancer.control_plane.address("admin")).await;
    let listed = admin
        .get("127.0.0.1", "/v1/routes")
        .await
        .expect("an answer");
    for endpoint in [&dead, &there] {
        let address = endpoint.address().to_string();
        assert!(listed.text().contains(&address), "{}", listed.text());
    }
    dead.reopen().await;
    eventually(
        "the one that came back to be asked",
        BOUND * 3,
        async || {
            balancer.ask(HOST, "/svc/v1/").await;
            match dead.request_count() {
                0 => Err("nothing yet".to_owned()),
                _ => Ok(()),
            }
        },
    )
    .await;
}

/// A route may say that its requests are repeatable: then a POST is repeated as a GET is.
#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_declare_its_requests_repeatable() {
    use pointsman_tests::RawConnection;
    use pointsman_tests::endpoint::{Answer, Reply};

    // What fails on a kept connection is tried again on a fresh one, and that is no attempt of its own: so none is kept.
    let ok = || Reply::status(200).with_header("Connection", "close");
    let endpoints = [Endpoint::named("a").await, Endpoint::named("b").await];
    for endpoint in &endpoints {
        endpoint.script(move |_| ok().into());
    }
    let listed = endpoints
        .each_ref()
        .map(|endpoint| format!("'{}'", endpoint.address()))
        .join(", ");
    let route = |host: &str, attempts: &str| {
        format!(
            "- {{ host: {host}, rules: {{ attempts: {{ {attempts} }} }}, endpoints: [{listed}] }}\n"
        )
    };
    let routes = route("again.example.com", "repeatable: true")
        + &route("once.example.com", "repeatable: false")
        + &route("one.example.com", "repeatable: true, most: 1");
    let balancer = Balancer::start(&format!("routes:\n{routes}")).await;
    for host in ["again.example.com", "once.example.com", "one.example.com"] {
        balancer.answers(host, "/", StatusCode::OK).await;
    }
    for (host, status, times) in [
        ("again.example.com", 200, 2),
        ("once.example.com", 502, 1),
        ("one.example.com", 502, 1),
    ] {
        for router in balancer.routers() {
            let dropped = Arc::new(std::sync::atomic::AtomicBool::new(false));
            for endpoint in &endpoints {
                endpoint.forget();
                let dropped = Arc::clone(&dropped);
                endpoint.script(move |_| {
                    if dropped.swap(true, std::sync::atomic::Ordering::SeqCst) {
                        ok().into()
                    } else {
                        Answer::Close
                    }
                });
            }
            let mut client = RawConnection::connect(router).await;
            let request =
                format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3\r\n\r\nabc");
            client.write(request.as_bytes()).await;
            let answer = client.read_answer().await;
            assert_eq!(answer.status, status, "{host}: {}", answer.head);
            let delivered: usize = endpoints.iter().map(Endpoint::request_count).sum();
            assert_eq!(delivered, times, "{host}");
        }
    }
}
