//! The component of Cloud Foundry's old collectors: it announces itself, and tells who asks for all components
//! (section 16.4 of the control-plane reference).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_nats::Client;
use bytes::Bytes;
use tokio_stream::StreamExt as _;

use super::Error;
use super::greetings::is_router_subject;

/// Where collectors ask.
const DISCOVER: &str = "vcap.component.discover";

/// Where components announce themselves.
const ANNOUNCE: &str = "vcap.component.announce";

type Described = Pin<Box<dyn Future<Output = Bytes> + Send>>;

/// What says what the process is and does: the document that collectors get.
#[derive(Clone)]
pub struct Describe(Arc<dyn Fn() -> Described + Send + Sync>);

impl Describe {
    /// What is worked out for each who asks.
    pub fn new<Document>(describe: impl Fn() -> Document + Send + Sync + 'static) -> Self
    where
        Document: Future<Output = Bytes> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(describe())))
    }

    async fn document(&self) -> Bytes {
        (self.0)().await
    }
}

impl fmt::Debug for Describe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Describe(..)")
    }
}

/// Announces the process once, and answers collectors.
pub(super) async fn answer(describe: &Describe, client: &Client) -> Result<(), Error> {
    let subscribed = client.subscribe(DISCOVER).await;
    let mut asked = subscribed.map_err(|error| Error::Subscribe(error.to_string()))?;
    let sent = client.publish(ANNOUNCE, describe.document().await).await;
    sent.map_err(|error| Error::Publish(error.to_string()))?;
    tracing::info!(
        component = "router",
        "Component Router registered successfully"
    );
    while let Some(message) = asked.next().await {
        match message.reply {
            Some(reply) if is_router_subject(&reply) => {}
            Some(reply) => {
                let sent = client.publish(reply, describe.document().await).await;
                if let Err(error) = sent {
                    tracing::debug!(component = "router", %error, "failed-to-answer-discovery");
                }
            }
            None => tracing::info!(
                component = "router",
                "nats-msg-subject" = DISCOVER,
                "Received message with empty reply"
            ),
        }
    }
    Err(Error::Closed)
}
