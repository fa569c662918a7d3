//! Domains whose clients show who they are, and routes that are only for some of them.

use std::sync::Arc;

use pointsman_data_plane::{CertFormat, DomainName, ForwardedClientCert, FrontTls, IdentityDomain};
use pointsman_routing::{Attributes, Policy};
use pointsman_tests::certs::Identity;
use pointsman_tests::client::RawAnswer;
use pointsman_tests::{Authority, Endpoint};
use rustls::ClientConfig;

use crate::front_support::{front, verified};
use crate::support::{Plane, Setup};

const INSIDE: &str = "app.apps.identity";
const OTHER: &str = "app.other.identity";
const OUTSIDE: &str = "app.test";

struct Scene {
    server: Authority,
    apps: Authority,
    others: Authority,
    endpoint: Endpoint,
}

impl Scene {
    async fn new() -> Self {
        Self {
            server: Authority::new("server authority"),
            apps: Authority::new("authority of apps"),
            others: Authority::new("authority of others"),
            endpoint: Endpoint::named("served").await,
        }
    }

    fn domain(&self, name: &str, authority: &Authority, format: CertFormat) -> IdentityDomain {
        IdentityDomain {
            name: DomainName::parse(name).expect("a domain"),
            trust: verified(&[authority], Vec::new()).trust,
            forwarded_client_cert: ForwardedClientCert::SanitizeSet,
            format,
        }
    }

    /// Two identity domains, and one that is none; the route of the first has this policy.
    fn plane(&self, policy: Option<&Policy>) -> Plane {
        let front = FrontTls {
            domains: vec![
                self.domain("*.apps.identity", &self.apps, CertFormat::Envoy),
                self.domain("app.other.identity", &self.others, CertFormat::Raw),
            ],
            ..front(&[&self.server.server(&[OUTSIDE, "*.apps.identity", OTHER])])
        };
        let attributes = || Attributes {
            policy: policy.cloned().map(Box::new),
            ..Attributes::default()
        };
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let tags = vec![tag("space_id", "space-1"), tag("organization_id", "org-1")];
        Setup::new()
            .attributes(INSIDE, attributes())
            .attributes(OUTSIDE, attributes())
            .endpoint(OUTSIDE, &self.endpoint)
            .endpoint(OTHER, &self.endpoint)
            .thing(INSIDE, self.endpoint.address(), |thing| {
                thing.tags = Some(tags);
            })
            .front(front)
            .start()
    }

    fn config(&self, identity: Option<&Identity>) -> Arc<ClientConfig> {
        self.server.client_config(identity)
    }

    fn caller(&self, units: &[&str]) -> Arc<ClientConfig> {
        self.config(Some(&self.apps.client_of("instance", units)))
    }
}

