//! One message, two parsers: ours and hyper's.
//!
//! Whatever ours accepts, hyper must accept too, with the same method, target, fields and body, and
//! must see end at the same byte: then no second reader finds another request in the same bytes.
//! The other way round nothing is asked: ours is the stricter one.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{ReadBufCursor, Write};
use hyper::service::service_fn;
use hyper::{Request, Response};
use pointsman_http1::{
    BodyLimits, Decoder, Known, RequestHead, RequestLimits, RequestParser, Step, TargetForm,
};

/// Compares every message that ours finds in `bytes`; says how many there were.
///
/// # Errors
/// What differs.
pub(crate) fn compare(bytes: &[u8]) -> Result<usize, String> {
    let mut rest = bytes;
    let mut messages = 0;
    while let Some(ours) = read_ours(rest)? {
        if !is_exempt(&ours) {
            compare_message(&ours, rest.get(..ours.end).unwrap_or(rest))?;
        }
        messages += 1;
        rest = rest.get(ours.end..).unwrap_or_default();
        if !ours.head.keep_alive() {
            break;
        }
    }
    Ok(messages)
}

/// A complete message as ours reads it.
struct Ours {
    head: RequestHead,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    end: usize,
}

/// Reads one message with ours; `None` if it is refused or not complete.
fn read_ours(bytes: &[u8]) -> Result<Option<Ours>, String> {
    let mut parser = RequestParser::new(RequestLimits::DEFAULT);
    let mut head = RequestHead::new();
    let mut end = match parser.parse(bytes, &mut head) {
        Ok(Some(len)) => len,
        Ok(None) => return Ok(None),
        Err(refused) => {
            let empty = head.fields().is_empty() && head.target().is_empty();
            let stays =
                parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut head) == Err(refused);
            return if empty && stays {
                Ok(None)
            } else {
                Err(format!("{refused:?} let something pass"))
            };
        }
    };
    let mut decoder = Decoder::new(head.body(), BodyLimits::REQUEST);
    let mut body = Vec::new();
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        match decoder.step(rest) {
            Ok(Step::Data(range)) => {
                end += range.end;
                body.extend_from_slice(rest.get(range).ok_or("a range beyond the input")?);
            }
            Ok(Step::NeedMore) => return Ok(None),
            Ok(Step::Done(len)) => {
                end += len;
                let trailers = named(decoder.trailers().iter());
                return Ok(Some(Ours {
                    head,
                    body,
                    trailers,
                    end,
                }));
            }
            Err(bad) => {
                let stays = decoder.step(b"0\r\n\r\n") == Err(bad);
                return if stays {
                    Ok(None)
                } else {
                    Err(format!("{bad:?} is forgotten"))
                };
            }
        }
    }
}

/// Where ours accepts on purpose what hyper does not, or keeps what hyper drops:
///
/// * a target with visible bytes that a URI may not have (`"<>\^{|}` and the backquote), or with a
///   fragment: passed on byte for byte, as Gorouter does (D-288, D-296);
/// * a `Content-Length` that is a list of equal numbers (R-002, RFC 9110 §8.6);
/// * an absolute target whose authority has sub-delims or escapes, which hyper's URI type refuses;
/// * an empty port (`host:`) there, which it refuses as well.
fn is_exempt(ours: &Ours) -> bool {
    let target = ours.head.target();
    let authority = ours.head.authority();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(byte);
    target.iter().any(|byte| b"\"<>\\^`{|}#".contains(byte))
        || ours
            .head
            .fields()
            .get_all(Known::ContentLength)
            .any(|value| value.contains(&b','))
        || (ours.head.target_form() == TargetForm::Absolute
            && (!authority.iter().all(plain) || authority.ends_with(b":")))
}

