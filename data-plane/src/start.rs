//! Starting the proxy: its listeners, its workers, and the handle that the process keeps.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use pointsman_process::shutdown::Stages;
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::access_log::Writer;
use crate::census::Census;
use crate::counters::{Counters, Traffic};
use crate::descriptors;
use crate::downstream::tls::Front;
use crate::events;
use crate::failing::FailureReporter;
use crate::listener::{self, Doors, Gate, Heirlooms, Listen, Share, Sockets};
use crate::overrides::{Bounds, Switches};
use crate::proxy::RetryBudget;
use crate::servable::Servable;
use crate::settings::{FrontTls, Http2, Settings};
use crate::table::TableHandle;
use crate::upstream::Commons;
use crate::upstream::idle::IdleLimits;
use crate::upstream::services;
use crate::upstream::tls::Identities;
use crate::worker::{self, Assignment};

/// What TLS is spoken with towards endpoints, and towards route services.
type UpstreamTls = (Arc<Identities>, Option<Arc<ClientConfig>>);

/// What the proxy gets from the rest of the process.
#[derive(Debug)]
pub struct Surroundings {
    /// The published table.
    pub table: TableHandle,
    /// Where failures of endpoints are told.
    pub failures: FailureReporter,
    /// How the process leaves.
    pub stages: Stages,
    /// What it listens on already, and when it accepts.
    pub sockets: Sockets,
    /// Whether there is a table that may be served: clients may ask.
    pub servable: Servable,
    /// What an operator has switched for a while.
    pub switches: Arc<Switches>,
}

/// The running proxy.
#[derive(Debug)]
pub struct Proxy {
    addresses: Vec<SocketAddr>,
    doors: Doors,
    traffic: Traffic,
    origin: Instant,
    workers: Vec<JoinHandle<()>>,
    /// How many workers have not said how they ended.
    running: usize,
    ends: mpsc::UnboundedReceiver<io::Result<()>>,
    log: Option<Writer>,
    events: Option<events::Sender>,
    bounds: Bounds,
}

/// Binds the listeners and starts the workers. The proxy serves when this returns, and ends with
/// the stages that it was given.
///
/// # Errors
/// A listener, the access log, the TLS material or a thread that cannot be had.
pub fn start(
    listeners: &[Listen],
    mut settings: Settings,
    surroundings: Surroundings,
) -> io::Result<Proxy> {
    let Surroundings {
        table,
        failures,
        stages,
        sockets,
        servable,
        switches,
    } = surroundings;
    descriptors::raise_limit();
    let count = settings.workers.map_or_else(available, NonZeroUsize::get);
    let written = Arc::new(Counters::default());
    let (log, events) = tellers(&mut settings, &written)?;
    let (identities, service_tls) = upstream_tls(&mut settings).map_err(io::Error::other)?;
    let front = front(listeners, settings.front_tls.take(), settings.http2)?;
    let settings = Arc::new(settings);
    let (bounds, mailboxes) = Bounds::open(&settings.limits, count);
    let counters = counters(settings.census, count);
    let origin = Instant::now();
    let (addresses, shares, doors) = open(listeners, sockets, (count, stages))?;
    let commons = Arc::new(Commons::new(idle_limits(&settings), count));
    let retries = RetryBudget::new();
    let (ended, ends) = mpsc::unbounded_channel();
    let assignments = shares.into_iter().zip(mailboxes).zip(&counters).enumerate();
    let workers = assignments.map(|(index, ((listeners, mailbox), counters))| {
        let assignment = Assignment {
            index,
            listeners,
            crowd: Arc::clone(bounds.crowd()),
            mailbox,
            settings: Arc::clone(&settings),
            counters: Arc::clone(counters),
            table: table.clone(),
            failures: failures.clone(),
            identities: Arc::clone(&identities),
            front: front.clone(),
            service_tls: service_tls.clone(),
            places: Arc::clone(bounds.places()),
            lines: log.as_ref().map(Writer::lines),
            events: events.as_ref().map(events::Sender::emitter),
            origin,
            commons: Arc::clone(&commons),
            doors: doors.clone(),
            retries: Arc::clone(&retries),
            servable: servable.clone(),
            switches: Arc::clone(&switches),
        };
        worker::spawn(assignment, ended.clone())
    });
    Ok(Proxy {
        workers: workers.collect::<io::Result<_>>()?,
        addresses,
        doors,
        traffic: Traffic::new(counters, written),
        origin,
        running: count,
        ends,
        log,
        events,
        bounds,
    })
}

