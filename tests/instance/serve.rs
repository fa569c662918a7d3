//! The connections of an instance.

use std::fs::File;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use pointsman_tests::Moment;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::request::{Head, Reader};

/// One port of the instance.
pub(crate) struct Port {
    pub(crate) number: u16,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) record: Rc<File>,
}

/// How long a POST takes: what an app changes takes its time, so that some are always underway.
const WORK: Duration = Duration::from_millis(20);

/// Accepts for as long as the process lives.
pub(crate) async fn accept(listener: TcpListener, port: Rc<Port>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Descriptors have run out, or the client has gone: the next one may be luckier.
            tokio::task::yield_now().await;
            continue;
        };
        let _works_without = socket.set_nodelay(true);
        let port = Rc::clone(&port);
        tokio::task::spawn_local(async move {
            match port.tls.clone() {
                None => serve(socket, &port).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, &port).await;
                    }
                }
            }
        });
    }
}

/// Answers request after request until the peer goes.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, port: &Port) {
    let mut reader = Reader::new(stream);
    while let Some(head) = reader.head().await {
        // What arrived counts, also when its body never ends.
        port.note(&head);
        if reader.body(&head).await.is_none() {
            return;
        }
        if head.method == "POST" {
            tokio::time::sleep(WORK).await;
        }
        let body = format!("{} {}", head.id, port.number);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.stream().write_all(answer.as_bytes()).await.is_err()
            || reader.stream().flush().await.is_err()
        {
            return;
        }
    }
}

impl Port {
    /// One line in one write: after a kill the record holds whole lines.
    fn note(&self, head: &Head) {
        let line = format!(
            "{} {} {} {} {}\n",
            Moment::now().nanoseconds(),
            self.number,
            head.method,
            head.id,
            head.host
        );
        let written = (&*self.record).write_all(line.as_bytes());
        written.expect("the record takes a line: what is not recorded would not be counted");
    }
}
