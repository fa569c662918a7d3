//! Requests that a header field leads to an endpoint.

use std::collections::BTreeSet;

use pointsman_routing::{Attributes, HashedBy};
use pointsman_tests::Endpoint;
use pointsman_tests::client::RawAnswer;

use crate::support::{Plane, Setup, head};

/// A data plane before these endpoints of a route that leads by `X-Tenant`.
async fn plane(count: usize) -> (Vec<Endpoint>, Plane) {
    let attributes = Attributes {
        hashed_by: HashedBy::new("X-Tenant", 0.0),
        ..Attributes::default()
    };
    let mut setup = Setup::new().attributes("app.test", attributes);
    let mut endpoints = Vec::new();
    for n in 0..count {
        let endpoint = Endpoint::named(&format!("instance-{n}")).await;
        setup = setup.thing("app.test", endpoint.address(), |thing| {
            thing.instance_id = format!("instance-{n}");
        });
        endpoints.push(endpoint);
    }
    (endpoints, setup.start())
}

async fn ask(plane: &Plane, fields: &[&str]) -> RawAnswer {
    let answer = plane.ask(head("GET /", fields)).await;
    assert_eq!(answer.status, 200);
    answer
}

/// D-631: a route that asks for a hash leads the same value to the same endpoint, always.
/// D-635: the endpoint of a session comes before it.
#[tokio::test]
async fn a_value_leads_to_one_endpoint() {
    let (_endpoints, plane) = plane(4).await;
    let mut all = BTreeSet::new();
    for n in 0..16 {
        let field = format!("x-tenant: tenant-{n}");
        let seen: BTreeSet<Vec<u8>> = [
            ask(&plane, &[&field]).await.body,
            ask(&plane, &[&field]).await.body,
            ask(&plane, &[&field, "X-Other: 1"]).await.body,
        ]
        .into();
        assert_eq!(seen.len(), 1, "{field}");
        all.extend(seen);
    }
    assert!(all.len() > 2, "values are spread");
    for n in 0..4 {
        let cookie = format!("Cookie: JSESSIONID=x; __VCAP_ID__=instance-{n}");
        let answer = ask(&plane, &["X-Tenant: a", &cookie]).await;
        assert_eq!(answer.body, format!("instance-{n}").into_bytes());
    }
}

/// Without the field, or with nothing in it, the default algorithm chooses.
#[tokio::test]
async fn without_the_field_endpoints_take_turns() {
    let (endpoints, plane) = plane(3).await;
    for _ in 0..3 {
        ask(&plane, &[]).await;
        ask(&plane, &["X-Tenant:"]).await;
    }
    for endpoint in &endpoints {
        assert_eq!(endpoint.request_count(), 2);
    }
}

/// D-634: where the endpoint fails, the next one on the way of the value has the request.
#[tokio::test]
async fn a_value_goes_on_where_its_endpoint_fails() {
    let (mut endpoints, plane) = plane(3).await;
    let first = ask(&plane, &["X-Tenant: a"]).await.body;
    let at = endpoints
        .iter()
        .position(|endpoint| endpoint.request_count() == 1)
        .expect("one has answered");
    endpoints[at].close().await;
    let second = ask(&plane, &["X-Tenant: a"]).await.body;
    assert_ne!(second, first);
    for _ in 0..4 {
        assert_eq!(ask(&plane, &["X-Tenant: a"]).await.body, second);
    }
}
