//! Who is let in, over TLS and without, and what nobody may do.

use std::path::Path;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use pointsman_tests::certs::{Authority, Identity};
use pointsman_tests::client::Response;
use pointsman_tests::{Client, eventually};
use serde_json::{Value, json};

use crate::plane::{BOUND, Plane};

const WRITER: &str = "0123456789abcdef0123456789abcdef";
const READER: &str = "Zm9vYmFyYmF6cXV4cXV1eA";

/// What is asked, and with which token.
async fn ask(client: &mut Client, method: Method, path: &str, token: Option<&str>) -> Response {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "router.example.com")
        .header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = Full::new(Bytes::from(json!({"level": "debug"}).to_string()));
    let request = request.body(body).expect("a request");
    client.send(request).await.expect("an answer")
}

async fn plain(plane: &Plane) -> Client {
    Client::connect(plane.process.address("admin")).await
}

fn tokens(folder: &Path) -> String {
    let write = |name: &str, token: &str| {
        let file = folder.join(name);
        std::fs::write(&file, format!("{token}\n")).expect("a file");
        file.display().to_string()
    };
    let (writer, reader) = (write("writer", WRITER), write("reader", READER));
    format!(
        "admin:
  tokens:
    - {{name: deployer, file: {writer}, role: write}}
    - {{name: dashboard, file: {reader}}}
"
    )
}

/// a bearer token lets in with its role; who may only look changes nothing; each attempt leaves a line with the name
/// and no line holds the token
#[tokio::test]
async fn tokens_let_in_with_their_roles() {
    let folder = tempfile::tempdir().expect("a folder");
    let admin = tokens(folder.path());
    let plane = Plane::start_changed(|it| it.replace("admin:\n", &admin)).await;
    let mut client = plain(&plane).await;
    for (method, token, status) in [
        (Method::GET, None, 401),
        (Method::GET, Some("x"), 401),
        (Method::GET, Some(READER), 200),
        (Method::GET, Some(WRITER), 200),
        (Method::PUT, None, 401),
        (Method::PUT, Some(READER), 403),
        (Method::PUT, Some(WRITER), 200),
    ] {
        let answer = ask(&mut client, method.clone(), "/v1/log", token).await;
        assert_eq!(
            answer.status,
            status,
            "{method} {token:?}: {}",
            answer.text()
        );
        if status != 200 {
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json")
            );
        }
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    plane.until_logged("log-level-changed").await;
    let changed = &plane.logged("log-level-changed")[0]["data"];
    assert_eq!(changed["user"], "token deployer");
    let denied = &plane.logged("write-denied")[0]["data"];
    assert_eq!(
        (&denied["user"], &denied["before"]["path"]),
        (&json!("token dashboard"), &json!("/v1/log"))
    );
    assert_eq!(plane.logged("wrong-credentials").len(), 1);
    // A new token counts without a restart, and the old one does not any more.
    let new = WRITER.replace('0', "e");
    std::fs::write(folder.path().join("writer"), &new).expect("a file");
    eventually("the new token", BOUND, async || {
        let answer = ask(&mut plain(&plane).await, Method::GET, "/v1/log", Some(&new)).await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.status.to_string())
        }
    })
    .await;
    let old = ask(&mut client, Method::GET, "/v1/log", Some(WRITER)).await;
    assert_eq!(old.status, 401);
    for secret in [WRITER, READER, new.as_str()] {
        assert!(!plane.process.log().contains(secret));
    }
}

/// who guesses is slowed down
#[tokio::test]
async fn guesses_are_slowed_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let admin = tokens(folder.path());
    let plane = Plane::start_changed(|it| it.replace("admin:\n", &admin)).await;
    let mut client = plain(&plane).await;
    let mut refused = None;
    for _ in 0..100 {
        let answer = ask(&mut client, Method::GET, "/v1/log", Some("guess")).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 401);
    }
    let refused = refused.expect("a refusal");
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Health is for everybody, and after a rest the right token counts.
    assert_eq!(
        ask(&mut client, Method::GET, "/livez", None).await.status,
        200
    );
    eventually("an answer", BOUND, async || {
        let answer = ask(
            &mut plain(&plane).await,
            Method::GET,
            "/v1/log",
            Some(READER),
        )
        .await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.status.to_string())
        }
    })
    .await;
}

