//! The way into the control plane for a data plane of the same process: the same contract without a socket.

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Bytes that may lie in the pipe, each way: a few chunks of a snapshot.
const BYTES: usize = 256 * 1024;

/// Connections that wait to be taken.
const WAITING: usize = 4;

/// Connects a data plane of the same process.
#[derive(Clone, Debug)]
pub struct Pipe {
    ends: mpsc::Sender<DuplexStream>,
}

/// The control plane does not serve any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control plane of this process has ended")]
pub struct Closed;

impl Pipe {
    pub(super) fn new() -> (Self, mpsc::Receiver<DuplexStream>) {
        let (ends, taken) = mpsc::channel(WAITING);
        (Self { ends }, taken)
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// When nobody serves it any more.
    pub async fn connect(&self) -> Result<DuplexStream, Closed> {
        let (ours, theirs) = tokio::io::duplex(BYTES);
        self.ends.send(theirs).await.map_err(|_| Closed)?;
        Ok(ours)
    }
}
