//! A request as an endpoint received it, and the reading of one.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The head of a request, parsed, and as it was received.
#[derive(Clone, Debug)]
pub struct Head {
    /// The bytes up to and with the empty line.
    pub bytes: Vec<u8>,
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// The fields in order, names as they were sent.
    pub headers: Vec<(String, String)>,
    /// Which of the endpoint's connections it came on, counted from 0.
    pub connection: usize,
}

/// A request that was read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its head.
    pub head: Head,
    /// Its body as received: with chunk sizes and trailers where it was chunked.
    pub body: Vec<u8>,
}

impl Head {
    /// The first value of this field, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|field| field.0.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All values of this field, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .filter(same)
            .map(|(_, value)| value.as_str())
    }

    fn parse(bytes: Vec<u8>, connection: usize) -> Option<Self> {
        let mut fields = [httparse::EMPTY_HEADER; 256];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(&bytes).ok()?;
        let method = parsed.method?.to_owned();
        let target = parsed.path?.to_owned();
        let text = |value| String::from_utf8_lossy(value).into_owned();
        let headers = parsed
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), text(field.value)))
            .collect();
        Some(Self {
            bytes,
            method,
            target,
            headers,
            connection,
        })
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn content_length(&self) -> usize {
        self.header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}

/// Reads requests one after the other, keeping what came too early.
pub(super) struct Reader<R> {
    from: R,
    buffer: Vec<u8>,
    connection: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(from: R, connection: usize) -> Self {
        Self {
            from,
            buffer: Vec::new(),
            connection,
        }
    }

    /// The next head; `None` when the peer closed or what it sent is no head.
    pub(super) async fn head(&mut self) -> Option<Head> {
        let end = self.until(0, b"\r\n\r\n").await?;
        Head::parse(self.take(end), self.connection)
    }

    /// The body that belongs to the head; `None` when the peer closed before its end.
    pub(super) async fn body(&mut self, head: &Head) -> Option<Vec<u8>> {
        if head.is_chunked() {
            return self.chunked().await;
        }
        let length = head.content_length();
        while self.buffer.len() < length {
            self.more().await?;
        }
        Some(self.take(length))
    }

    /// What was read but belongs to no request, and the rest of the stream.
    pub(super) fn into_rest(self) -> (Vec<u8>, R) {
        (self.buffer, self.from)
    }

    /// Waits until the peer closes, and reads nothing more than it takes to see that.
    pub(super) async fn closed(&mut self) {
        while self.more().await.is_some() {}
    }

    async fn chunked(&mut self) -> Option<Vec<u8>> {
        let mut at = 0;
        loop {
            let end = self.until(at, b"\r\n").await?;
            let line = std::str::from_utf8(&self.buffer[at..end]).ok()?;
            let size = line.split([';', '\r']).next()?.trim();
            let size = usize::from_str_radix(size, 16).ok()?;
            if size == 0 {
                // The trailers begin where the last chunk's line ends; without any, the empty line follows at once.
                let end = self.until(end - 2, b"\r\n\r\n").await?;
                return Some(self.take(end));
            }
            at = end + size + 2;
            while self.buffer.len() < at {
                self.more().await?;
            }
        }
    }

    /// Where `mark` ends, at or behind `from`.
    async fn until(&mut self, from: usize, mark: &[u8]) -> Option<usize> {
        loop {
            let rest = self.buffer.get(from..).unwrap_or_default();
            if let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
                return Some(from + at + mark.len());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        match self.from.read_buf(&mut self.buffer).await {
            Ok(1..) => Some(()),
            Ok(0) | Err(_) => None,
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count);
        std::mem::replace(&mut self.buffer, rest)
    }
}
