//! The two header fields that prove where a request comes from, as texts: what is sealed stands in
//! `X-CF-Proxy-Signature`, and the nonce that it was sealed with in `X-CF-Proxy-Metadata` (D-597
//! to D-606). Both are Gorouter's to the byte.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Padded, in the alphabet for URLs. Bits behind the last byte do not matter, as in Go.
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The same in the usual alphabet.
const USUAL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// How long a nonce is.
pub(crate) const NONCE: usize = 12;

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// There is no metadata beside it.
    NoMetadata,
    /// One of the two is no base64.
    Base64,
    /// The metadata is not what it should be.
    Metadata,
    /// The nonce has another length.
    Nonce,
    /// None of our keys has made it.
    Key,
    /// What was sealed is not what it should be.
    Contents,
    /// It is too old.
    Expired,
    /// It was made for a URL that has no route.
    UnknownRoute,
    /// It was made for another route.
    OtherRoute,
    /// It was made for another path of the route, where that counts.
    OtherPath,
}

impl Invalid {
    /// What the client is told, in Gorouter's words where they show nothing that was sealed.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NoMetadata => "No metadata found",
            Self::Base64 => "illegal base64 data",
            Self::Metadata => "metadata is not the JSON that it should be",
            Self::Nonce => "incorrect nonce length",
            Self::Key => "cipher: message authentication failed",
            Self::Contents => "signature is not the JSON that it should be",
            Self::Expired => "route service request expired",
            Self::UnknownRoute => "original request URL does not exist in the routing table",
            Self::OtherRoute => {
                "route service forwarded URL does not match the original request URL"
            }
            Self::OtherPath => {
                "route service forwarded URL does not match the path of the original request URL"
            }
        }
    }
}

/// What is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The URL that the service has to call.
    pub(crate) forwarded_url: String,
    /// When it was told so.
    pub(crate) requested_time: Timestamp,
}

/// The same as JSON.
#[derive(Deserialize, Serialize)]
struct Text<'a> {
    #[serde(borrow)]
    forwarded_url: Cow<'a, str>,
    #[serde(borrow)]
    requested_time: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    nonce: Cow<'a, str>,
}

impl Contents {
    /// As it is sealed: JSON as Go writes it, in which nothing could be taken for HTML.
    pub(crate) fn to_json(&self) -> Option<Vec<u8>> {
        let text = Text {
            forwarded_url: self.forwarded_url.as_str().into(),
            requested_time: self.requested_time.to_string().into(),
        };
        let json = serde_json::to_string(&text).ok()?;
        let mut escaped = Vec::with_capacity(json.len() + 16);
        for byte in json.bytes() {
            match byte {
                b'&' => escaped.extend_from_slice(b"\\u0026"),
                b'<' => escaped.extend_from_slice(b"\\u003c"),
                b'>' => escaped.extend_from_slice(b"\\u003e"),
                _ => escaped.push(byte),
            }
        }
        Some(escaped)
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// [`Invalid::Contents`]
    pub(crate) fn of_json(json: &[u8]) -> Result<Self, Invalid> {
        let text: Text<'_> = serde_json::from_slice(json).map_err(|_| Invalid::Contents)?;
        let requested_time = text.requested_time.parse().map_err(|_| Invalid::Contents)?;
        Ok(Self {
            forwarded_url: text.forwarded_url.into_owned(),
            requested_time,
        })
    }
}

/// The value of `X-CF-Proxy-Signature`.
pub(crate) fn signature(sealed: &[u8]) -> String {
    FOR_URLS.encode(sealed)
}

/// What was sealed, of a value of `X-CF-Proxy-Signature`.
///
/// # Errors
/// [`Invalid::Base64`]
pub(crate) fn read_signature(value: &[u8]) -> Result<Vec<u8>, Invalid> {
    FOR_URLS.decode(value).map_err(|_| Invalid::Base64)
}

/// The value of `X-CF-Proxy-Metadata`.
pub(crate) fn metadata(nonce: &[u8; NONCE]) -> String {
    // Nothing in base64 needs an escape.
    FOR_URLS.encode(format!("{{\"nonce\":\"{}\"}}", USUAL.encode(nonce)))
}

/// The nonce in a value of `X-CF-Proxy-Metadata`.
///
/// # Errors
/// Why there is none.
pub(crate) fn read_metadata(value: &[u8]) -> Result<[u8; NONCE], Invalid> {
    if value.is_empty() {
        return Err(Invalid::NoMetadata);
    }
    let json = FOR_URLS.decode(value).map_err(|_| Invalid::Base64)?;
    let metadata: Metadata<'_> = serde_json::from_slice(&json).map_err(|_| Invalid::Metadata)?;
    let nonce = USUAL.decode(&*metadata.nonce);
    let nonce = nonce.map_err(|_| Invalid::Metadata)?;
    nonce.try_into().map_err(|_| Invalid::Nonce)
}
