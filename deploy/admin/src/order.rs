//! The body of an order: a JSON object that comes soon.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use crate::Problem;

/// How long a body may take: an order is a few lines, and who does not send it keeps one of few connections.
pub(crate) const BODY: Duration = Duration::from_secs(10);

/// What the body of a request says, as a JSON object.
#[derive(Clone, Copy, Debug)]
pub struct Sent<Order>(pub Order);

/// A body that says nothing.
#[derive(Clone, Debug)]
pub struct NotRead {
    /// The status of the answer.
    pub status: StatusCode,
    /// What is wrong with it, for people.
    pub detail: String,
}

impl IntoResponse for NotRead {
    fn into_response(self) -> Response {
        Problem::of(self.status).because(self.detail).details()
    }
}

impl<Order, State> FromRequest<State> for Sent<Order>
where
    Order: DeserializeOwned,
    State: Send + Sync,
{
    type Rejection = NotRead;

    async fn from_request(request: Request, state: &State) -> Result<Self, NotRead> {
        let body = Json::<Members<Order>>::from_request(request, state);
        match timeout(BODY, body).await {
            Ok(Ok(Json(Members(order)))) => Ok(Self(order)),
            Ok(Err(refused)) => Err(NotRead {
                status: refused.status(),
                detail: refused.body_text(),
            }),
            Err(_elapsed) => Err(NotRead {
                status: StatusCode::REQUEST_TIMEOUT,
                detail: format!("the body did not come within {} seconds", BODY.as_secs()),
            }),
        }
    }
}

/// A structure that is written as a JSON object with its members, and not as the list of their values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Members<Inner>(pub Inner);

impl<'de, Inner: Deserialize<'de>> Deserialize<'de> for Members<Inner> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object(PhantomData)).map(Self)
    }
}

struct Object<Inner>(PhantomData<Inner>);

impl<'de, Inner: Deserialize<'de>> Visitor<'de> for Object<Inner> {
    type Value = Inner;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Inner, A::Error> {
        Inner::deserialize(MapAccessDeserializer::new(members))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::http::header::CONTENT_TYPE;
    use tokio::time::Instant;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        word: String,
        inner: Option<Members<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        number: u8,
    }

    async fn read(body: Body) -> Result<Sent<Order>, NotRead> {
        let request = Request::post("/v1/order").header(CONTENT_TYPE, "application/json");
        Sent::from_request(request.body(body).unwrap(), &()).await
    }

    #[tokio::test]
    async fn an_order_is_an_object() {
        let Sent(order) = read(r#"{"word": "go", "inner": {"number": 7}}"#.into())
            .await
            .unwrap();
        assert_eq!((&*order.word, order.inner.unwrap().0.number), ("go", 7));
        for body in [r#"["go", null]"#, r#"{"word": "go", "inner": [7]}"#, "7"] {
            let refused = read(body.into()).await.unwrap_err();
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert!(
                refused.detail.contains("expected a JSON object"),
                "{}",
                refused.detail
            );
        }
    }

    /// It keeps one of few connections, and nobody is waited for that long.
    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let begun = Instant::now();
        let (sender, body) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
        sender
            .send(Ok(Bytes::from_static(b"{\"word\"")))
            .await
            .unwrap();
        let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(body));
        let refused = read(body).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::REQUEST_TIMEOUT);
        assert!(begun.elapsed() >= BODY && begun.elapsed() < 2 * BODY);
        drop(sender);
    }
}
