//! Bodies: where one ends when it comes in, and how its end is marked when it goes out.

pub(crate) mod bad;
pub(crate) mod chunked;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod length;
pub(crate) mod trailers;