/// over TLS a certificate lets in with the role of its name, and no other one does
#[tokio::test]
async fn certificates_let_in_with_their_roles() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("admin");
    let server = authority
        .server(&["localhost"])
        .write(folder.path(), "server");
    let ca = authority.write(folder.path(), "ca");
    let admin = format!(
        "admin:
  tls:
    certificate: {}
    key: {}
    client_ca: {}
    clients:
      - {{san: ops.example.com, role: write}}
      - {{san: eyes.example.com, role: read}}
",
        server.certificate.display(),
        server.key.display(),
        ca.display()
    );
    let plane = Plane::start_changed(|it| it.replace("admin:\n", &admin)).await;
    let address = plane.process.address("admin");
    let connect = async |identity: Option<&Identity>| {
        let config = authority.client_config(identity);
        Client::connect_tls(address, config, "localhost").await
    };
    let client = |name: &str| authority.client(&[name]);
    for (identity, look, change) in [
        (Some(client("ops.example.com")), 200, 200),
        (Some(client("eyes.example.com")), 200, 403),
        (Some(client("other.example.com")), 401, 401),
        (None, 401, 401),
    ] {
        let mut client = connect(identity.as_ref()).await.expect("a connection");
        assert_eq!(
            ask(&mut client, Method::GET, "/livez", None).await.status,
            200
        );
        let looked = ask(&mut client, Method::GET, "/v1/log", None).await;
        let changed = ask(&mut client, Method::PUT, "/v1/log", None).await;
        let statuses = (looked.status.as_u16(), changed.status.as_u16());
        assert_eq!(statuses, (look, change), "{identity:?}");
    }
    plane.until_logged("log-level-changed").await;
    let changed = &plane.logged("log-level-changed")[0]["data"];
    assert_eq!(changed["user"], "certificate ops.example.com");
    let stranger = Authority::new("stranger").client(&["ops.example.com"]);
    let strange = match connect(Some(&stranger)).await {
        Err(_) => true,
        // In TLS 1.3 the client has finished before the server has looked.
        Ok(mut client) => {
            let request = Request::get("/v1/log").header(HOST, "localhost");
            let request = request.body(Full::default()).expect("a request");
            client.send(request).await.is_err()
        }
    };
    assert!(strange, "another authority's word does not count");
}

/// no path changes anything for a GET
/// there are no paths that show the inside of the process, on this listener or the other
#[tokio::test]
async fn nothing_is_changed_by_looking_and_nothing_inside_is_shown() {
    let plane = Plane::start().await;
    let document: Value =
        serde_json::from_slice(&plane.get("/v1/openapi.json").await.body).expect("JSON");
    let before = plane.get("/v1/log").await;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let methods = methods.as_object().expect("methods");
        if methods.contains_key("get") {
            continue;
        }
        let answer = plane.get(&path.replace("{id}", "x")).await;
        assert_eq!(answer.status, 405, "{path}");
    }
    for path in [
        "/debug/pprof",
        "/debug/pprof/heap",
        "/debug/pprof/profile",
        "/debug/vars",
        "/debug",
        "/config_dump",
        "/quitquitquit",
    ] {
        let mut client = plain(&plane).await;
        let request = Request::get(path).header(HOST, "localhost");
        let request = request.body(Full::default()).expect("a request");
        let answer = client.send(request).await.expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
    }
    assert_eq!(plane.get("/v1/log").await.body, before.body);
}

/// a control plane without its broker lives and stays ready, and says what its table is worth
#[tokio::test]
async fn a_control_plane_without_its_broker_stays_ready() {
    let mut plane = Plane::start().await;
    eventually("readiness", BOUND, async || {
        let answer = plane.get("/readyz").await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text().to_owned())
        }
    })
    .await;
    plane.broker.kill();
    eventually("the loss", BOUND, async || {
        let fleet: Value =
            serde_json::from_slice(&plane.get("/v1/replicas").await.body).expect("JSON");
        let reason = fleet["standing"]["reason"].as_str().unwrap_or_default();
        if reason.contains("is away") {
            Ok(())
        } else {
            Err(fleet.to_string())
        }
    })
    .await;
    for path in ["/readyz", "/livez", "/health"] {
        assert_eq!(plane.get(path).await.status, 200, "{path}");
    }
}
