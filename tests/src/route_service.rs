//! What a route service does: it sends every request back to the router, with the fields that it got.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::endpoint::Head;

/// The field by which an app knows that a request came from here.
pub const PASSED: &str = "X-Passed";

/// Calls the URL that a request tells its service to call, at this router, and answers what the router does, to the
/// byte. It blocks its thread, which takes a runtime with several.
///
/// # Panics
///
/// When the request tells no URL, or the router does not answer.
#[must_use]
pub fn call_back(head: &Head, router: SocketAddr) -> Vec<u8> {
    tokio::task::block_in_place(|| call(head, router))
}

fn call(head: &Head, router: SocketAddr) -> Vec<u8> {
    let told = head.header("X-CF-Forwarded-Url").expect("a URL to call");
    let (_, rest) = told.split_once("://").expect("a URL");
    let (host, target) = rest.split_at(rest.find('/').expect("a path"));
    let mut request = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\n", head.method);
    for (name, value) in &head.headers {
        if !["host", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    request.push_str(&format!("{PASSED}: yes\r\nConnection: close\r\n\r\n"));
    let mut socket = TcpStream::connect(router).expect("the router listens");
    socket
        .write_all(request.as_bytes())
        .expect("it takes the request");
    let mut answer = Vec::new();
    socket
        .read_to_end(&mut answer)
        .expect("it answers and closes");
    answer
}
