//! The side of the process that serves.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{UnixListener, UnixStream};

use super::{READY, message};
use crate::listener::Heirlooms;

/// How long a successor may take to read what it is sent.
const SEND: Duration = Duration::from_secs(5);

/// How long it may take to become ready. It is told to nobody else that it failed: the one that
/// serves goes on.
const BECOME_READY: Duration = Duration::from_secs(3600);

/// The offer of this process's sockets.
pub(crate) struct Offer {
    listener: UnixListener,
    heirlooms: Heirlooms,
}

impl Offer {
    /// Offers the sockets at `path`, in the place of whoever offered theirs there before.
    ///
    /// # Errors
    /// The path cannot be used; it is named.
    pub(crate) fn begin(path: &Path, heirlooms: Heirlooms) -> io::Result<Self> {
        let listener = bind(path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot offer the listeners at {}: {error}", path.display()),
            )
        })?;
        Ok(Self {
            listener,
            heirlooms,
        })
    }

    /// Sends the sockets to whoever asks, until one says that it accepts from them.
    pub(crate) async fn until_taken(&self) {
        loop {
            let asked = self.listener.accept().await;
            let taken = match asked {
                Ok((stream, _)) => self.serve(stream).await,
                Err(error) => {
                    tracing::warn!(%error, "hand-over-not-accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            match taken {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "hand-over-not-taken"),
            }
        }
    }

    async fn serve(&self, stream: UnixStream) -> io::Result<()> {
        is_ours(&stream)?;
        tracing::info!("hand-over-asked-for");
        let sockets = self.heirlooms.copies()?;
        if sockets.is_empty() {
            return Err(io::Error::other("nothing is accepted here any more"));
        }
        let stream = stream.into_std()?;
        let stream = tokio::task::spawn_blocking(move || {
            stream.set_nonblocking(false)?;
            stream.set_write_timeout(Some(SEND))?;
            message::send(&stream, &sockets)?;
            stream.set_nonblocking(true)?;
            Ok::<_, io::Error>(stream)
        });
        let mut stream = UnixStream::from_std(stream.await??)?;
        let ready = tokio::time::timeout(BECOME_READY, read_ready(&mut stream));
        ready.await.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

async fn read_ready(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut said = [0; READY.len()];
    stream.read_exact(&mut said).await?;
    if said == READY {
        Ok(())
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Binds beside the path and moves the socket there, so that there is no moment without one, and
/// none in which others than this user could ask.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let _ = std::fs::remove_file(&beside);
    let listener = UnixListener::bind(&beside)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&beside, path)?;
    Ok(listener)
}

/// Whether the other end is a process of this user, or of the machine's.
///
/// # Errors
/// It is not.
pub(super) fn is_ours(stream: &UnixStream) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer == 0 || peer == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("the other end belongs to user {peer}"),
    ))
}
