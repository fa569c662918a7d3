//! A running nginx.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pointsman_tests::eventually;
use tempfile::TempDir;

use crate::core::pinned;

/// An nginx of one worker, in a folder of its own; it ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    master: Child,
    worker: u32,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx on these cores. `http` is what stands in its `http` block; `LISTEN` and `FOLDER` in it stand for the
    /// address and the folder.
    pub(crate) async fn start(cores: &str, http: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for nginx");
        let address = free_address();
        let path = folder.path();
        let http = http
            .replace("LISTEN", &address.to_string())
            .replace("FOLDER", &path.to_string_lossy());
        let file = path.join("nginx.conf");
        std::fs::write(&file, configuration(path, &http)).expect("nginx.conf");
        let master = pinned(cores, &program())
            .arg("-p")
            .arg(path)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx");
        eventually("nginx to listen", Duration::from_secs(10), async || {
            TcpStream::connect(address)
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .await;
        let worker = only_child(master.id());
        Self {
            master,
            worker,
            address,
            _folder: folder,
        }
    }

    /// The process that does the work.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The worker first: it would outlive a master that was killed.
        let _ended = Command::new("sh")
            .args(["-c", &format!("kill -9 {}", self.worker)])
            .status();
        let _ended = self.master.kill();
        let _ended = self.master.wait();
    }
}

fn configuration(folder: &Path, http: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{http}
}}
"
    )
}

/// A port that was free a moment ago. nginx cannot be asked for one of its own choice.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("the bound address")
}

fn program() -> String {
    let in_sbin = "/usr/sbin/nginx";
    if Path::new(in_sbin).is_file() {
        in_sbin
    } else {
        "nginx"
    }
    .to_owned()
}

fn only_child(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let child = children
        .split_whitespace()
        .next()
        .and_then(|child| child.parse().ok());
    child.unwrap_or_else(|| panic!("nginx {parent} has no worker"))
}
