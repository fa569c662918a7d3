//! The binary under test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

const BINARY: &str = env!("CARGO_BIN_EXE_pointsman");

/// A running router; it is killed with the value.
pub(crate) struct Router {
    process: Child,
    lines: Receiver<Value>,
    log: Vec<Value>,
    health: u16,
    routes: u16,
    _folder: TempDir,
}

/// Runs the binary to its end: the status, and all that it wrote to its output.
pub(crate) fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text)
}

/// The same with the first line of its log (null without one).
pub(crate) fn ended(arguments: &[&str]) -> (Option<i32>, Value) {
    let (status, text) = said(arguments);
    let line = text
        .lines()
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    (status, line.unwrap_or_default())
}

/// The answer to one request, head and body; empty when there is none.
pub(crate) fn get(port: u16, path: &str, host: &str) -> String {
    ask(port, path, &format!("Host: {host}"))
}

/// The same with these fields.
pub(crate) fn ask(port: u16, path: &str, fields: &str) -> String {
    let mut answer = String::new();
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return answer;
    };
    let request = format!("GET {path} HTTP/1.1\r\n{fields}\r\nConnection: close\r\n\r\n");
    if stream.set_read_timeout(Some(BOUND)).is_ok() && stream.write_all(request.as_bytes()).is_ok()
    {
        // What came before the connection broke is the answer.
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

/// Whether somebody takes connections there.
pub(crate) fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// Asks again until it is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < BOUND, "{what}: not in time");
        thread::yield_now();
    }
}

impl Router {
    /// Starts it with free ports and these keys.
    pub(crate) fn start(keys: &str) -> Self {
        Self::start_on(0, keys)
    }

    /// The same with a traffic port that is known before it is open.
    pub(crate) fn start_on(traffic: u16, keys: &str) -> Self {
        Self::launch(traffic, ("", keys), None)
    }

    /// Starts it with this route file beside.
    pub(crate) fn start_with_routes(keys: &str, routes: &str) -> Self {
        Self::launch(0, ("", keys), Some(routes))
    }

    /// Starts it with these keys in the section `status` beside its ports, each after a comma.
    pub(crate) fn start_with_status(status: &str, keys: &str) -> Self {
        Self::launch(0, (status, keys), None)
    }

    fn launch(traffic: u16, (status, keys): (&str, &str), declared: Option<&str>) -> Self {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let (health, routes) = (free(), free());
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let ports = (port(&health), port(&routes));
        let file = format!(
            "port: {traffic}\nstatus: {{port: {}, routes: {{port: {}}}{status}}}\n{keys}",
            ports.0, ports.1
        );
        drop((health, routes));
        Self::run(&file, ports, declared)
    }

    /// Starts it with this file, as it is.
    pub(crate) fn start_file(file: &str) -> Self {
        Self::run(file, (0, 0), None)
    }

    fn run(file: &str, (health, routes): (u16, u16), declared: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gorouter.yml");
        std::fs::write(&path, file).expect("it can be written");
        let mut command = Command::new(BINARY);
        command.arg("-c").arg(&path);
        if let Some(declared) = declared {
            let file = folder.path().join("routes.yml");
            std::fs::write(&file, declared).expect("it can be written");
            command.arg("--routes").arg(&file);
        }
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            let mut lines = lines.filter_map(|line| serde_json::from_str(&line).ok());
            lines.try_for_each(|line| tell.send(line))
        });
        Self {
            process,
            lines,
            log: Vec::new(),
            health,
            routes,
            _folder: folder,
        }
    }

    /// Where health is; it answers from here on.
    pub(crate) fn health_port(&mut self) -> u16 {
        self.wait_for("setting-up-nats-connection");
        self.health
    }

    /// What `/routes` tells the user without name and password, which is the default.
    pub(crate) fn routes(&self) -> String {
        ask(
            self.routes,
            "/routes",
            "Host: x\r\nAuthorization: Basic Og==",
        )
    }

    /// Where `/routes` is.
    pub(crate) fn routes_port(&self) -> u16 {
        self.routes
    }

    /// Where requests are taken.
    pub(crate) fn traffic_port(&mut self) -> u16 {
        self.port_of("tcp-listener-started")
    }

    /// Where requests are taken over TLS.
    pub(crate) fn tls_port(&mut self) -> u16 {
        self.port_of("tls-listener-started")
    }

    fn port_of(&mut self, message: &str) -> u16 {
        let line = self.wait_for(message);
        let port = line["data"]["address"]["Port"].as_u64();
        port.and_then(|port| u16::try_from(port).ok())
            .expect("the port is told")
    }

    /// The line with this message, which has come or comes in time.
    pub(crate) fn wait_for(&mut self, message: &str) -> Value {
        while !self.log.iter().any(|line| line["message"] == message) {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => self.log.push(line),
                Err(error) => panic!("{message} is not told: {error}; told: {:#?}", self.log),
            }
        }
        self.find(message)
    }

    /// The line with this message among those that have come.
    pub(crate) fn find(&self, message: &str) -> Value {
        let found = self.log.iter().find(|line| line["message"] == message);
        found.cloned().unwrap_or_default()
    }

    /// The lines that have come.
    pub(crate) fn log(&self) -> &[Value] {
        &self.log
    }

    /// Waits until health is good.
    pub(crate) fn wait_until_healthy(&mut self) {
        self.wait_for("gorouter.started");
        until("it is healthy", || {
            get(self.health, "/health", "x").ends_with("\r\n\r\nok\n")
        });
    }

    /// Sends it a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .expect("kill exists");
        assert!(sent.success());
    }

    /// The status and the whole log, once it has ended by itself.
    pub(crate) fn until_it_ends(mut self) -> (Option<i32>, Vec<Value>) {
        loop {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => self.log.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("it does not end: {error}; told: {:#?}", self.log),
            }
        }
        let status = self.process.wait().expect("it has ended").code();
        (status, std::mem::take(&mut self.log))
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
