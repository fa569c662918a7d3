//! What the first pass has said of a client stands in the second one, which only knows the service.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pointsman_data_plane::{ClientCerts, ForwardedClientCert, ForwardedProto, FrontTls};
use pointsman_tests::certs::Identity;
use pointsman_tests::endpoint::Head;
use pointsman_tests::{Authority, Endpoint, RawConnection};
use rustls::ClientConfig;

use super::{bound, setup, url};
use crate::front_support::{front, verified};
use crate::support::{Plane, Setup, head};

const XFCC: &str = "X-Forwarded-Client-Cert";
const XFP: &str = "X-Forwarded-Proto";

/// A data plane that speaks both, a service without TLS, and the app behind it.
struct Scene {
    authority: Authority,
    service: Endpoint,
    app: Endpoint,
    plane: Plane,
}

impl Scene {
    async fn new(change: impl FnOnce(Setup) -> Setup) -> Self {
        let (service, app) = (
            Endpoint::named("service").await,
            Endpoint::named("app").await,
        );
        let authority = Authority::new("authority");
        let certs = ClientCerts::Requested(verified(&[&authority], Vec::new()));
        let front = FrontTls {
            client_certs: certs,
            ..front(&[&authority.server(&["app.test"])])
        };
        let setup = bound(setup(), &url(&service, "/"), &app).front(front);
        Self {
            plane: change(setup).start(),
            authority,
            service,
            app,
        }
    }

    /// A connection in clear text, or over TLS with this certificate.
    async fn connect(&self, tls: Option<Option<&Identity>>) -> RawConnection {
        match tls {
            None => self.plane.connect().await,
            Some(identity) => {
                let config: Arc<ClientConfig> = self.authority.client_config(identity);
                let connected = self.plane.connect_tls(&config, "app.test").await;
                connected.expect("a handshake")
            }
        }
    }

    /// Sends a request to the service and, as the service, back: what each of service and app got.
    async fn pass(&self, tls: Option<Option<&Identity>>, lines: &[&str], back: bool) -> [Head; 2] {
        let mut client = self.connect(tls).await;
        client.write(head("GET /", lines).as_bytes()).await;
        assert_eq!(client.read_answer().await.body, b"service");
        let at_service = self.service.last_request().head;
        let passed = at_service.headers.iter();
        let passed = passed.filter(|(name, _)| !name.eq_ignore_ascii_case("host"));
        let passed: Vec<_> = passed
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let passed: Vec<_> = passed.iter().map(String::as_str).collect();
        let mut service = self.connect(back.then_some(None)).await;
        service.write(head("GET /", &passed).as_bytes()).await;
        assert_eq!(service.read_answer().await.body, b"app");
        [at_service, self.app.last_request().head]
    }
}

/// D-258: with `always_forward`, service and app see what the client has sent.
/// D-259: with `forward`, the service sees what a client with a certificate has sent, and the app nothing.
/// D-260: with `sanitize_set`, the service sees the certificate, and the app where the service comes back over TLS.
#[tokio::test]
async fn a_certificate_is_for_the_service_and_sometimes_for_the_app() {
    use ForwardedClientCert::{AlwaysForward, Forward, SanitizeSet};

    for mode in [AlwaysForward, Forward, SanitizeSet] {
        let scene = Scene::new(|setup| {
            setup.with(|settings| settings.headers.forwarded_client_cert = mode)
        })
        .await;
        let identity = scene.authority.client(&["client"]);
        let pem: String = identity
            .certificate
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        assert!(STANDARD.decode(&pem).is_ok());
        for tls in [None, Some(None), Some(Some(&identity))] {
            for sent in [None, Some("sent")] {
                for back in [false, true] {
                    let line = sent.map(|sent| format!("{XFCC}: {sent}"));
                    let lines: Vec<_> = line.iter().map(String::as_str).collect();
                    let seen = scene.pass(tls, &lines, back).await;
                    let shown = matches!(tls, Some(Some(_)));
                    let expected = match mode {
                        AlwaysForward => [sent, sent],
                        Forward => [sent.filter(|_| shown), None],
                        SanitizeSet => {
                            let cert = shown.then_some(pem.as_str());
                            [cert, cert.filter(|_| back)]
                        }
                    };
                    let seen = [&seen[0], &seen[1]].map(|head| head.header(XFCC));
                    assert_eq!(
                        seen,
                        expected,
                        "{mode:?}, TLS {}, back {back}",
                        tls.is_some()
                    );
                }
            }
        }
    }
}

/// D-280: service and app see the scheme of the first pass, whatever the service speaks.
#[tokio::test]
async fn the_scheme_is_that_of_the_client() {
    use ForwardedProto::{ForceHttps, Keep, Sanitize};

    for proto in [Keep, Sanitize, ForceHttps] {
        let scene =
            Scene::new(|setup| setup.with(|settings| settings.headers.forwarded_proto = proto))
                .await;
        for over_tls in [false, true] {
            for sent in [None, Some("http"), Some("https")] {
                for back in [false, true] {
                    let line = sent.map(|sent| format!("{XFP}: {sent}"));
                    let lines: Vec<_> = line.iter().map(String::as_str).collect();
                    let seen = scene.pass(over_tls.then_some(None), &lines, back).await;
                    let own = if over_tls { "https" } else { "http" };
                    let expected = match proto {
                        Keep => sent.unwrap_or(own),
                        Sanitize => own,
                        ForceHttps => "https",
                    };
                    for head in &seen {
                        assert_eq!(
                            head.header(XFP),
                            Some(expected),
                            "{proto:?} {sent:?} {back}"
                        );
                    }
                }
            }
        }
    }
}
