//! One request on the wire, and its answer.

use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Lost, Outcome};
use crate::Moment;

/// A body that fits into one segment, and one that does not.
const SMALL: usize = 300;
const LARGE: usize = 8 * 1024;

/// What is to be sent.
pub(super) struct Request {
    id: u64,
    post: bool,
    /// The host, and below which path it is asked for.
    pub(super) host: Arc<str>,
}

/// An answer that was read to its end.
pub(super) struct Answered {
    /// Whether the connection may carry another request.
    pub(super) keeps: bool,
    /// The port of the instance, or what else it said.
    pub(super) answer: Result<u16, Lost>,
}

impl Request {
    /// Every third is a POST, by turns without a body, with a length, and chunked.
    pub(super) fn new(id: u64, host: Arc<str>) -> Self {
        Self {
            id,
            post: id.is_multiple_of(3),
            host,
        }
    }

    pub(super) fn outcome(
        &self,
        router: usize,
        sent: Moment,
        answer: Result<u16, Lost>,
    ) -> Outcome {
        Outcome {
            id: self.id,
            post: self.post,
            host: Arc::clone(&self.host),
            router,
            reused: false,
            sent,
            ended: Moment::now(),
            answer,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { id, post, host } = self;
        let method = if *post { "POST" } else { "GET" };
        let (host, below) = host.split_at(host.find('/').unwrap_or(host.len()));
        let head = format!("{method} {below}/{id} HTTP/1.1\r\nHost: {host}\r\n");
        let mut bytes = head.into_bytes();
        match id % 9 {
            0 => bytes.extend_from_slice(b"Content-Length: 0\r\n\r\n"),
            3 => {
                bytes.extend_from_slice(format!("Content-Length: {SMALL}\r\n\r\n").as_bytes());
                bytes.resize(bytes.len() + SMALL, b's');
            }
            6 => {
                let chunk = format!("Transfer-Encoding: chunked\r\n\r\n{LARGE:x}\r\n");
                bytes.extend_from_slice(chunk.as_bytes());
                bytes.resize(bytes.len() + LARGE, b'l');
                bytes.extend_from_slice(b"\r\n0\r\n\r\n");
            }
            _ => bytes.extend_from_slice(b"\r\n"),
        }
        bytes
    }
}

/// Whether nothing says that the peer has closed. The system is asked, and not the runtime, which may not have heard yet.
pub(super) fn is_open(connection: &TcpStream) -> bool {
    let read = SockRef::from(connection).peek(&mut [MaybeUninit::uninit()]);
    matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Sends a request, once, and reads its answer.
pub(super) async fn exchange(
    connection: &mut TcpStream,
    request: &Request,
) -> Result<Answered, Lost> {
    let written = connection.write_all(&request.bytes()).await;
    // Whoever does not take the request may have answered it already.
    let mut buffer = Vec::with_capacity(1024);
    loop {
        if let Some(answered) = parse(&buffer, request)? {
            return Ok(answered);
        }
        let read = connection.read_buf(&mut buffer).await;
        match (read, &written) {
            (Ok(1..), _) => {}
            (_, Err(error)) => return Err(Lost::Broken(format!("while sending: {error}"))),
            (Ok(0), Ok(())) if buffer.is_empty() => {
                return Err(Lost::Broken("closed instead of an answer".to_owned()));
            }
            (Ok(0), Ok(())) => {
                return Err(Lost::Broken("closed within the answer".to_owned()));
            }
            (Err(error), Ok(())) => return Err(Lost::Broken(error.to_string())),
        }
    }
}

/// An answer with a length, as every one of an instance and of the router itself is; `None` where there is more to come.
fn parse(bytes: &[u8], request: &Request) -> Result<Option<Answered>, Lost> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Response::new(&mut fields);
    let no_answer = |what: String| Lost::Broken(format!("no answer: {what}"));
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(no_answer(error.to_string())),
    };
    let value = |name: &str| {
        let mut same = parsed
            .headers
            .iter()
            .filter(|field| field.name.eq_ignore_ascii_case(name));
        same.next()
            .map(|field| String::from_utf8_lossy(field.value).into_owned())
    };
    let length = value("content-length").ok_or_else(|| no_answer("it has no length".to_owned()))?;
    let length: usize = length
        .parse()
        .map_err(|_| no_answer(format!("its length is {length:?}")))?;
    let Some(body) = bytes.get(head..head + length) else {
        return Ok(None);
    };
    let body = String::from_utf8_lossy(body).trim_end().to_owned();
    let status = parsed.code.unwrap_or_default();
    let keeps = value("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    let answer = if status == 200 {
        let ours = body.strip_prefix(&format!("{} ", request.id));
        ours.and_then(|port| port.parse().ok())
            .ok_or(Lost::NotOurs(body.clone()))
    } else {
        let error = value("x-cf-routererror").unwrap_or_default();
        Err(Lost::Refused(status, format!("{error}: {body}")))
    };
    Ok(Some(Answered { keeps, answer }))
}
