//! Connections of clients: many, and slow ones.

use std::time::Duration;

use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Reply;

use crate::support::{Setup, head};

/// D-078: a client that pauses for less than the idle time, again and again, keeps its connection.
#[tokio::test]
async fn pauses_below_the_idle_time_are_none() {
    let endpoint = Endpoint::named("here").await;
    let idle = Duration::from_millis(600);
    let plane = Setup::new()
        .endpoint("app.test", &endpoint)
        .with(|settings| settings.timeouts.client_idle = idle)
        .start();
    let mut client = plane.connect().await;
    for _ in 0..5 {
        client.write(head("GET /", &[]).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"here");
        tokio::time::sleep(idle / 2).await;
    }
    assert_eq!(plane.settled().await.connections_accepted, 1);
    assert_eq!(client.read_to_end().await, b"", "a longer one is one");
}

/// D-083: many clients at the same time are all answered.
#[tokio::test]
async fn many_clients_at_once_are_answered() {
    const CLIENTS: usize = 150;
    let endpoint = Endpoint::with(|head| {
        let pause = Duration::from_millis(100);
        Reply::text(&head.target).after(pause).into()
    })
    .await;
    let plane = Setup::new().endpoint("app.test", &endpoint).start();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(plane.connect().await);
    }
    for round in 0..2 {
        for (at, client) in clients.iter_mut().enumerate() {
            let request = head(&format!("GET /{at}/{round}"), &[]);
            client.write(request.as_bytes()).await;
        }
        for (at, client) in clients.iter_mut().enumerate() {
            let answer = client.read_answer().await;
            assert_eq!(answer.body, format!("/{at}/{round}").into_bytes());
        }
    }
    let totals = plane.settled().await;
    assert_eq!(totals.responses_2xx, 2 * CLIENTS as u64);
    assert_eq!((totals.clients_gone, totals.bad_gateways), (0, 0));
}
