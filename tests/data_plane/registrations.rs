//! Registrations that say what should not be said: whatever it is, it ends before a header field or a cookie, and leads
//! to nobody.

use pointsman_routing::{Address, EndpointThing};
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::Reply;

use crate::support::{Setup, head};

/// Puts a text in one place of a registration.
type Put = fn(&mut EndpointThing, String);

const PLACES: [(&str, Put); 5] = [
    ("app id", |thing, text| thing.app_id = text),
    ("instance id", |thing, text| thing.instance_id = text),
    ("instance index", |thing, text| thing.instance_index = text),
    ("zone", |thing, text| thing.availability_zone = text),
    ("tag", |thing, text| {
        thing.tags = Some(vec![
            ("component".to_owned(), text.clone()),
            (text, "x".to_owned()),
        ]);
    }),
];

/// What was registered; more would not leave the control plane, and is not let in by the subscription.
fn texts() -> Vec<String> {
    let long = "x".repeat(500_000);
    [
        "a\r\nX-Injected: 1",
        "a\nX-Injected: 1",
        "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n",
        "a\0b",
        "a; Path=/other; X-Injected=1",
        "a\"b",
        "\u{fc}ber",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// nothing that a registration says becomes a field, a cookie or a request of its own.
#[tokio::test]
async fn nothing_that_is_registered_injects() {
    for (place, put) in PLACES {
        for text in texts() {
            let endpoint = Endpoint::with(|_| {
                Reply::text("fine")
                    .with_header("Set-Cookie", "JSESSIONID=1")
                    .into()
            })
            .await;
            let shown = text.get(..20).unwrap_or(&text).to_owned();
            let plane = Setup::new()
                .thing("app.test", endpoint.address(), |thing| {
                    put(thing, text.clone());
                })
                .start();
            let mut client = plane.connect().await;
            client.write(head("GET /once", &[]).as_bytes()).await;
            let answer = client.read_answer().await;
            assert!([200, 502].contains(&answer.status), "{place} {shown:?}");
            assert_eq!(answer.header("X-Injected"), None, "{place} {shown:?}");
            if answer.status == 502 {
                let error = answer.header("X-Cf-RouterError").expect("an error");
                assert!(!error.contains("Injected"), "{error}");
                assert_eq!(endpoint.request_count(), 0, "{place} {shown:?}");
            } else {
                let cookies = answer
                    .head
                    .lines()
                    .filter(|line| line.starts_with("Set-Cookie: __VCAP_ID__="));
                for cookie in cookies {
                    assert_eq!(cookie.matches("Path=").count(), 1, "{place}: {cookie}");
                }
                let seen = endpoint.last_request().head;
                assert_eq!(seen.header("X-Injected"), None, "{place} {shown:?}");
                assert_eq!(seen.target, "/once");
                assert_eq!(endpoint.request_count(), 1);
            }
            // The log has one line for it, whatever stands there.
            plane.line("/once").await;
            assert_eq!(plane.lines().len(), 1, "{place} {shown:?}");
        }
    }
}

/// a name leads to no address that could not be registered by itself.
#[tokio::test]
async fn a_name_leads_to_no_address_that_is_no_endpoints() {
    let endpoint = Endpoint::named("here").await;
    let port = endpoint.address().port();
    // Resolvers take them for 0.0.0.0, at which this machine answers, and for 127.0.0.1.
    for (name, status) in [("0x0", 502), ("127.1", 200), ("0x0.0", 502)] {
        let address = Address::parse(&format!("{name}:{port}")).expect("an address");
        let plane = Setup::new()
            .thing("app.test", endpoint.address(), |thing| {
                thing.address = address;
            })
            .start();
        assert_eq!(plane.get("/").await.status, status, "{name}");
    }
    assert_eq!(endpoint.request_count(), 1);
}
