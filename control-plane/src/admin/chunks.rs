//! Answers that are written piece by piece, as fast as the client reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

/// How long a client may leave a piece lying. Gorouter ends the whole answer after this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where pieces go.
pub(super) struct Pieces(mpsc::Sender<io::Result<Bytes>>);

/// The answer cannot go on: the client is gone, or reads too slowly.
#[derive(Debug)]
pub(super) struct Gone;

impl Pieces {
    /// Hands a piece over, when the client has taken the one before.
    pub(super) async fn send(&self, piece: impl Into<Bytes>) -> Result<(), Gone> {
        match time::timeout(PATIENCE, self.0.send(Ok(piece.into()))).await {
            Ok(sent) => sent.map_err(|_| Gone),
            Err(_) => Err(Gone),
        }
    }

    /// Waits until the client has left.
    pub(super) async fn left(&self) {
        self.0.closed().await;
    }

    /// Breaks the answer off, so that the client does not take it for complete.
    pub(super) async fn break_off(
        &self,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) {
        let broken = io::Error::other(error);
        // A client that is gone needs no error.
        let _ = time::timeout(PATIENCE, self.0.send(Err(broken))).await;
    }
}

/// A body that `write` writes. It runs as long as its client reads, and ends with it.
pub(super) fn body<F, Written>(write: F) -> Body
where
    F: FnOnce(Pieces) -> Written,
    Written: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(write(Pieces(sender)));
    Body::from_stream(ReceiverStream::new(receiver))
}

/// The same with a last piece, which comes even where the client has left the one before it lying: it is kept beside the
/// others until the client takes it or leaves.
pub(super) fn body_with_end<F, Written>(write: F) -> Body
where
    F: FnOnce(Pieces) -> Written,
    Written: Future<Output = Option<String>> + Send + 'static,
{
    let (sender, pieces) = mpsc::channel(1);
    let (last, end) = oneshot::channel();
    let written = write(Pieces(sender));
    tokio::spawn(async move {
        if let Some(text) = written.await {
            // A client that left needs no last word.
            let _ = last.send(Bytes::from(text));
        }
    });
    Body::from_stream(Ending {
        pieces,
        end: Some(end),
    })
}

/// Pieces, and then the last one.
struct Ending {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    end: Option<oneshot::Receiver<Bytes>>,
}

impl Stream for Ending {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(piece) = ready!(self.pieces.poll_recv(context)) {
            return Poll::Ready(Some(piece));
        }
        let Some(end) = &mut self.end else {
            return Poll::Ready(None);
        };
        let last = ready!(Pin::new(end).poll(context));
        self.end = None;
        Poll::Ready(last.ok().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_is_its_pieces() {
        let body = body(|pieces| async move {
            for piece in ["a", "b", "c"] {
                pieces.send(piece).await.expect("the client reads");
            }
        });
        let read = body.collect().await.unwrap().to_bytes();
        assert_eq!(&*read, b"abc");
    }

    #[tokio::test]
    async fn a_body_that_broke_off_is_no_body() {
        let body = body(|pieces| async move {
            pieces.send("a").await.expect("the client reads");
            pieces.break_off("the registry has ended").await;
        });
        assert!(body.collect().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_ends_the_answer() {
        let (ended, end) = oneshot::channel();
        let body = body(|pieces| async move {
            while pieces.send("x").await.is_ok() {}
            ended.send(()).expect("the test waits");
        });
        end.await.expect("the answer ends");
        drop(body);
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_piece_comes_though_others_were_left_lying() {
        let body = body_with_end(|pieces| async move {
            while pieces.send("x").await.is_ok() {}
            Some("end".to_owned())
        });
        // Long enough for the writer to lose patience.
        time::sleep(2 * PATIENCE).await;
        let read = body.collect().await.unwrap().to_bytes();
        assert_eq!(&*read, b"xend");
    }
}
