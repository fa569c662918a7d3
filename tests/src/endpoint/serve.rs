//! The connections of a scripted endpoint.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::request::Reader;
use super::{Answer, Head, Reply, Request, Seen};

/// How a [`Answer::Large`] body is cut into writes.
const PIECE: usize = 64 * 1024;

/// Accepts until it is aborted; its connections end with it.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let number = seen.accepted.fetch_add(1, Ordering::SeqCst);
        connections.spawn(connection(socket, number, tls.clone(), Arc::clone(&seen)));
    }
}

async fn connection(socket: TcpStream, number: usize, tls: Option<TlsAcceptor>, seen: Arc<Seen>) {
    let _open = Open::count(&seen);
    let _nodelay = socket.set_nodelay(true);
    match tls {
        None => serve(socket, number, &seen, reset).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(socket).await {
                serve(stream, number, &seen, reset_tls).await;
            }
        }
    }
}

/// Counts a connection as open until it is dropped, also by an abort.
struct Open(Arc<Seen>);

impl Open {
    fn count(seen: &Arc<Seen>) -> Self {
        seen.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Makes the coming close a reset.
fn reset(socket: &TcpStream) {
    let _best_effort = socket2::SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO));
}

fn reset_tls(stream: &TlsStream<TcpStream>) {
    reset(stream.get_ref().0);
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    number: usize,
    seen: &Seen,
    reset: fn(&S),
) {
    let (read, mut write) = tokio::io::split(stream);
    let mut reader = Reader::new(read, number);
    while let Some(head) = reader.head().await {
        let script = Arc::clone(&seen.script.lock());
        let answer = script(&head);
        let reads_body = !matches!(answer, Answer::Early(_) | Answer::Reset | Answer::Silence);
        let body = if reads_body {
            let Some(body) = reader.body(&head).await else {
                return;
            };
            body
        } else {
            Vec::new()
        };
        let request = Request { head, body };
        seen.requests.lock().push(request.clone());
        match answer {
            Answer::Upgrade => return tunnel(&request.head, reader, write).await,
            Answer::Early(reply) => {
                if send(&reply, &request.head, &mut write).await {
                    reader.closed().await;
                }
                return;
            }
            Answer::Silence => return std::future::pending().await,
            Answer::Reset => {
                let (_, read) = reader.into_rest();
                reset(&read.unsplit(write));
                return;
            }
            Answer::Close => return,
            Answer::RawThenClose(bytes) => {
                let _peer_may_be_gone = write.write_all(&bytes).await;
                let _peer_may_be_gone = write.shutdown().await;
                return;
            }
            answer => {
                if !keep(answer, &request, &mut write, seen).await {
                    return;
                }
            }
        }
    }
}

/// Sends an answer after which the connection goes on; false when the peer is gone.
async fn keep<S: AsyncWrite>(
    answer: Answer,
    request: &Request,
    write: &mut WriteHalf<S>,
    seen: &Seen,
) -> bool {
    match answer {
        Answer::Reply(reply) => send(&reply, &request.head, write).await,
        Answer::Echo => {
            let echo = [&request.head.bytes[..], &request.body].concat();
            send(&Reply::status(200).with_body(echo), &request.head, write).await
        }
        Answer::Raw(bytes) => write.write_all(&bytes).await.is_ok(),
        Answer::Large(length) => large(length, write, seen).await.is_ok(),
        _ends_the_connection => false,
    }
}

async fn send<S: AsyncWrite>(reply: &Reply, head: &Head, write: &mut WriteHalf<S>) -> bool {
    if !reply.delay().is_zero() {
        // The delay is the script: an endpoint that takes its time.
        tokio::time::sleep(reply.delay()).await;
    }
    write
        .write_all(&reply.to_bytes(head.method == "HEAD"))
        .await
        .is_ok()
}

async fn large<S: AsyncWrite>(
    length: u64,
    write: &mut WriteHalf<S>,
    seen: &Seen,
) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 scripted\r\ncontent-length: {length}\r\n\r\n");
    write.write_all(head.as_bytes()).await?;
    let piece = vec![b'x'; PIECE];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let count = write.write(&piece[..most]).await?;
        left -= count as u64;
        seen.body_bytes_sent
            .fetch_add(count as u64, Ordering::SeqCst);
    }
    write.flush().await
}

async fn tunnel<S: AsyncRead + AsyncWrite>(
    head: &Head,
    reader: Reader<ReadHalf<S>>,
    mut write: WriteHalf<S>,
) {
    let protocol = head.header("upgrade").unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
    );
    let (early, mut read) = reader.into_rest();
    let sent = write.write_all(&[answer.as_bytes(), &early].concat()).await;
    if sent.is_ok() {
        let _ends_with_the_peer = tokio::io::copy(&mut read, &mut write).await;
        let _peer_may_be_gone = write.shutdown().await;
    }
}
