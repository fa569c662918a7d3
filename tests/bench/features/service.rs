//! A route service on the loopback address: it gives every request back to the router it came from.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::backend::SMALL;
use crate::machine::Cores;

/// The field that says where a request is to go on, in small letters.
const FORWARDED_URL: &[u8] = b"x-cf-forwarded-url: http://";

/// The service, on threads that end with this process.
#[derive(Debug)]
pub(super) struct Service {
    address: SocketAddr,
    /// The port of the router; 0 before there is one.
    router: Arc<AtomicU16>,
}

impl Service {
    pub(super) fn start(cores: Cores) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let router = Arc::new(AtomicU16::new(0));
        let port = Arc::clone(&router);
        std::thread::Builder::new()
            .name("backend".to_owned())
            .spawn(move || {
                cores.leave_the_proxy_alone();
                for client in listener.incoming().map_while(Result::ok) {
                    let port = Arc::clone(&port);
                    let serve = move || {
                        // A connection that breaks ends here; the load counts what it costs.
                        let _broken = serve(client, &port);
                    };
                    let thread = std::thread::Builder::new().name("backend".to_owned());
                    thread.spawn(serve).expect("a thread");
                }
            })
            .expect("a thread");
        Self { address, router }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where requests are given back.
    pub(super) fn give_back_to(&self, router: SocketAddr) {
        self.router.store(router.port(), Ordering::Relaxed);
    }
}

/// Requests without a body, one after the other, each over the same connection to the router.
fn serve(mut client: TcpStream, router: &AtomicU16) -> io::Result<()> {
    client.set_nodelay(true)?;
    let port = router.load(Ordering::Relaxed);
    let mut router = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    router.set_nodelay(true)?;
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    while read_until(&mut client, &mut request, 0)? {
        router.write_all(&for_router(&request)?)?;
        if !read_until(&mut router, &mut answer, SMALL)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        client.write_all(&answer)?;
    }
    Ok(())
}

/// The same request to the host that it was meant for.
fn for_router(request: &[u8]) -> io::Result<Vec<u8>> {
    let told = || io::Error::other("the router did not say where the request is to go");
    let url = |field: &'_ [u8]| {
        let (name, url) = field.split_at_checked(FORWARDED_URL.len())?;
        name.eq_ignore_ascii_case(FORWARDED_URL)
            .then(|| url.to_vec())
    };
    let url = request.split(|byte| *byte == b'\n').find_map(url);
    let url = url.ok_or_else(told)?;
    let host = url.split(|byte| matches!(byte, b'/' | b'\r')).next();
    let host = host.ok_or_else(told)?;
    let line = memchr::memchr(b'\n', request).ok_or_else(told)? + 1;
    let (line, fields) = request.split_at(line);
    let mut out = [line, b"Host: ", host, b"\r\n"].concat();
    for field in fields.split_inclusive(|byte| *byte == b'\n') {
        if !field
            .get(..5)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"host:"))
        {
            out.extend_from_slice(field);
        }
    }
    Ok(out)
}

/// Reads a head and `body` bytes behind it; `false` when the connection has ended before.
fn read_until(from: &mut TcpStream, message: &mut Vec<u8>, body: usize) -> io::Result<bool> {
    message.clear();
    let mut piece = [0; 8 * 1024];
    loop {
        let end = memchr::memmem::find(message, b"\r\n\r\n");
        if end.is_some_and(|end| message.len() >= end + 4 + body) {
            return Ok(true);
        }
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(false);
        }
        message.extend_from_slice(&piece[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::for_router;

    #[test]
    fn a_request_goes_back_to_the_host_that_it_was_meant_for() {
        let request = b"GET /x HTTP/1.1\r\nhost: 127.0.0.1:99\r\nA: b\r\n\
                        X-CF-Forwarded-Url: http://app.example.com/x\r\nX-CF-Proxy-Signature: s\r\n\r\n";
        let given = String::from_utf8(for_router(request).unwrap()).unwrap();
        let wanted = "GET /x HTTP/1.1\r\nHost: app.example.com\r\nA: b\r\n\
                      X-CF-Forwarded-Url: http://app.example.com/x\r\nX-CF-Proxy-Signature: s\r\n\r\n";
        assert_eq!(given, wanted);
        for_router(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap_err();
    }
}
