//! A route that leads to the router itself.

use std::net::{SocketAddr, TcpListener};

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Answer;

use crate::support::{Plane, Setup, head};

/// A data plane whose only route leads to itself.
fn to_itself(setup: Setup) -> Plane {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    setup
        .inherit(listener)
        .thing("app.test", address, |_| {})
        .start()
}

/// a route that leads to the router itself ends in a 508 after eight ways back, and takes two descriptors for
/// each.
#[tokio::test]
async fn a_request_that_comes_back_for_ever_is_refused() {
    for (hops, method) in [(8, "GET /loop"), (8, "POST /loop"), (2, "GET /loop")] {
        let plane = to_itself(Setup::new().with(|settings| settings.limits.hops = hops));
        let mut client = plane.connect().await;
        client.write(head(method, &[]).as_bytes()).await;
        let answer = client.read_answer().await;
        assert_eq!(answer.status, 508, "{}", answer.head);
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.starts_with("508 Loop Detected: "), "{body}");
        let totals = plane.settled().await;
        let ways = u64::from(hops) + 1;
        assert_eq!((totals.loops, totals.attempts), (1, ways));
        assert_eq!(totals.connections_accepted, ways + 1);
        assert!(totals.connections_accepted + totals.dials <= 100);
        let line = plane.line("\"loop_detected\"").await;
        assert!(line.contains("\" 508 "), "{line}");
        // The connection of the client goes on.
        client.write(head("GET /again", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.status, 508);
    }
}

/// nothing is said about hops to endpoints, unless the request has come through a router.
#[tokio::test]
async fn a_first_way_is_not_counted() {
    let endpoint = Endpoint::with(|_| Answer::Echo).await;
    let plane = Plane::before(&endpoint);
    for (fields, expected) in [
        (&[][..], None),
        (&["X-CF-InstanceID: i"][..], Some("1")),
        (&["x-cf-instanceid: i", "x-pointsman-hops: 3"], Some("4")),
        (&["X-CF-InstanceID: i", "X-Pointsman-Hops: x"], Some("1")),
    ] {
        assert_eq!(plane.ask(head("GET /", fields)).await.status, 200);
        let seen = endpoint.last_request().head;
        let mut hops = seen.headers.iter().filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name == "x-pointsman-hops"
        });
        assert_eq!(hops.next().map(|(_, value)| value.as_str()), expected);
        assert_eq!(hops.next(), None, "{fields:?}");
    }
    let fields = ["X-CF-InstanceID: i", "X-Pointsman-Hops: 8"];
    let answer = plane.ask(head("GET /", &fields)).await;
    assert_eq!(answer.status, 508);
    assert_eq!(answer.header("X-Cf-RouterError"), Some("loop_detected"));
    assert_eq!(endpoint.request_count(), 4);
}

/// the way through another router counts, too.
#[tokio::test]
async fn two_routers_that_lead_to_each_other_are_no_way_out() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let addresses = [0, 1].map(|n| listeners[n].local_addr().expect("an address"));
    let [first, second] = listeners;
    let plane = |listener, other: SocketAddr| {
        let setup = Setup::new().inherit(listener);
        setup.thing("app.test", other, |_| {}).start()
    };
    let (one, other) = (plane(first, addresses[1]), plane(second, addresses[0]));
    assert_eq!(one.get("/").await.status, 508);
    assert_eq!(one.totals().loops + other.totals().loops, 1);
    assert_eq!(one.totals().attempts + other.totals().attempts, 9);
}