/// How endpoints prove who they are, and how TLS is spoken with route services.
fn upstream_tls(settings: &mut Settings) -> Result<UpstreamTls, rustls::Error> {
    let identities = Identities::new(settings.upstream.tls.take())?;
    let services = services::tls_config(&settings.route_services.tls)?;
    Ok((Arc::new(identities), services))
}

/// What the workers count, each by itself.
fn counters(census: Census, workers: usize) -> Vec<Arc<Counters>> {
    let one = |_| {
        Arc::new(Counters {
            account: census.account(),
            ..Counters::default()
        })
    };
    (0..workers).map(one).collect()
}

/// The threads that requests are told to: the one of the access log, and the one of events.
fn tellers(
    settings: &mut Settings,
    written: &Arc<Counters>,
) -> io::Result<(Option<Writer>, Option<events::Sender>)> {
    let log = settings.access_log.take();
    let log = log.map(|log| Writer::start(log, Arc::clone(written)));
    let events = settings.events.take();
    let events = events.map(|events| events::Sender::start(&events, Arc::clone(written)));
    Ok((log.transpose()?, events.transpose()?))
}

/// TLS and HTTP/2 towards clients, the first of which a listener that speaks it needs.
fn front(
    listeners: &[Listen],
    settings: Option<FrontTls>,
    http2: Http2,
) -> io::Result<Option<Arc<Front>>> {
    let invalid = |error: Box<dyn std::error::Error + Send + Sync>| {
        io::Error::new(io::ErrorKind::InvalidInput, error)
    };
    http2.check().map_err(|bad| invalid(Box::from(bad)))?;
    match settings {
        Some(settings) if settings.certificates.is_empty() => {
            Err(invalid("TLS towards clients has no certificate".into()))
        }
        Some(settings) => {
            let front = Front::new(settings, http2.enabled);
            Ok(Some(Arc::new(
                front.map_err(|error| invalid(Box::from(error)))?,
            )))
        }
        None if listeners.iter().any(|listen| listen.tls) => Err(invalid(
            "a listener speaks TLS, and there are no settings for it".into(),
        )),
        None => Ok(None),
    }
}

/// Opens the listeners: those that were inherited, and others where there are none. Answers where
/// they are, and each worker's share of them.
fn open(
    listeners: &[Listen],
    sockets: Sockets,
    (count, stages): (usize, Stages),
) -> io::Result<(Vec<SocketAddr>, Vec<Vec<Share>>, Doors)> {
    let Sockets {
        mut inherited,
        gate,
        keep,
    } = sockets;
    let heirlooms = Heirlooms::default();
    let mut addresses = Vec::new();
    let mut shares: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    for &Listen { address, tls } in listeners {
        let mut sockets = inherited.take(address);
        let address = match sockets.first() {
            Some(socket) => socket.local_addr()?,
            None => {
                let (address, bound) = listener::bind(address, count)?;
                sockets = bound;
                address
            }
        };
        addresses.push(address);
        for (at, socket) in sockets.into_iter().enumerate() {
            if keep {
                heirlooms.keep(socket.try_clone()?);
            }
            // A predecessor may have had more or fewer workers.
            shares[at % count].push(Share { socket, tls });
        }
    }
    inherited.finish()?;
    let doors = Doors {
        stages,
        gate,
        heirlooms,
    };
    Ok((addresses, shares, doors))
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

    /// Its listeners, for a successor; empty unless they were to be kept.
    #[must_use]
    pub fn heirlooms(&self) -> &Heirlooms {
        &self.doors.heirlooms
    }

    /// Whether and when it accepts.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.doors.gate
    }

    /// What the proxy counts.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The bounds of the process that may be raised while it runs.
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The origin of the time that the proxy gives to the table ([`pointsman_routing::Time`]).
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Waits until every worker has ended, as after a drain, or the first has by itself, which has
    /// to end the process.
    ///
    /// # Errors
    /// Why a worker ended that should not have.
    pub async fn ended(&mut self) -> io::Result<()> {
        while self.running > 0 {
            let ended = self.ends.recv().await;
            self.running -= 1;
            ended.unwrap_or_else(|| Err(io::Error::other("a worker is gone")))?;
        }
        Ok(())
    }

    /// Waits until all workers have ended, and everything that they have logged is written.
    pub async fn finish(self) {
        let Self {
            workers,
            log,
            events,
            ..
        } = self;
        let finished = tokio::task::spawn_blocking(move || {
            for worker in workers {
                // It has said how it ended, and catches its own panics.
                let _ = worker.join();
            }
            if let Some(log) = log {
                log.finish();
            }
            if let Some(events) = events {
                events.finish();
            }
        });
        // It panics no more than the workers do.
        let _ = finished.await;
    }
}
