//! New endpoints get their share little by little.

use std::time::Duration;

use pointsman_tests::{Endpoint, RawConnection};
use tokio::time::Instant;

use crate::support::{Plane, Setup, head};

/// How long an endpoint is new.
const NEW: Duration = Duration::from_secs(2);

async fn ask(client: &mut RawConnection) {
    client.write(head("GET /", &[]).as_bytes()).await;
    assert_eq!(client.read_answer().await.status, 200);
}

/// Asks until so long after the beginning.
async fn ask_until(client: &mut RawConnection, begin: Instant, after: Duration) {
    while begin.elapsed() < after {
        ask(client).await;
    }
}

/// A new endpoint gets a tenth of what the other gets, then more and more, and its turn once it is new no more.
#[tokio::test]
async fn a_new_endpoint_gets_less_than_others() {
    let known = Endpoint::named("known").await;
    let mut plane: Plane = Setup::new()
        .endpoint("app.test", &known)
        .with(|settings| {
            settings.balancing.slow_start = NEW;
            settings.limits.connection_requests = u32::MAX;
        })
        .start();
    let mut client = plane.connect().await;
    // Age is the behaviour: the one that is there has to be new no more.
    ask_until(&mut client, Instant::now(), NEW).await;
    known.forget();
    let new = Endpoint::named("new").await;
    plane.add("app.test", &new);
    let begin = Instant::now();
    ask_until(&mut client, begin, NEW / 10).await;
    let (few, many) = (new.request_count(), known.request_count());
    assert!(few * 4 < many, "{few} beside {many}");
    ask_until(&mut client, begin, NEW + NEW / 10).await;
    assert!(new.request_count() > few);
    for endpoint in [&known, &new] {
        endpoint.forget();
    }
    for _ in 0..20 {
        ask(&mut client).await;
    }
    assert_eq!((known.request_count(), new.request_count()), (10, 10));
}