/// Asks for `host` over a connection that was made for `sni`.
async fn ask(plane: &Plane, config: &Arc<ClientConfig>, sni: &str, host: &str) -> RawAnswer {
    let mut client = plane.connect_tls(config, sni).await.expect("a handshake");
    client
        .write(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
        .await;
    client.read_answer().await
}

/// D-643: a host of an identity domain over another connection is a 421 without a body.
/// D-644: so is another host over a connection of an identity domain.
/// what one domain's authorities let in is worth nothing in another.
#[tokio::test]
async fn a_connection_is_good_for_the_domain_that_it_was_made_for() {
    let scene = Scene::new().await;
    let plane = scene.plane(None);
    let app = scene.caller(&["app:a"]);
    let other = scene.config(Some(&scene.others.client_of("other", &["app:a"])));
    for (config, sni, host, status) in [
        (&app, INSIDE, INSIDE, 200),
        (&app, INSIDE, "APP.Apps.Identity:443", 200),
        (&app, INSIDE, OUTSIDE, 421),
        (&app, INSIDE, OTHER, 421),
        (&app, OUTSIDE, OUTSIDE, 200),
        (&app, OUTSIDE, INSIDE, 421),
        (&app, OUTSIDE, "app.apps.identity:99", 421),
        (&app, OUTSIDE, OTHER, 421),
        (&other, OTHER, OTHER, 200),
        (&other, OTHER, INSIDE, 421),
    ] {
        let answer = ask(&plane, config, sni, host).await;
        assert_eq!(answer.status, status, "{host} over {sni}");
        if status == 421 {
            assert_eq!(answer.body, b"");
            let error = answer.header("X-Cf-RouterError");
            assert_eq!(error, Some("misdirected_request"));
        }
    }
    // Nor is there a way around TLS.
    let plain = plane
        .ask(format!("GET / HTTP/1.1\r\nHost: {INSIDE}\r\n\r\n"))
        .await;
    assert_eq!(plain.status, 421);
    assert_eq!(plane.get("/").await.status, 200);
}

/// A client of an identity domain has to show a certificate of the authorities of that very domain.
#[tokio::test]
async fn a_domain_has_authorities_of_its_own() {
    let scene = Scene::new().await;
    let plane = scene.plane(None);
    let stranger = scene.config(Some(&scene.others.client_of("other", &["app:a"])));
    let nobody = scene.config(None);
    for (config, sni, expected) in [
        (&stranger, INSIDE, false),
        (&nobody, INSIDE, false),
        (&stranger, OTHER, true),
        (&nobody, OUTSIDE, true),
    ] {
        let mut client = match plane.connect_tls(config, sni).await {
            Ok(client) => client,
            Err(_) if !expected => continue,
            Err(error) => panic!("{sni}: {error}"),
        };
        let request = format!("GET / HTTP/1.1\r\nHost: {sni}\r\nConnection: close\r\n\r\n");
        let served = client.try_write(request.as_bytes()).await.is_ok()
            && client.read_to_end().await.starts_with(b"HTTP/1.1 200 ");
        assert_eq!(served, expected, "{sni}");
    }
}

/// D-645: where a route says who may call, a caller whose certificate names no app is a 403.
/// D-646: a route that does not say so is for every client of the domain.
/// D-649: the answer says `Forbidden`.
#[tokio::test]
async fn a_policy_needs_a_caller() {
    let scene = Scene::new().await;
    let open = scene.plane(None);
    let closed = scene.plane(Some(&Policy::new("any", ["cf:any"])));
    let (named, unnamed) = (scene.caller(&["app:a"]), scene.caller(&["space:space-1"]));
    for (plane, config, status) in [
        (&open, &named, 200),
        (&open, &unnamed, 200),
        (&closed, &named, 200),
        (&closed, &unnamed, 403),
    ] {
        let answer = ask(plane, config, INSIDE, INSIDE).await;
        assert_eq!(answer.status, status);
        if status == 403 {
            assert_eq!(answer.body, b"Forbidden\n");
        }
    }
    // Outside of identity domains nobody is a caller.
    assert_eq!(ask(&closed, &named, OUTSIDE, OUTSIDE).await.status, 403);
    assert_eq!(closed.get("/").await.status, 403);
    let totals = closed.totals();
    assert_eq!((totals.attempts, totals.retries), (1, 0));
}

/// D-647: within a scope the caller must share the tag of the chosen endpoint.
/// D-648: and be one of the sources.
#[tokio::test]
async fn a_policy_names_scope_and_sources() {
    let scene = Scene::new().await;
    for (scope, sources, units, status) in [
        ("space", &["cf:any"][..], ["app:a", "space:space-1"], 200),
        ("space", &["cf:any"], ["app:a", "space:space-2"], 403),
        ("space", &["cf:any"], ["app:a", "organization:org-1"], 403),
        ("org", &["cf:any"], ["app:a", "organization:org-1"], 200),
        ("org", &["cf:any"], ["app:a", "organization:org-2"], 403),
        ("galaxy", &["cf:any"], ["app:a", "space:space-1"], 403),
        ("any", &["cf:app:b", "cf:app:a"], ["app:a", "space:s"], 200),
        ("any", &["cf:app:b"], ["app:a", "space:s"], 403),
        ("any", &["cf:space:s"], ["app:a", "space:s"], 200),
        ("any", &["cf:org:o"], ["app:a", "organization:o"], 200),
        ("any", &[], ["app:a", "space:s"], 403),
        ("space", &["cf:app:b"], ["app:a", "space:space-1"], 403),
    ] {
        let plane = scene.plane(Some(&Policy::new(scope, sources.iter().copied())));
        let answer = ask(&plane, &scene.caller(&units), INSIDE, INSIDE).await;
        assert_eq!(answer.status, status, "{scope} {sources:?} {units:?}");
    }
}

/// A certificate is told in the form of its domain.
#[tokio::test]
async fn a_domain_has_a_form_for_certificates() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let scene = Scene::new().await;
    let plane = scene.plane(None);
    let apps = scene.apps.client_of("instance", &["app:a", "space:s"]);
    let others = scene.others.client_of("other", &[]);
    let seen = |scene: &Scene| {
        let last = scene.endpoint.last_request();
        last.head
            .header("X-Forwarded-Client-Cert")
            .map(str::to_owned)
    };
    ask(&plane, &scene.config(Some(&apps)), INSIDE, INSIDE).await;
    let hash = pointsman_process::tls::fingerprint(&apps.der());
    assert_eq!(hash.len(), 64);
    let expected = format!("Hash={hash};Subject=\"CN=instance,OU=app:a,OU=space:s\"");
    assert_eq!(seen(&scene), Some(expected));
    ask(&plane, &scene.config(Some(&others)), OTHER, OTHER).await;
    assert_eq!(seen(&scene), Some(STANDARD.encode(others.der())));
}
