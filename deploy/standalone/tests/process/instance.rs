//! An application instance whose slow requests last as long as the test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// An instance on a free port.
pub(crate) struct Instance {
    port: u16,
    begun: Receiver<()>,
    finish: Sender<()>,
}

impl Instance {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (tell, begun) = mpsc::channel();
        let (finish, finished) = mpsc::channel();
        let finished = Arc::new(Mutex::new(finished));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tell, finished) = (tell.clone(), Arc::clone(&finished));
                thread::spawn(move || answer(stream, &tell, &finished));
            }
        });
        Self {
            port,
            begun,
            finish,
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until a request for `/slow` has come.
    pub(crate) fn wait_for_slow_request(&self) {
        self.begun
            .recv_timeout(Duration::from_secs(20))
            .expect("a slow request comes");
    }

    /// Answers it.
    pub(crate) fn finish_slow_request(&self) {
        self.finish.send(()).expect("the instance runs");
    }
}

fn answer(stream: TcpStream, begun: &Sender<()>, finished: &Mutex<Receiver<()>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let mut slow = false;
        loop {
            line.clear();
            match stream.read_line(&mut line) {
                Ok(1..) if line != "\r\n" => slow |= line.starts_with("GET /slow "),
                Ok(1..) => break,
                _ => return,
            }
        }
        if slow && begun.send(()).is_ok() {
            let _ = finished.lock().map(|finished| finished.recv());
        }
        let body = "from the instance";
        let response = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}
