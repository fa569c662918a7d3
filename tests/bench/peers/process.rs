//! A running peer.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use pointsman_tests::eventually;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::machine::pinned;

/// How long a peer may take until it listens.
const START: Duration = Duration::from_secs(20);

/// A proxy in a folder of its own; it ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    /// The process that does the work.
    worker: u32,
    address: SocketAddr,
    _folder: TempDir,
}

/// How a peer is started.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) program: &'a str,
    /// Arguments before the path of the configuration.
    pub(crate) arguments: &'a [&'a str],
    /// The configuration; `@LISTEN@`, `@ADDRESS@`, `@PORT@` and `@FOLDER@` in it stand for what is bound, its
    /// parts and the folder.
    pub(crate) configuration: String,
    /// More files of the folder, by name.
    pub(crate) files: Vec<(&'static str, String)>,
    /// Whether the work is done by a child of the process that is started.
    pub(crate) has_worker: bool,
}

impl Peer {
    /// Starts a peer on these cores, and waits until it listens; or says why it does not.
    pub(crate) async fn start(cores: &str, start: Start<'_>) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (path, address) = (folder.path(), free_address());
        for (name, content) in &start.files {
            std::fs::write(path.join(name), content).map_err(|error| error.to_string())?;
        }
        let written = start
            .configuration
            .replace("@LISTEN@", &address.to_string())
            .replace("@ADDRESS@", &address.ip().to_string())
            .replace("@PORT@", &address.port().to_string())
            .replace("@FOLDER@", &path.to_string_lossy());
        let file = path.join("configuration.yaml");
        std::fs::write(&file, written).map_err(|error| error.to_string())?;
        let log = File::create(path.join("log")).map_err(|error| error.to_string())?;
        let mut command = pinned(cores, start.program);
        command.args(start.arguments).arg(&file);
        let output = log.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(output).stderr(log);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", start.program))?;
        let worker = worker_of(&mut child, (address, start.has_worker), path).await?;
        Ok(Self {
            child,
            worker,
            address,
            _folder: folder,
        })
    }

    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The worker first: it would outlive a master that was killed.
        let worker = i32::try_from(self.worker).ok().and_then(Pid::from_raw);
        if let Some(worker) = worker {
            let _ended = kill_process(worker, Signal::KILL);
        }
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Waits until the peer listens and works. It may end at once, over its configuration: then its log says why.
async fn worker_of(
    child: &mut Child,
    (address, has_worker): (SocketAddr, bool),
    folder: &Path,
) -> Result<u32, String> {
    let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let started = eventually("a peer to listen", START, async || {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok(Err(format!("ended with {status}: {}", log())));
        }
        TcpStream::connect(address).map_err(|_| log())?;
        let worker = if has_worker {
            only_child(child.id())
        } else {
            Some(child.id())
        };
        worker.map(Ok).ok_or("no worker yet".to_owned())
    });
    started.await
}

/// A port that was free a moment ago. Peers cannot be asked for one of their own choice.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("the bound address")
}

fn only_child(parent: u32) -> Option<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = std::fs::read_to_string(path).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
