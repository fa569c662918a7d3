//! Who is let in at a data plane's own admin API, over TLS, with a token or a certificate; and the command line that asks it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use pointsman_tests::certs::{Files, Identity};
use pointsman_tests::fleet::{BOUND, More};
use pointsman_tests::{Authority, Broker, Client, Fleet, Process, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

const WRITER: &str = "0123456789abcdef0123456789abcdef";
const READER: &str = "Zm9vYmFyYmF6cXV4cXV1eA";

/// A data plane whose admin API speaks TLS, and what its callers need.
struct Guarded {
    fleet: Fleet,
    authority: Authority,
    folder: TempDir,
    ca: PathBuf,
}

impl Guarded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("operators");
        let identity = authority.server(&["localhost", "127.0.0.1"]);
        let server = identity.write(folder.path(), "server");
        let ca = authority.write(folder.path(), "ca");
        let (writer, reader) = (
            token(folder.path(), "writer", WRITER),
            token(folder.path(), "reader", READER),
        );
        // These go on where the section `admin` ends.
        let admin = format!(
            "  tokens:
    - {{name: deployer, file: {writer}, role: write}}
    - {{name: dashboard, file: {reader}}}
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
        let more = More {
            data_plane: &admin,
            ..More::default()
        };
        Self {
            fleet: Fleet::with(Broker::start().await, 1, more).await,
            authority,
            folder,
            ca,
        }
    }

    fn data_plane(&self) -> &Process {
        &self.fleet.data_planes[0]
    }

    async fn connect(&self, identity: Option<&Identity>) -> Client {
        let config = self.authority.client_config(identity);
        let address = self.data_plane().address("admin");
        let connected = Client::connect_tls(address, config, "localhost").await;
        connected.expect("a connection")
    }

    /// What the command line says, and its status.
    async fn command(&self, shown: &Files, arguments: &[&str]) -> (Option<i32>, String) {
        let address = self.data_plane().address("admin");
        let mut command = Command::new(Process::binary("pointsman"));
        command
            .args(arguments)
            .env(
                "POINTSMAN_SERVER",
                format!("https://localhost:{}", address.port()),
            )
            .env("POINTSMAN_CA", &self.ca)
            .env("POINTSMAN_CERTIFICATE", &shown.certificate)
            .env("POINTSMAN_KEY", &shown.key)
            .stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await;
        let output = ended.expect("the command").expect("the binary");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).expect("text"))
    }
}

fn token(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).expect("a file");
    file.display().to_string()
}

/// The status of what is asked.
async fn ask(client: &mut Client, method: Method, path: &str, token: Option<&str>) -> u16 {
    // What nobody reads of a body ends its connection.
    let order = match method {
        Method::POST => json!({ "kind": "disable-http2", "reason": "it is tried" }).to_string(),
        _ => String::new(),
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "router.example.com")
        .header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = Full::new(Bytes::from(order));
    let request = request.body(body).expect("a request");
    let answer = client.send(request).await.expect("an answer");
    answer.status.as_u16()
}

/// at a data plane too, a token or a certificate lets in with its role over TLS, and nobody else
/// only who may change something throws a switch of a data plane, by its own admin API
#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_certificates_let_in_with_their_roles() {
    let guarded = Guarded::start().await;
    let authority = &guarded.authority;
    let certificate = |name: &str| Some(authority.client(&[name]));
    let rows = [
        (None, None, 401, 401),
        (None, Some("x"), 401, 401),
        (None, Some(READER), 200, 403),
        (None, Some(WRITER), 200, 201),
        (certificate("eyes.example.com"), None, 200, 403),
        (certificate("other.example.com"), None, 401, 401),
        (certificate("ops.example.com"), None, 200, 201),
    ];
    for (identity, token, looked, changed) in rows {
        let mut client = guarded.connect(identity.as_ref()).await;
        for path in ["/health", "/metrics", "/livez"] {
            assert_ne!(ask(&mut client, Method::GET, path, None).await, 401);
        }
        for path in ["/status", "/ejected", "/v1/overrides", "/v1/log"] {
            let status = ask(&mut client, Method::GET, path, token).await;
            assert_eq!(status, looked, "{path} {identity:?} {token:?}");
        }
        let status = ask(&mut client, Method::POST, "/v1/overrides", token).await;
        assert_eq!(status, changed, "{identity:?} {token:?}");
    }
    eventually("lines of what was done and refused", BOUND, async || {
        let log = guarded.data_plane().log();
        let told = [
            "token deployer",
            "write-denied",
            "token dashboard",
            "certificate eyes.example.com",
            "wrong-credentials",
        ];
        let missing = told.iter().find(|told| !log.contains(**told));
        missing.map_or(Ok(()), |told| Err(format!("{told}: {log}")))
    })
    .await;
    // A new token counts without a restart, and the old one does not any more.
    let new = WRITER.replace('0', "e");
    token(guarded.folder.path(), "writer", &new);
    eventually("the new token", BOUND, async || {
        let mut client = guarded.connect(None).await;
        match ask(&mut client, Method::GET, "/status", Some(&new)).await {
            200 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
    let mut client = guarded.connect(None).await;
    let old = ask(&mut client, Method::GET, "/status", Some(WRITER)).await;
    assert_eq!(old, 401);
    let log = guarded.data_plane().log();
    assert!(
        ![WRITER, READER, &new]
            .iter()
            .any(|secret| log.contains(secret))
    );
}

/// the operator's command line throws the switches of a data plane, lists them, and takes them back
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_throws_the_switches_of_a_data_plane() {
    let guarded = Guarded::start().await;
    let write = |name: &str| {
        let identity = guarded.authority.client(&[&format!("{name}.example.com")]);
        identity.write(guarded.folder.path(), name)
    };
    let (operator, reader) = (write("ops"), write("eyes"));
    let because = ["--reason", "it is tried", "--for", "10m"];
    for (words, target) in [
        (&["disable-http2"][..], ""),
        (
            &["disable-route-service", "rs.example.com"],
            "rs.example.com",
        ),
        (&["raise-limit", "requests-in-flight", "40000"], "40000"),
        (&["freeze-table"], ""),
    ] {
        let words = [&["overrides"], words, &because].concat();
        let (status, told) = guarded.command(&reader, &words).await;
        assert_eq!(status, Some(3), "a reader is not let in: {told}");
        let (status, told) = guarded.command(&operator, &words).await;
        assert_eq!(status, Some(0), "{told}");
        assert!(told.contains(words[1]) && told.contains(target), "{told}");
    }
    let again = [
        &["overrides", "last-known-good", "--generation", "1"],
        &because[..],
    ];
    let (status, told) = guarded.command(&operator, &again.concat()).await;
    assert_eq!(status, Some(2), "the table is frozen already: {told}");
    let (status, listed) = guarded.command(&reader, &["overrides", "-o", "json"]).await;
    assert_eq!(status, Some(0), "{listed}");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let standing = listed["overrides"].as_array().expect("a list");
    assert_eq!(standing.len(), 4, "{listed}");
    for one in standing {
        assert_eq!(one["who"], "certificate ops.example.com");
        let id = one["id"].as_str().expect("an id");
        let (status, told) = guarded.command(&operator, &["overrides", "end", id]).await;
        assert_eq!(status, Some(0), "{told}");
    }
    let (_, listed) = guarded.command(&reader, &["overrides", "-o", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed["overrides"], json!([]));
}
