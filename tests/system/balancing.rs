//! What registrations and requests say about instances decides who answers.

use std::net::SocketAddr;

use hyper::{Request, StatusCode};
use pointsman_tests::fleet::BOUND;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, Endpoint, Fleet, eventually};

const HOST: &str = "app.example.com";

/// The body of the answer to a request with one more field; nothing where it is no 200.
async fn ask(router: SocketAddr, (name, value): (&str, &str)) -> Result<String, String> {
    let mut client = Client::connect(router).await;
    let request = Request::get("/").header("host", HOST).header(name, value);
    let request = request.body(Default::default()).expect("a request");
    let response = client.send(request).await;
    let response = response.map_err(|failure| failure.to_string())?;
    if response.status == StatusCode::OK {
        Ok(response.text().to_owned())
    } else {
        Err(format!("{response:?}"))
    }
}

/// what data planes would reject is not sent: a hash of nothing costs no route, and is told where it comes from
#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_nothing_is_none() {
    let fleet = Fleet::start(1).await;
    let endpoints = [
        Endpoint::named("plain").await,
        Endpoint::named("hash").await,
    ];
    let plain = Emitted::plain(HOST, endpoints[0].address(), 0);
    fleet.register(&plain, HOST).await;
    let headless = Emitted {
        options: Some(serde_json::json!({"loadbalancing": "hash"})),
        ..Emitted::plain(HOST, endpoints[1].address(), 1)
    };
    fleet.publisher.register(&headless).await;
    let router = fleet.routers()[0];
    let answered = eventually("the second instance", BOUND, async || {
        let body = ask(router, ("x-tenant", "a")).await.expect("a 200");
        (body == "hash").then_some(body.clone()).ok_or(body)
    });
    answered.await;
    fleet
        .control_plane
        .until_logged("hash-routing-properties-missing")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_leads_to_the_same_instance_on_every_data_plane() {
    let fleet = Fleet::start(2).await;
    let mut endpoints = Vec::new();
    for index in 0..3 {
        let endpoint = Endpoint::named(&format!("instance {index}")).await;
        // Without a balance: with one, a request whose answer is just on its way leads the next one on.
        let message = Emitted {
            options: Some(serde_json::json!({
                "loadbalancing": "hash",
                "hash_header": "X-Tenant",
            })),
            ..Emitted::plain(HOST, endpoint.address(), index)
        };
        fleet.register(&message, HOST).await;
        for router in fleet.routers() {
            let app = message.app.as_deref().expect("an app");
            let selector = format!("{app}:{index}");
            let answered = eventually("the instance to be known", BOUND, async || {
                ask(router, ("x-cf-app-instance", &selector)).await
            })
            .await;
            assert_eq!(answered, format!("instance {index}"));
        }
        endpoints.push(endpoint);
    }
    let mut seen = std::collections::BTreeSet::new();
    for tenant in 0..12 {
        let tenant = format!("tenant-{tenant}");
        let mut answers = Vec::new();
        for router in fleet.routers() {
            for _ in 0..2 {
                let answer = ask(router, ("x-tenant", &tenant)).await;
                answers.push(answer.expect("an answer"));
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{tenant}: {answers:?}");
        seen.extend(answers);
    }
    assert!(seen.len() > 1, "tenants are spread: {seen:?}");
}
