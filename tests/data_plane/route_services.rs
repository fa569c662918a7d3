//! Requests pass through the route services of their routes, and nobody passes them by.

mod back;
mod first_pass;
mod outside;
mod places;
mod reached;
mod tunnels;
mod within;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pointsman_data_plane::{AddressRules, Signer};
use pointsman_routing::Attributes;
use pointsman_tests::Endpoint;
use pointsman_tests::endpoint::{Answer, Head};
use pointsman_tests::route_service::call_back;

use crate::support::{Plane, Setup};

/// How long signatures are good.
const LIFE: Duration = Duration::from_secs(60);

/// What proves where a request comes from.
const SIGNED: [&str; 3] = [
    "X-CF-Forwarded-Url",
    "X-CF-Proxy-Signature",
    "X-CF-Proxy-Metadata",
];

fn signer(secret: &str, decrypt_only: Option<&str>) -> Option<Signer> {
    Some(Signer::new(secret, decrypt_only, LIFE).expect("a secret"))
}

/// A data plane with the secret `secret`, whose services may be here, and without TLS.
fn setup() -> Setup {
    Setup::new().with(|settings| {
        settings.route_services.signer = signer("secret", None);
        settings.route_services.plain_http = true;
        settings.route_services.addresses = AddressRules::open();
    })
}

/// `app.test`, bound to a service.
fn bound(setup: Setup, url: &str, app: &Endpoint) -> Setup {
    bound_at(setup, "app.test", url).endpoint("app.test", app)
}

fn bound_at(setup: Setup, uri: &str, url: &str) -> Setup {
    let attributes = Attributes {
        route_service: Some(url.into()),
        ..Attributes::default()
    };
    setup.attributes(uri, attributes)
}

/// The URL of a service without TLS.
fn url(service: &Endpoint, target: &str) -> String {
    format!("http://127.0.0.1:{}{target}", service.port())
}

/// The fields that prove where a request comes from, as lines of a request.
fn signed_lines(head: &Head) -> Vec<String> {
    let lines = SIGNED.map(|name| {
        let value = head.header(name).expect("the field is there");
        format!("{name}: {value}")
    });
    lines.into()
}

/// What a service got of `GET path`, that `app.test` is bound to.
async fn signed(setup: Setup, path: &str) -> Head {
    let (service, app) = (
        Endpoint::named("service").await,
        Endpoint::named("app").await,
    );
    let plane = bound(setup, &url(&service, "/"), &app).start();
    assert_eq!(plane.get(path).await.body, b"service");
    service.last_request().head
}

/// Comes back from a service with these lines.
async fn come_back(
    plane: &Plane,
    target: &str,
    lines: &[String],
) -> pointsman_tests::client::RawAnswer {
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let head = crate::support::head(&format!("GET {target}"), &lines);
    plane.ask(head).await
}

/// Fields by their names in small letters.
fn fields(head: &Head) -> BTreeMap<String, String> {
    let fields = head.headers.iter();
    fields
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

/// A service that sends every request back to the router, to the URL that it is told, and passes
/// the answer on. Only in a runtime with several threads, one of which it blocks while it does.
fn passing(router: &Arc<OnceLock<SocketAddr>>) -> impl Fn(&Head) -> Answer + Send + Sync + 'static {
    let router = Arc::clone(router);
    move |head| Answer::RawThenClose(call_back(head, *router.get().expect("it has started")))
}
