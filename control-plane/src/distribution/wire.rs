//! How messages go onto the stream: encoded by the session, and only passed on by the library.
//!
//! A message that waits for room costs what it takes on the wire and no more; as a tree of fields it would be several
//! times that.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut as _, Bytes};
use hyper::body::Incoming;
use pointsman_proto::v1;
use pointsman_proto::v1::distribution_service_server::SERVICE_NAME;
use pointsman_registry::Thing;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic::codegen::BoxFuture;
use tonic::server::{Grpc, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstDecoder;
use tower::Service as TowerService;

use super::batch;
use super::service::Service;

/// The largest message in either direction (L-36).
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// What a buffer of the library begins with.
const BUFFER: usize = 4 * 1024;

/// A message of a control plane, encoded.
#[derive(Clone, Debug)]
pub(super) struct Encoded(Bytes);

impl Encoded {
    pub(super) fn of(message: &v1::FollowResponse) -> Self {
        Self(message.encode_to_vec().into())
    }

    /// Things to add or change.
    pub(super) fn batch(things: &[Thing]) -> Self {
        Self(batch::encode(things))
    }

    /// What it says.
    #[cfg(test)]
    pub(super) fn decoded(&self) -> v1::FollowResponse {
        v1::FollowResponse::decode(self.0.clone()).expect("a message of ours")
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }
}

/// Messages that go out one behind the other: at least one.
pub(super) type Parcel = VecDeque<Encoded>;

/// What a session has to say.
pub(super) type Outgoing = Result<Parcel, Status>;

/// What a session says, message by message.
pub(super) struct Outbound {
    parcels: mpsc::Receiver<Outgoing>,
    /// The rest of the one that is under way.
    parcel: Parcel,
}

impl Outbound {
    pub(super) fn new(parcels: mpsc::Receiver<Outgoing>) -> Self {
        Self {
            parcels,
            parcel: Parcel::new(),
        }
    }
}

impl Stream for Outbound {
    type Item = Result<Encoded, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(message) = self.parcel.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            match ready!(self.parcels.poll_recv(context)) {
                Some(Ok(parcel)) => self.parcel = parcel,
                Some(Err(status)) => return Poll::Ready(Some(Err(status))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Encodes nothing, and decodes what data planes say.
#[derive(Clone, Copy, Debug, Default)]
struct Wire;

impl Codec for Wire {
    type Encode = Encoded;
    type Decode = v1::FollowRequest;
    type Encoder = Self;
    type Decoder = ProstDecoder<v1::FollowRequest>;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(buffers())
    }
}

impl Encoder for Wire {
    type Item = Encoded;
    type Error = Status;

    fn encode(&mut self, Encoded(message): Encoded, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

/// Small messages are handed on in one piece, large ones by themselves: several of them would lie in memory together.
fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER, BUFFER)
}

/// The service of the contract, as one HTTP request after the other asks for it.
#[derive(Clone, Debug)]
pub(super) struct Rpc(pub(super) Arc<Service>);

impl TowerService<http::Request<Incoming>> for Rpc {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        let path = request.uri().path().strip_prefix('/');
        let method = path.and_then(|path| path.strip_prefix(SERVICE_NAME));
        if method != Some("/Follow") {
            return Box::pin(async {
                Ok(Status::unimplemented("this service has one method, Follow").into_http())
            });
        }
        let follow = Follow(Arc::clone(&self.0));
        Box::pin(async move {
            let mut grpc =
                Grpc::new(Wire).apply_max_message_size_config(Some(MAX_MESSAGE), Some(MAX_MESSAGE));
            Ok(grpc.streaming(follow, request).await)
        })
    }
}

struct Follow(Arc<Service>);

impl StreamingService<v1::FollowRequest> for Follow {
    type Response = Encoded;
    type ResponseStream = Outbound;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<v1::FollowRequest>>) -> Self::Future {
        let service = Arc::clone(&self.0);
        Box::pin(async move { service.follow(request).await })
    }
}
