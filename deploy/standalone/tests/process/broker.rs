//! A nats-server of the test's own, and messages to it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `$NATS_SERVER`, which `tests/run` sets, else the one of `$PATH`.
fn program() -> OsString {
    std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into())
}

fn launch(port: u16, arguments: &[&str]) -> Child {
    Command::new(program())
        .args(["-a", "127.0.0.1", "-p", &port.to_string()])
        .args(arguments)
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server, named by $NATS_SERVER or in $PATH; tests/run fetches it")
}

/// A broker on a free port; it ends with the value.
pub(crate) struct Broker {
    process: Child,
    port: u16,
}

impl Broker {
    /// Starts it, and waits until it takes connections.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        // The port is free until somebody takes it in between, which then shows as a failed start.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = launch(port, arguments);
        let broker = Self { process, port };
        broker.wait();
        broker
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it was killed");
    }

    /// Starts one without further arguments where the killed one was.
    pub(crate) fn restart(&mut self) {
        self.process = launch(self.port, &[]);
        self.wait();
    }

    fn wait(&self) {
        #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
        let begun = Instant::now();
        while self.connect().is_none() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "nats-server does not start"
            );
            std::thread::yield_now();
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The keys of a file that lead to it.
    pub(crate) fn nats(&self) -> String {
        format!(
            "nats: {{hosts: [{{hostname: 127.0.0.1, port: {}}}]}}\n",
            self.port
        )
    }

    /// A connection to it that has heard its greeting.
    pub(crate) fn connect(&self) -> Option<BufReader<TcpStream>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        let mut stream = BufReader::new(stream);
        let mut info = String::new();
        stream.read_line(&mut info).ok()?;
        info.starts_with("INFO ").then_some(stream)
    }

    /// Registers an endpoint on 127.0.0.1, and waits until the broker has taken the message.
    pub(crate) fn register(&self, uri: &str, port: u16) {
        self.register_as(uri, &format!(r#""port":{port}"#));
    }

    /// The same, with its port among these keys.
    pub(crate) fn register_as(&self, uri: &str, keys: &str) {
        let message = format!(
            r#"{{"host":"127.0.0.1","uris":["{uri}"],"app":"app-1","private_instance_id":"i-1",{keys}}}"#
        );
        let mut stream = self.connect().expect("the broker runs");
        let publish = format!(
            "CONNECT {{\"verbose\":false}}\r\nPUB router.register {}\r\n{message}\r\nPING\r\n",
            message.len()
        );
        stream
            .get_mut()
            .write_all(publish.as_bytes())
            .expect("it takes messages");
        let mut answer = String::new();
        stream.read_line(&mut answer).expect("it answers");
        assert_eq!(answer, "PONG\r\n");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