fn compare_message(ours: &Ours, bytes: &[u8]) -> Result<(), String> {
    let theirs = read_theirs(bytes).ok_or("hyper refuses what ours accepts")?;
    let same = |what: &str, ours: &[u8], theirs: &[u8]| {
        if ours == theirs {
            return Ok(());
        }
        let (ours, theirs) = (
            String::from_utf8_lossy(ours),
            String::from_utf8_lossy(theirs),
        );
        Err(format!(
            "{what} is {ours:?} for ours and {theirs:?} for hyper"
        ))
    };
    same(
        "the method",
        ours.head.method_bytes(),
        theirs.method.as_bytes(),
    )?;
    same("the path", &path_of(&ours.head), theirs.path.as_bytes())?;
    if ours.head.target_form() == TargetForm::Absolute {
        same(
            "the authority",
            ours.head.authority(),
            theirs.authority.as_bytes(),
        )?;
    }
    same("the body", &ours.body, &theirs.body)?;
    let fields = named(ours.head.fields().iter());
    if fields != theirs.fields {
        return Err(format!(
            "the fields are {fields:?} for ours and {:?} for hyper",
            theirs.fields
        ));
    }
    // Ours leaves out trailers that may not pass; it never makes one up.
    if let Some(extra) = ours
        .trailers
        .iter()
        .find(|field| !theirs.trailers.contains(field))
    {
        return Err(format!("the trailer {extra:?} is there for ours alone"));
    }
    let shorter = bytes
        .split_last()
        .map(|(_, shorter)| shorter)
        .unwrap_or_default();
    if read_theirs(shorter).is_some() {
        return Err("hyper sees the message end before ours does".to_owned());
    }
    Ok(())
}

/// The path and query as hyper's URI type normalises them: an absolute one without path has `/`.
fn path_of(head: &RequestHead) -> Vec<u8> {
    let path = head.path_and_query();
    if path.starts_with(b"?") {
        [b"/", path].concat()
    } else {
        path.to_vec()
    }
}

/// Fields in an order that does not depend on how names are interleaved. Lengths are compared by
/// the body, and hyper drops repeated ones.
fn named<'a>(fields: impl Iterator<Item = pointsman_http1::Field<'a>>) -> Vec<(String, Vec<u8>)> {
    sorted(fields.map(|field| (field.name.as_bytes(), field.value)))
}

fn sorted<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fields
        .map(|(name, value)| {
            (
                String::from_utf8_lossy(name).to_ascii_lowercase(),
                value.to_vec(),
            )
        })
        .filter(|(name, _)| name != "content-length")
        .collect();
    // A stable sort keeps fields of one name in their order.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// A complete message as hyper's server reads it.
struct Theirs {
    method: String,
    path: String,
    authority: String,
    fields: Vec<(String, Vec<u8>)>,
    body: Bytes,
    trailers: Vec<(String, Vec<u8>)>,
}

/// Serves the bytes, then the end of the connection, with hyper; the first request if its body was
/// complete. There is nothing to wait for, so no runtime is needed.
fn read_theirs(bytes: &[u8]) -> Option<Theirs> {
    let seen: Rc<RefCell<Vec<Theirs>>> = Rc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let seen = Rc::clone(&seen);
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                return Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()));
            };
            let pairs = |fields: &hyper::HeaderMap| {
                sorted(
                    fields
                        .iter()
                        .map(|(name, value)| (name.as_ref(), value.as_bytes())),
                )
            };
            seen.borrow_mut().push(Theirs {
                method: head.method.to_string(),
                path: head
                    .uri
                    .path_and_query()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                authority: head
                    .uri
                    .authority()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                fields: pairs(&head.headers),
                trailers: body.trailers().map(pairs).unwrap_or_default(),
                body: body.to_bytes(),
            });
            Ok(Response::new(Empty::new()))
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.max_headers(1000).half_close(true);
    let mut serving = pin!(builder.serve_connection(
        Wire {
            bytes: bytes.to_vec(),
            at: 0
        },
        service
    ));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if serving.as_mut().poll(&mut context).is_ready() {
            break;
        }
    }
    seen.take().into_iter().next()
}

/// A connection on which all bytes have arrived, followed by its end.
struct Wire {
    bytes: Vec<u8>,
    at: usize,
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.len().min(into.remaining());
        into.put_slice(rest.get(..len).unwrap_or_default());
        self.at += len;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
