//! Registrations and unregistrations: taken off the connection by one, handled in order by another.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use pointsman_registry::Fingerprint;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio_stream::Stream as _;

use super::backlog::{Backlog, Kind, Received};
use super::known::{Key, Known};
use super::others::Others;
use super::{Error, Shared};
use crate::registry_task::{self, Batch, Event, Otherwise, Source};
use crate::sources::message::{self, Cause, Parsed, Refusal};
use crate::sources::refusals::Origin;

/// Messages that are put into the backlog in one go.
const TAKEN_IN: usize = 256;

/// Such steps before everything else of the source has its turn, however many messages come.
const STEPS_IN: u32 = 64;

/// Messages that the registry is given in one go.
const HANDED_OVER: usize = 32;

/// Such steps before messages are taken in again: of those that wait too long the client library drops some, and does not
/// ask whose they are.
const STEPS_OVER: u32 = 8;

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
    let mut taken = Vec::with_capacity(TAKEN_IN);
    let mut turn = Turn::of(STEPS_IN);
    loop {
        turn.step().await;
        let take = |message: Message| taken.extend(sort(shared, &mut others, message));
        if !those_there(&mut messages, take).await {
            return Err(Error::Closed);
        }
        if !taken.is_empty() && backlog.push(taken.drain(..)).is_err() {
            drops.notify_one();
        }
    }
}

/// The turn of one who might go on for ever, which ends after so many steps: then the other duties of the task have theirs.
struct Turn {
    steps: u32,
    left: u32,
}

impl Turn {
    const fn of(steps: u32) -> Self {
        Self { steps, left: steps }
    }

    async fn step(&mut self) {
        if self.left == 0 {
            self.left = self.steps;
            yield_now().await;
        }
        self.left -= 1;
    }
}

/// Waits for a message, and takes it with those that are there as well, within a bound. Whether there was any.
async fn those_there(messages: &mut Subscriber, mut take: impl FnMut(Message)) -> bool {
    let mut count = 0;
    poll_fn(|context| {
        while count < TAKEN_IN {
            match Pin::new(&mut *messages).poll_next(context) {
                Poll::Ready(Some(message)) => {
                    count += 1;
                    take(message);
                }
                Poll::Ready(None) => break,
                Poll::Pending if count == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(count > 0)
    })
    .await
}

/// What of a message has to be handled, if anything has.
fn sort(shared: &Shared, others: &mut Others, message: Message) -> Option<Received> {
    let Some(kind) = Kind::of_subject(&message.subject) else {
        shared.metrics.ignored.inc();
        if &*message.subject == "router.start" {
            others.heard(&message.payload, &shared.announcement);
        }
        return None;
    };
    shared.metrics.received(kind);
    let payload = message.payload;
    if payload.len() > shared.reader.policy.limits.message_bytes {
        // Refused here already: what is never decoded need not be held.
        shared.reader.refuse_too_large(kind, &payload);
        return None;
    }
    Some(Received { kind, payload })
}

/// Handles what was taken in, in its order.
pub(super) async fn handle(
    reader: Arc<Reader>,
    backlog: &Backlog,
    source: &Source,
) -> Result<(), Error> {
    let key = Key::random();
    let mut known = Known::new();
    let otherwise: Otherwise = {
        let reader = Arc::clone(&reader);
        Arc::new(move |payload, fingerprint| {
            let read = reader.read(Kind::Register, payload, Some(fingerprint))?;
            Some(read.registration)
        })
    };
    let mut received = Vec::with_capacity(HANDED_OVER);
    let mut recognised = Vec::with_capacity(HANDED_OVER);
    let mut turn = Turn::of(STEPS_OVER);
    loop {
        backlog.next(HANDED_OVER, &mut received).await;
        if received.len() == HANDED_OVER {
            turn.step().await;
        }
        recognise(&received, &key, &mut known, &mut recognised);
        let mut messages = Vec::with_capacity(received.len());
        for (message, recognised) in received.drain(..).zip(&recognised) {
            messages.extend(match recognised {
                Some(recognised) => registration(&reader, message.payload, recognised, &mut known),
                None => reader.unregistration(&message.payload),
            });
        }
        if messages.is_empty() {
            continue;
        }
        let otherwise = Arc::clone(&otherwise);
        let batch = Batch {
            messages,
            otherwise,
        };
        source.send(Event::Received(batch)).await?;
    }
}

/// What the payload of a registration is to those that came before.
struct Recognised {
    fingerprint: Fingerprint,
    is_known: bool,
}

/// Recognises the registrations among messages. The table of what is known is larger than a cache: it is asked for all of
/// them in a row, so that the waits for memory are over together.
fn recognise(
    received: &[Received],
    key: &Key,
    known: &mut Known,
    recognised: &mut Vec<Option<Recognised>>,
) {
    recognised.clear();
    recognised.extend(received.iter().map(|message| {
        (message.kind == Kind::Register).then(|| Recognised {
            fingerprint: key.fingerprint(&message.payload),
            is_known: false,
        })
    }));
    for one in recognised.iter_mut().flatten() {
        one.is_known = known.contains(one.fingerprint);
    }
}

/// A payload that came before is left to the registry, which knows whether it still holds what it says.
fn registration(
    reader: &Reader,
    payload: Bytes,
    recognised: &Recognised,
    known: &mut Known,
) -> Option<registry_task::Message> {
    let fingerprint = recognised.fingerprint;
    if recognised.is_known {
        return Some(registry_task::Message::Repeated(fingerprint, payload));
    }
    let read = reader.read(Kind::Register, &payload, Some(fingerprint))?;
    // What was refused of it has to be counted each time.
    if read.refusals.is_empty() {
        known.insert(fingerprint);
    }
    Some(registry_task::Message::Register(read.registration))
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
    fn read(
        &self,
        kind: Kind,
        payload: &Bytes,
        fingerprint: Option<Fingerprint>,
    ) -> Option<Parsed> {
        let subject = kind.subject();
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
                            component: "subscriber",
                            subject,
                            publisher,
                            payload,
                        },
                    );
                }
                Some(parsed).filter(|parsed| !parsed.registration.uris.is_empty())
            }
            Err(refused) => {
                let publisher = &refused.publisher;
                self.refusals.report(
                    &refused.refusal,
                    Origin {
                        component: "subscriber",
                        subject,
                        publisher,
                        payload,
                    },
                );
                None
            }
        }
    }

    fn unregistration(&self, payload: &Bytes) -> Option<registry_task::Message> {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let message = serde_json::Value::from(message::excerpt(payload)).to_string();
            tracing::debug!(
                component = "subscriber",
                message.json = message,
                "unregister-route"
            );
        }
        let read = self.read(Kind::Unregister, payload, None)?;
        Some(registry_task::Message::Unregister(read.registration))
    }

    fn refuse_too_large(&self, kind: Kind, payload: &[u8]) {
        let bound = self.policy.limits.message_bytes;
        let detail = format!("{} bytes, at most {bound}", payload.len());
        let begin = &payload[..bound.min(payload.len())];
        let publisher = String::from_utf8_lossy(message::publisher(begin));
        let origin = Origin {
            component: "subscriber",
            subject: kind.subject(),
            publisher: &publisher,
            payload,
        };
        self.refusals
            .report(&Refusal::with(Cause::TooLarge, detail), origin);
    }
}
