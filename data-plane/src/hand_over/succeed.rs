//! The side of the successor.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use super::offer::is_ours;
use super::{READY, message};

/// How long the running process may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The sockets of a running process, which goes on to accept from them until it is told.
#[derive(Debug)]
pub(crate) struct Claim {
    stream: UnixStream,
    sockets: Vec<TcpListener>,
}

/// Asks the process that serves, if there is one.
///
/// # Errors
/// There is one, and it does not answer as it should.
pub(crate) async fn claim(path: &Path) -> io::Result<Option<Claim>> {
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        // Nobody has ever served, or whoever did has ended.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(named(path, &error)),
    };
    let claimed = receive(stream).await;
    claimed.map(Some).map_err(|error| named(path, &error))
}

async fn receive(stream: UnixStream) -> io::Result<Claim> {
    is_ours(&stream)?;
    let stream = stream.into_std()?;
    let received = tokio::task::spawn_blocking(move || {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let sockets = message::receive(&stream)?;
        stream.set_nonblocking(true)?;
        Ok::<_, io::Error>((stream, sockets))
    });
    let (stream, sockets) = received.await??;
    Ok(Claim {
        stream: UnixStream::from_std(stream)?,
        sockets,
    })
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = format!(
        "the process at {} does not hand over its listeners: {error}",
        path.display()
    );
    io::Error::new(error.kind(), text)
}

impl Claim {
    /// The sockets, once.
    pub(crate) fn take_sockets(&mut self) -> Vec<TcpListener> {
        std::mem::take(&mut self.sockets)
    }

    /// Tells the process before that this one accepts. One that has ended meanwhile needs not to
    /// be told.
    pub(crate) async fn tell_ready(mut self) {
        if let Err(error) = self.stream.write_all(READY).await {
            tracing::warn!(%error, "hand-over-not-told");
        }
    }
}
