//! What publishers send, and what is made of it.

mod decoding;
mod fields;
mod properties;
mod publishers;
mod targets;

use serde_json::json;

use super::*;

fn policy() -> Policy {
    Policy {
        enable_http2: true,
        ..Policy::default()
    }
}

fn parsed(payload: &str) -> Parsed {
    let parsed = parse(payload.as_bytes(), &policy(), None);
    parsed.unwrap_or_else(|refused| panic!("{payload}: {}", refused.refusal))
}

fn refused(payload: &str) -> Refusal {
    match parse(payload.as_bytes(), &policy(), None) {
        Ok(parsed) => panic!("{payload}: taken as {parsed:?}"),
        Err(refused) => refused.refusal,
    }
}

/// A good message with these fields beside the ones that are needed.
fn message(fields: serde_json::Value) -> String {
    let mut message = json!({"uris": ["a.example.com"], "host": "10.0.0.1", "port": 80});
    let serde_json::Value::Object(fields) = fields else {
        panic!("fields are an object")
    };
    message.as_object_mut().expect("an object").extend(fields);
    message.to_string()
}

fn registration(fields: serde_json::Value) -> Registration {
    parsed(&message(fields)).registration
}
