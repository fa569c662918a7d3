//! What goes over the Unix socket: a greeting, the sockets, and an end.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sent first; another version of it would be another protocol.
const GREETING: &[u8] = b"pointsman hand-over 1\n";

/// Sent with each batch of sockets, and last without any.
const SOCKETS: &[u8] = b"sockets\n";
const END: &[u8] = b"end\n";

/// Sockets in one batch; the system takes at most 253.
const BATCH: usize = 64;

/// Bytes that a peer may send before the end: more than any number of workers needs.
const TEXT_MOST: usize = 64 * 1024;

/// Sends all sockets.
///
/// # Errors
/// The peer is gone or does not read.
pub(super) fn send(stream: &UnixStream, sockets: &[TcpListener]) -> io::Result<()> {
    send_batch(stream, GREETING, &[])?;
    for batch in sockets.chunks(BATCH) {
        let descriptors: Vec<_> = batch.iter().map(AsFd::as_fd).collect();
        send_batch(stream, SOCKETS, &descriptors)?;
    }
    send_batch(stream, END, &[])
}

fn send_batch(stream: &UnixStream, text: &[u8], sockets: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() && !control.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(io::Error::other("a batch of sockets does not fit"));
    }
    let sent = sendmsg(
        stream,
        &[IoSlice::new(text)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?;
    // So few bytes go in one piece, or not at all.
    if sent == text.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Receives all sockets.
///
/// # Errors
/// The peer is gone, says something else, or sends what is no listening socket.
pub(super) fn receive(stream: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut text = Vec::new();
    let mut sockets = Vec::new();
    while !text.ends_with(END) {
        let mut bytes = [0; 512];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            stream,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                sockets.extend(descriptors.map(listener));
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other("not all sockets arrived"));
        }
        if received.bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        text.extend_from_slice(&bytes[..received.bytes]);
        if !agrees(&text) || text.len() > TEXT_MOST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it speaks another protocol",
            ));
        }
    }
    sockets.into_iter().collect()
}

/// Whether the peer has said nothing but a greeting of ours so far.
fn agrees(text: &[u8]) -> bool {
    let length = text.len().min(GREETING.len());
    text[..length] == GREETING[..length]
}

fn listener(descriptor: OwnedFd) -> io::Result<TcpListener> {
    if rustix::net::sockopt::socket_acceptconn(&descriptor)? {
        Ok(TcpListener::from(descriptor))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it sends a socket that does not listen",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_sockets_than_one_batch_holds_arrive() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let sockets: Vec<_> = (0..BATCH + 10)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
            .collect();
        let sent = std::thread::spawn(move || {
            send(&ours, &sockets).expect("all are sent");
            sockets
        });
        let received = receive(&theirs).expect("all arrive");
        let sent = sent.join().expect("the sender");
        let addresses = |sockets: &[TcpListener]| -> Vec<_> {
            sockets
                .iter()
                .map(|socket| socket.local_addr().expect("an address"))
                .collect()
        };
        assert_eq!(addresses(&received), addresses(&sent));
    }

    #[test]
    fn a_peer_of_another_kind_is_an_error_at_its_first_words() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        send_batch(&ours, b"HTTP/1.1 400 Bad Request\r\n\r\n", &[]).expect("it is sent");
        // It stays, and says nothing more.
        let patience = Some(std::time::Duration::from_secs(5));
        theirs.set_read_timeout(patience).expect("an option");
        let error = receive(&theirs).expect_err("it does not hand over");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_peer_that_ends_too_early_is_an_error() {
        for said in [&b""[..], GREETING] {
            let (ours, theirs) = UnixStream::pair().expect("a pair");
            send_batch(&ours, said, &[]).expect("it is sent");
            drop(ours);
            let error = receive(&theirs).expect_err("it does not hand over");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
