//! How long registrations took, told to the agent for metrics.

use std::net::UdpSocket;
use std::time::Duration;

use crate::broker::Broker;
use crate::router::Router;

const METRIC: &[u8] = b"route_registration_latency";

fn router(broker: &Broker, agent: &UdpSocket, muzzle: &str) -> Router {
    let agent = agent.local_addr().expect("an address");
    let keys = format!(
        "start_response_delay_interval: 0s\nroute_latency_metric_muzzle_duration: {muzzle}\n\
         logging: {{metron_address: '{agent}'}}\nsend_http_start_stop_server_event: false\n"
    );
    let mut router = Router::start(&(broker.nats() + &keys));
    router.wait_for("subscriber-started");
    router
}

fn agent() -> UdpSocket {
    let agent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let bounded = agent.set_read_timeout(Some(Duration::from_secs(60)));
    bounded.expect("a bound can be set");
    agent
}

fn register(broker: &Broker, uri: &str) {
    broker.register_as(
        uri,
        r#""port":1,"endpoint_updated_at_ns":1700000000000000000"#,
    );
}

/// C-134: within the muzzle time how long registrations took is told to nobody.
/// OB-094: after it, the agent is told of each new endpoint.
#[test]
fn registrations_are_told_to_the_agent_when_the_start_is_over() {
    let (broker, told, untold) = (Broker::start(), agent(), agent());
    let mut muzzled = router(&broker, &untold, "1h");
    let _open = router(&broker, &told, "0s");
    // The subscription of one is on its way when it says that it has started.
    muzzled.wait_until_healthy();
    register(&broker, "one.example.com");
    let mut datagram = [0; 1024];
    let length = told.recv(&mut datagram).expect("a datagram in time");
    let envelope = &datagram[..length];
    assert!(
        envelope.starts_with(b"\x0a\x08gorouter\x10\x06"),
        "{envelope:?}"
    );
    let found = envelope.windows(METRIC.len()).any(|part| part == METRIC);
    assert!(found && envelope.ends_with(b"\x1a\x02ms"), "{envelope:?}");
    muzzled.wait_for("endpoint-registered");
    muzzled.signal("TERM");
    assert_eq!(muzzled.until_it_ends().0, Some(0));
    untold.set_nonblocking(true).expect("it can be asked");
    assert!(untold.recv(&mut datagram).is_err(), "nothing was told");
}
