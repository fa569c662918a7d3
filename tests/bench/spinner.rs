//! A smaller core for the proxy.
//!
//! On two cores load and backend share one, and for some workloads they need more of it than the proxy does of the
//! other: a client pays most of a TCP handshake, a sender most of a copy. Then the proxy waits, and a proxy that waits
//! pays more per request. So it is given two thirds of its core, and a loop that touches no memory gets the rest: the
//! proxy is what everybody waits for again, it never idles, and its CPU time per request is that of a saturated proxy.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::oneshot;

use crate::machine::Cores;

/// How much nicer the loop is than the proxy, and what share of the core the kernel leaves to the proxy for it:
/// 1024 / (1024 + 526), by its table of weights.
const NICE: i32 = 3;
/// See [`NICE`].
pub(crate) const SHARE: f64 = 0.66;

/// The loop; it ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct Spinner {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    /// Starts it on the proxy's core.
    pub(crate) async fn start(cores: Cores) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, started) = oneshot::channel();
        let is_over = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("spinner".to_owned())
            .spawn(move || {
                cores.join_the_proxy();
                let nice = setpriority_process(Some(gettid()), NICE);
                if ready.send(nice).is_ok() {
                    spin(&is_over);
                }
            })?;
        started.await.map_err(std::io::Error::other)??;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

fn spin(is_over: &AtomicBool) {
    let mut turns = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..10_000 {
            turns = black_box(turns).wrapping_add(1);
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A loop does not panic.
            let _ended = thread.join();
        }
    }
}
