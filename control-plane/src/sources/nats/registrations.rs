//! Registrations and unregistrations: taken off the connection by one, handled in order by another.

use std::sync::Arc;

use async_nats::Subscriber;
use pointsman_registry::{Fingerprint, Registration};
use tokio::sync::Notify;
use tokio_stream::StreamExt as _;

use super::backlog::{Backlog, Kind, Received};
use super::known::{Key, Known};
use super::others::Others;
use super::{Error, Shared};
use crate::registry_task::{Event, Source};
use crate::sources::message::{self, Cause, Refusal};
use crate::sources::refusals::Origin;

/// Takes messages off the connection as fast as they come, so that only one place holds what waits, within its bounds.
/// Subjects that are nobody's registration are left alone; of other routers' announcements the interval is
/// looked at.
pub(super) async fn take_in(
    shared: &Shared,
    mut messages: Subscriber,
    backlog: &Backlog,
    drops: &Notify,
) -> Result<(), Error> {
    let mut others = Others::default();
    while let Some(message) = messages.next().await {
        let Some(kind) = Kind::of_subject(&message.subject) else {
            shared.metrics.ignored.inc();
            if &*message.subject == "router.start" {
                others.heard(&message.payload, &shared.announcement);
            }
            continue;
        };
        shared.metrics.received(kind);
        let payload = message.payload;
        if payload.len() > shared.reader.policy.limits.message_bytes {
            // Refused here already: what is never decoded need not be held.
            shared.reader.refuse_too_large(kind, &payload);
        } else if backlog.push(Received { kind, payload }).is_err() {
            drops.notify_one();
        }
    }
    Err(Error::Closed)
}

/// Handles what was taken in, in its order.
pub(super) async fn handle(
    reader: Arc<Reader>,
    backlog: &Backlog,
    source: &Source,
) -> Result<(), Error> {
    let key = Key::random();
    let mut known = Known::new();
    loop {
        let received = backlog.next().await;
        let event = match received.kind {
            Kind::Register => registration(&reader, &received, &key, &mut known),
            Kind::Unregister => reader.unregistration(&received),
        };
        match event {
            Some(event) => source.send(event).await?,
            // A flood of nonsense must not keep the other duties of this task from their turn.
            None => tokio::task::consume_budget().await,
        }
    }
}

/// A payload that came before is left to the registry, which knows whether it still holds what it says.
fn registration(
    reader: &Arc<Reader>,
    received: &Received,
    key: &Key,
    known: &mut Known,
) -> Option<Event> {
    let fingerprint = key.fingerprint(&received.payload);
    if known.contains(fingerprint) {
        let reader = Arc::clone(reader);
        let received = received.clone();
        let otherwise = Box::new(move || reader.read(&received, Some(fingerprint)));
        return Some(Event::Heard {
            fingerprint,
            otherwise,
        });
    }
    let registration = reader.read(received, Some(fingerprint))?;
    known.insert(fingerprint);
    Some(Event::Register(registration))
}

/// Reads messages, and tells what it refuses.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) policy: message::Policy,
    pub(super) refusals: Arc<crate::sources::refusals::Refusals>,
    pub(super) unknown_keys: prometheus_client::metrics::counter::Counter,
}

impl Reader {
    /// What a message says, if it says anything.
    fn read(&self, received: &Received, fingerprint: Option<Fingerprint>) -> Option<Registration> {
        let subject = received.kind.subject();
        let payload = &received.payload;
        match message::parse(payload, &self.policy, fingerprint) {
            Ok(parsed) => {
                self.unknown_keys.inc_by(parsed.unknown_keys.into());
                let (publisher, _) = parsed
                    .registration
                    .address
                    .rsplit_once(':')
                    .unwrap_or_default();
                for refusal in &parsed.refusals {
                    self.refusals.report(
                        refusal,
                        Origin {
                            subject,
                            publisher,
                            payload,
                        },
                    );
                }
                Some(parsed.registration).filter(|registration| !registration.uris.is_empty())
            }
            Err(refused) => {
                let publisher = &refused.publisher;
                self.refusals.report(
                    &refused.refusal,
                    Origin {
                        subject,
                        publisher,
                        payload,
                    },
                );
                None
            }
        }
    }

    fn unregistration(&self, received: &Received) -> Option<Event> {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let message = serde_json::Value::from(message::excerpt(&received.payload)).to_string();
            tracing::debug!(
                component = "subscriber",
                message.json = message,
                "unregister-route"
            );
        }
        self.read(received, None).map(Event::Unregister)
    }

    fn refuse_too_large(&self, kind: Kind, payload: &[u8]) {
        let bound = self.policy.limits.message_bytes;
        let detail = format!("{} bytes, at most {bound}", payload.len());
        let origin = Origin {
            subject: kind.subject(),
            publisher: "",
            payload,
        };
        self.refusals
            .report(&Refusal::with(Cause::TooLarge, detail), origin);
    }
}
