//! The contract between the planes: messages and services.
