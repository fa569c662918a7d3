//! The command line of an operator at a data plane's own admin API, over TLS and by a certificate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pointsman_tests::certs::Files;
use pointsman_tests::fleet::More;
use pointsman_tests::{Authority, Broker, Fleet, Process};
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
