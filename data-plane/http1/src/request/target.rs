//! Part of the codec.
