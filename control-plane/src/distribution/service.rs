//! The gRPC service: lets data planes in.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pointsman_proto::PROTOCOL_LEVEL;
use pointsman_proto::v1::{self, follow_response};
use pointsman_registry::{Algorithm, Reader, Sum, Transfer};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};

use super::borrowed::Borrowed;
use super::editions::Editions;
use super::hello::{self, Caller};
use super::metrics::Metrics;
use super::session::lending::Lending;
use super::session::{Session, ends};
use super::wire::{Encoded, Outbound, Parcel};
use super::{Settings, to_proto};
use crate::registry_task::{Counts, Handle, Replica};

/// How long a hello is waited for.
const HELLO: Duration = Duration::from_secs(10);

/// What all sessions share.
pub(super) struct Service {
    pub(super) settings: Arc<Settings>,
    pub(super) handle: Handle,
    pub(super) metrics: Arc<Metrics>,
    /// The turns of snapshots.
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) editions: Arc<Editions>,
    pub(super) borrowed: Arc<Borrowed>,
    pub(super) sessions: TaskTracker,
    pub(super) ending: CancellationToken,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// One session.
    ///
    /// # Errors
    ///
    /// Why the data plane is not let in.
    pub(super) async fn follow(
        &self,
        request: Request<Streaming<v1::FollowRequest>>,
    ) -> Result<Response<Outbound>, Status> {
        let address = request.remote_addr();
        let admitted = self.admit(request).await;
        if let Err(refused) = &admitted {
            self.metrics.refused(refused.code());
            tracing::warn!(
                component = "distribution",
                address = address.map(tracing::field::display),
                code = ?refused.code(),
                reason = refused.message(),
                "data-plane-refused"
            );
        }
        admitted.map(Response::new)
    }

    async fn admit(
        &self,
        request: Request<Streaming<v1::FollowRequest>>,
    ) -> Result<Outbound, Status> {
        let (address, certificates) = (request.remote_addr(), request.peer_certs());
        let mut incoming = request.into_inner();
        let first = timeout(HELLO, incoming.message()).await;
        let first = first.map_err(|_| {
            Status::deadline_exceeded(format!("no hello came within {} seconds", HELLO.as_secs()))
        })??;
        let caller = hello::read(first)?;
        let certificates = certificates.as_ref().map(|chain| chain.as_slice());
        self.settings
            .segments
            .check(certificates, &caller.view.filter)?;
        let (default, degraded) =
            caller.default_algorithm(self.settings.effective.default_algorithm);
        let epoch = self.epoch().await?;
        let replica = replica(&caller, address, degraded, epoch);
        let id = replica.id.clone();
        let place = self.handle.roster().enter(replica);
        let (place, asks) = place.map_err(|full| Status::resource_exhausted(full.to_string()))?;
        // A change after this look at the head is told of by an edition, one before it is seen by the reader.
        let (head, standing) = (self.handle.head(), self.handle.standing());
        let editions = self.editions.follow(&caller.view);
        let lending = Lending::new(&self.borrowed, &caller, epoch);
        let (reader, welcome) = self.welcome(caller, default).await?;
        // One parcel waits for room in the stream; all others are not made yet.
        let (outgoing, stream) = mpsc::channel(1);
        let welcome = to_proto::response(follow_response::Message::Welcome(welcome));
        // The channel is empty and has room for it.
        let _ = outgoing.try_send(Ok(Parcel::from([Encoded::of(&welcome)])));
        let session = Session {
            settings: Arc::clone(&self.settings),
            handle: self.handle.clone(),
            metrics: Arc::clone(&self.metrics),
            place,
            head,
            editions,
            standing,
            releases: self.handle.releases(),
            staging: self.handle.staging(),
            id,
            asks,
            snapshots: Arc::clone(&self.snapshots),
            incoming,
            outgoing,
            ending: self.ending.clone(),
        };
        self.sessions.spawn(session.run(reader, lending));
        Ok(Outbound::new(stream))
    }

    async fn epoch(&self) -> Result<u64, Status> {
        let epoch = self.handle.read(|registry, _| registry.epoch()).await;
        epoch.map_err(|_| ends::leaving())
    }

    async fn welcome(
        &self,
        caller: Caller,
        default: Algorithm,
    ) -> Result<(Reader, v1::Welcome), Status> {
        let filter = caller.view.filter.clone();
        let look = self.handle.read(move |registry, _| {
            let (reader, transfer) = Reader::new(registry, caller.view, caller.held);
            (registry.epoch(), reader, transfer)
        });
        let (epoch, reader, transfer) = look.await.map_err(|_| ends::leaving())?;
        self.metrics.welcomed(transfer == Transfer::Snapshot);
        let standing = self.handle.standing().borrow().clone();
        let welcome = v1::Welcome {
            epoch,
            name: self.settings.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol_level: PROTOCOL_LEVEL,
            standing: Some(to_proto::standing(&standing)),
            settings: Some(to_proto::settings(&self.settings.effective, default)),
            transfer: to_proto::transfer(transfer).into(),
            filter: Some(to_proto::filter(&filter)),
            filter_digest: filter.digest(),
        };
        Ok((reader, welcome))
    }
}

fn replica(caller: &Caller, address: Option<SocketAddr>, degraded: &str, epoch: u64) -> Replica {
    let now = Instant::now();
    let of_others = if caller.held.epoch == epoch {
        0
    } else {
        caller.things
    };
    Replica {
        id: caller.id.as_str().into(),
        name: caller.name.as_str().into(),
        version: caller.version.as_str().into(),
        availability_zone: caller.availability_zone.as_str().into(),
        address,
        filter: caller.view.filter.clone(),
        since: now,
        sent_revision: 0,
        acked_revision: 0,
        acked_at: None,
        behind_since: Some(now),
        held: Sum {
            things: caller.things,
            digest: 0,
        },
        of_others,
        rejected: caller.rejected.0.clone(),
        last_nack: None,
        rejections: caller.rejected.1,
        withheld: Vec::new(),
        degraded: degraded.into(),
        digest_mismatches: 0,
        last_heard: now,
        held_removals: 0,
        orphans: 0,
        table_age: None,
        draining: false,
        overrides: Vec::new(),
        frozen: false,
        received_revision: 0,
        requests: 0,
        in_flight: 0,
        connections: 0,
        counts: Counts::default(),
        traffic: VecDeque::new(),
    }
}
