//! What a scripted endpoint does with a request.

use std::time::Duration;

/// One answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Reads the whole request, then sends a well-formed response.
    Reply(Reply),
    /// Reads the whole request, then answers 200 with the request itself, head and body, as received.
    Echo,
    /// Sends a response at the end of the head, and reads no body.
    Early(Reply),
    /// Reads the whole request, then sends exactly these bytes and keeps the connection.
    Raw(Vec<u8>),
    /// Reads the whole request, then sends exactly these bytes and closes.
    RawThenClose(Vec<u8>),
    /// Reads the whole request and closes without a byte.
    Close,
    /// Closes at the end of the head, with a reset: what was sent behind it stays unread.
    Reset,
    /// Reads nothing beyond the head and says nothing, for as long as the peer stays.
    Silence,
    /// Reads the whole request, then sends a 200 with this many bytes of body, as fast as they are taken.
    Large(u64),
    /// Answers 101 with the protocol that the request names, then sends back whatever arrives.
    Upgrade,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// A well-formed response with a `Content-Length`.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    delay: Duration,
}

impl Reply {
    /// A response without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            delay: Duration::ZERO,
        }
    }

    /// A 200 with this body.
    #[must_use]
    pub fn text(body: &str) -> Self {
        Self::status(200).with_body(body)
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same, this long after the request was read.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How long to wait before it is sent.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    /// The bytes on the wire; the answer to a HEAD request keeps its length and loses its body.
    pub(super) fn to_bytes(&self, head_only: bool) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} scripted\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        // RFC 9110 section 8.6: neither 1xx nor 204 has a Content-Length; 304 has no body to name the length of.
        if self.status >= 200 && self.status != 204 && self.status != 304 {
            bytes.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
