//! Starting the proxy: its listeners, its workers, and the handle that the process keeps.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pointsman_process::shutdown::Stages;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::access_log::Writer;
use crate::counters::{Counters, Traffic};
use crate::descriptors;
use crate::failing::FailureReporter;
use crate::listener;
use crate::settings::Settings;
use crate::table::TableHandle;
use crate::upstream::Commons;
use crate::upstream::idle::IdleLimits;
use crate::upstream::tls::Identities;
use crate::worker::{self, Assignment, Crowd, Places};

/// What the proxy gets from the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// The published table.
    pub table: TableHandle,
    /// Where failures of endpoints are told.
    pub failures: FailureReporter,
    /// How the process leaves.
    pub stages: Stages,
}

/// The running proxy.
#[derive(Debug)]
pub struct Proxy {
    addresses: Vec<SocketAddr>,
    traffic: Traffic,
    origin: Instant,
    workers: Vec<JoinHandle<()>>,
    ends: mpsc::UnboundedReceiver<io::Result<()>>,
    log: Option<Writer>,
}

/// Binds the listeners and starts the workers. The proxy serves when this returns, and ends with
/// the stages that it was given.
///
/// # Errors
/// A listener, the access log, the TLS material or a thread that cannot be had.
pub fn start(
    listeners: &[SocketAddr],
    mut settings: Settings,
    surroundings: Surroundings,
) -> io::Result<Proxy> {
    let Surroundings {
        table,
        failures,
        stages,
    } = surroundings;
    descriptors::raise_limit();
    let count = settings.workers.map_or_else(available, NonZeroUsize::get);
    let log = settings.access_log.take().map(Writer::start).transpose()?;
    let identities = Identities::new(settings.upstream.tls.take()).map_err(io::Error::other)?;
    let identities = Arc::new(identities);
    let settings = Arc::new(settings);
    let places = Arc::new(Places::new(settings.limits.in_flight, count));
    let counters: Vec<_> = (0..count).map(|_| Arc::new(Counters::default())).collect();
    let origin = Instant::now();
    let mut addresses = Vec::new();
    let mut sockets: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    for &address in listeners {
        let (address, bound) = listener::bind(address, count)?;
        addresses.push(address);
        for (worker, socket) in sockets.iter_mut().zip(bound) {
            worker.push(socket);
        }
    }
    let commons = Arc::new(Commons::new(idle_limits(&settings), count));
    let (crowd, mailboxes) = Crowd::new(descriptors::connections(&settings.limits), count);
    let (ended, ends) = mpsc::unbounded_channel();
    let assignments = sockets
        .into_iter()
        .zip(mailboxes)
        .zip(&counters)
        .enumerate();
    let workers = assignments.map(|(index, ((listeners, mailbox), counters))| {
        let assignment = Assignment {
            index,
            listeners,
            crowd: Arc::clone(&crowd),
            mailbox,
            settings: Arc::clone(&settings),
            counters: Arc::clone(counters),
            table: table.clone(),
            failures: failures.clone(),
            identities: Arc::clone(&identities),
            places: Arc::clone(&places),
            lines: log.as_ref().map(Writer::lines),
            origin,
            commons: Arc::clone(&commons),
            stages: stages.clone(),
        };
        worker::spawn(assignment, ended.clone())
    });
    let workers = workers.collect::<io::Result<_>>()?;
    Ok(Proxy {
        addresses,
        traffic: Traffic::new(counters),
        origin,
        workers,
        ends,
        log,
    })
}

/// As many workers as the CPU quota of the process allows.
fn available() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The bounds on the process's unused connections to endpoints.
fn idle_limits(settings: &Settings) -> IdleLimits {
    IdleLimits {
        per_endpoint: settings.upstream.idle_per_endpoint,
        total: settings.upstream.idle,
        age: settings.timeouts.endpoint_idle,
        life: settings.upstream.connection_age,
    }
}

impl Proxy {
    /// Where the proxy listens, in the order of the listeners that it was given.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the proxy counts.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The origin of the time that the proxy gives to the table ([`pointsman_routing::Time`]).
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Waits until the proxy has ended: all of it after a drain, or a part of it by itself, which
    /// has to end the process. The access log is written to its end.
    ///
    /// # Errors
    /// Why a worker ended that should not have.
    pub async fn ended(self) -> io::Result<()> {
        let Self {
            workers,
            mut ends,
            log,
            ..
        } = self;
        for _ in &workers {
            ends.recv()
                .await
                .unwrap_or_else(|| Err(io::Error::other("a worker is gone")))?;
        }
        tokio::task::spawn_blocking(move || {
            for worker in workers {
                // It has said how it ended, and catches its own panics.
                let _ = worker.join();
            }
            if let Some(log) = log {
                log.finish();
            }
        })
        .await?;
        Ok(())
    }
}
