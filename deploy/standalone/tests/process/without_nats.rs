//! A router whose NATS is not there, or goes away.

use super::*;

/// CF-049: without NATS the start fails after three tries.
/// C-080: three tries 100 ms apart, then `nats-connection-error` and status 1.
#[test]
fn without_nats_the_start_fails() {
    let router = Router::start("nats: {hosts: [{hostname: 127.0.0.1, port: 1}]}\n");
    let (status, log) = router.until_it_ends();
    assert_eq!(status, Some(1), "{log:#?}");
    let errors: Vec<_> = log
        .iter()
        .filter(|line| line["message"] == "nats-connection-error")
        .collect();
    assert_eq!(errors.len(), 1, "{log:#?}");
    assert_eq!(errors[0]["source"], "gorouter.stdout.nats");
}

/// C-331: while NATS is away, routes go after their threshold.
/// C-332: when it is back, an application that is registered again is found, and another one is not.
#[test]
fn routes_go_while_nats_is_away_and_come_back_with_their_registrations() {
    let (mut broker, instance) = (Broker::start(), Instance::start());
    let prunes = "prune_stale_droplets_interval: 1s\ndroplet_stale_threshold: 2s\n";
    let mut router = Router::start(&(broker.nats() + DELAY + prunes));
    router.wait_until_healthy();
    let port = router.traffic_port();
    let status = |host: &str| get(port, "/", host).split(' ').nth(1).map(str::to_owned);
    let is = |host: &str, wanted: &str| status(host).as_deref() == Some(wanted);
    let [live, dead] = ["live.example.com", "dead.example.com"];
    for host in [live, dead] {
        until("it is found", || {
            broker.register(host, instance.port());
            is(host, "200")
        });
    }
    broker.kill();
    for host in [live, dead] {
        until("it is gone", || is(host, "404"));
    }
    broker.restart();
    until("it is back", || {
        broker.register(live, instance.port());
        is(live, "200")
    });
    assert_eq!(status(dead).as_deref(), Some("404"));
}
