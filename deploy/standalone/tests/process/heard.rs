//! What is said on a broker, heard by the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::broker::Broker;

/// Longer than anything here takes on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// A subscription on a connection of its own.
pub(crate) struct Heard {
    stream: BufReader<TcpStream>,
}

impl Heard {
    /// Listens to a subject; the broker knows it when this returns.
    pub(crate) fn on(broker: &Broker, subject: &str) -> Self {
        let stream = broker.connect().expect("the broker runs");
        let bounded = stream.get_ref().set_read_timeout(Some(BOUND));
        bounded.expect("a bound can be set");
        let mut heard = Self { stream };
        heard.say(&format!(
            "CONNECT {{\"verbose\":false}}\r\nSUB {subject} 1\r\n"
        ));
        assert!(heard.nothing_more());
        heard
    }

    /// The payload of the next message.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        loop {
            let line = self.line();
            if let Some(payload) = self.payload(&line) {
                return payload;
            }
        }
    }

    /// The same as JSON.
    pub(crate) fn next_json(&mut self) -> serde_json::Value {
        serde_json::from_slice(&self.next()).expect("JSON")
    }

    /// Whether nothing was said up to now that was not heard yet.
    pub(crate) fn nothing_more(&mut self) -> bool {
        self.say("PING\r\n");
        loop {
            let line = self.line();
            match line.trim_end() {
                "PONG" => return true,
                "PING" => self.say("PONG\r\n"),
                _ if line.starts_with("MSG ") => return false,
                _ => {}
            }
        }
    }

    fn payload(&mut self, line: &str) -> Option<Vec<u8>> {
        if line == "PING\r\n" {
            self.say("PONG\r\n");
        }
        let message = line.strip_prefix("MSG ")?;
        let length = message.split_ascii_whitespace().last()?.parse().ok()?;
        let mut payload: Vec<u8> = vec![0; length];
        self.stream.read_exact(&mut payload).expect("the payload");
        self.stream.read_exact(&mut [0; 2]).expect("its end");
        Some(payload)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        assert!(read.expect("something is said in time") > 0, "it hung up");
        line
    }

    /// Says something in the broker's own words.
    pub(crate) fn say(&mut self, text: &str) {
        let said = self.stream.get_mut().write_all(text.as_bytes());
        said.expect("the broker listens");
    }
}
