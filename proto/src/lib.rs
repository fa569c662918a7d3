//! The contract between the planes: messages and services, and nothing else.
//!
//! The words of the stream are explained where they are defined, in `pointsman/distribution/v1/*.proto`. Generated types
//! stop at the edge of each plane, in its `to_proto` and `from_proto`.

/// Routes and their distribution, first version.
pub mod v1 {
    #![allow(
        missing_docs,
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::doc_markdown,
        clippy::large_futures,
        clippy::too_many_lines,
        unreachable_pub,
        unused_qualifications,
        reason = "generated from the contract, which documents each message and field"
    )]
    tonic::include_proto!("pointsman.distribution.v1");
}

/// The level of the protocol that this build speaks. It rises when a peer has to know that the other end
/// understands something that no capability names.
pub const PROTOCOL_LEVEL: u32 = 1;
