//! Reading requests off a connection, as cheaply as it can be done.

use tokio::io::{AsyncRead, AsyncReadExt};

/// What is wanted of a request's head.
pub(crate) struct Head {
    pub(crate) method: String,
    /// The target without its slash.
    pub(crate) id: String,
    pub(crate) host: String,
    length: Length,
}

enum Length {
    Exactly(usize),
    Chunked,
}

/// A connection with what was read ahead of it.
pub(crate) struct Reader<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(8 * 1024),
        }
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next head; `None` when the peer has gone, or sent what is no request.
    pub(crate) async fn head(&mut self) -> Option<Head> {
        let end = self.find(b"\r\n\r\n").await?;
        let head = parse(self.buffer.get(..end)?)?;
        self.buffer.drain(..end);
        Some(head)
    }

    /// Reads the body and forgets it; `None` when the peer went before its end.
    pub(crate) async fn body(&mut self, head: &Head) -> Option<()> {
        match head.length {
            Length::Exactly(length) => self.skip(length).await,
            Length::Chunked => loop {
                let end = self.find(b"\r\n").await?;
                let line = std::str::from_utf8(self.buffer.get(..end)?).ok()?;
                let size = line.split([';', '\r']).next()?;
                let size = usize::from_str_radix(size, 16).ok()?;
                self.buffer.drain(..end);
                // The chunk and the end of its line; after the last one, the empty line of no trailers.
                self.skip(size + 2).await?;
                if size == 0 {
                    return Some(());
                }
            },
        }
    }

    async fn skip(&mut self, count: usize) -> Option<()> {
        while self.buffer.len() < count {
            self.more().await?;
        }
        self.buffer.drain(..count);
        Some(())
    }

    /// Where the first `mark` ends.
    async fn find(&mut self, mark: &[u8]) -> Option<usize> {
        let mut looked = 0;
        loop {
            let rest = self.buffer.get(looked..)?;
            if let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
                return Some(looked + at + mark.len());
            }
            looked = self.buffer.len().saturating_sub(mark.len() - 1);
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(1..) => Some(()),
            Ok(0) | Err(_) => None,
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Head> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(bytes).ok()?;
    let value = |name: &str| {
        let mut same = parsed
            .headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        std::str::from_utf8(same.next()?.value).ok()
    };
    let length = match (value("transfer-encoding"), value("content-length")) {
        (Some(_), _) => Length::Chunked,
        (None, Some(length)) => Length::Exactly(length.parse().ok()?),
        (None, None) => Length::Exactly(0),
    };
    Some(Head {
        method: parsed.method?.to_owned(),
        id: parsed.path?.trim_start_matches('/').to_owned(),
        host: value("host")?.to_owned(),
        length,
    })
}
