//! How messages come off the stream: decoded from one slice.
//!
//! The library's own decoder reads through its network buffer, and pays for each field, of which a
//! route has dozens, for the chance that the next bytes are of another piece. A message is always
//! whole and in one piece when it is decoded.

use pointsman_proto::v1;
use prost::Message as _;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

/// What a data plane says and hears.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Messages;

impl Codec for Messages {
    type Encode = v1::FollowRequest;
    type Decode = v1::FollowResponse;
    type Encoder = ProstEncoder<v1::FollowRequest>;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Decoder for Messages {
    type Item = v1::FollowResponse;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        // Nothing is copied: the bytes are split off the buffer that they stand in.
        let message = from.copy_to_bytes(from.remaining());
        v1::FollowResponse::decode(&*message)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
