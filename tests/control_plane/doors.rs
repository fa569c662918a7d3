//! Who knocks at the door of data planes, and what does not close it.

use std::time::Duration;

use pointsman_tests::eventually;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane};

/// strangers, garbage and connections that say nothing do not stop the control plane from accepting
#[tokio::test]
async fn garbage_does_not_close_the_door() {
    let plane = Plane::start().await;
    let address = plane.process.address("distribution");
    let mut silent = Vec::new();
    for round in 0..50 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        match round % 4 {
            0 => drop(stream),
            1 => silent.push(stream),
            2 => {
                let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
                stream.write_all(request).await.expect("a request");
                let mut rest = Vec::new();
                let read = stream.read_to_end(&mut rest);
                // It may be reset or closed, but not kept.
                let _closed = tokio::time::timeout(BOUND, read).await.expect("an end");
            }
            _ => {
                // Half of the preface, and gone.
                stream
                    .write_all(b"PRI * HTTP/2.0\r\n")
                    .await
                    .expect("bytes");
            }
        }
    }
    Follower::connect(address, hello("dp")).await.step().await;
}

/// when the control plane has no descriptors left it waits, says so, and accepts again when it has some
#[tokio::test]
async fn exhausted_descriptors_do_not_close_the_door() {
    let plane = Plane::start().await;
    let address = plane.process.address("distribution");
    let pid = i32::try_from(plane.process.id())
        .ok()
        .and_then(Pid::from_raw);
    let pid = pid.expect("the id of a process");
    // Fewer than it has open.
    let before = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(5),
        ..before
    };
    prlimit(Some(pid), Resource::Nofile, few).expect("a limit");
    let refused = tokio::spawn(Follower::try_connect(address, hello("early")));
    plane.until_logged("accept-failed").await;
    prlimit(Some(pid), Resource::Nofile, before).expect("a limit");
    eventually("a welcome", BOUND, async || {
        let connected = Follower::try_connect(address, hello("late")).await;
        connected.map(drop).map_err(|error| error.to_string())
    })
    .await;
    // Whoever waited at the door comes in as well, or was told off; it is not left standing.
    let _either = tokio::time::timeout(Duration::from_secs(60), refused).await;
}
