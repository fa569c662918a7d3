//! What reading one message takes of memory, as the allocator is asked for it: the same on every machine.

use std::alloc::System;

use pointsman_control_plane::sources::message::{Policy, parse};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What may be allocated for each byte of the text.
const FOR_A_BYTE: usize = 4;

/// What may be allocated for each URI, of which there are 1024 at most.
const FOR_A_URI: usize = 192;

/// What may be allocated for each source of a policy, of which there are 4096 at most.
const FOR_A_SOURCE: usize = 64;

/// What may be allocated for a message of any kind, the room for its tags among it.
const FOR_ANY: usize = 4096;

/// How long the long parts of messages are: a message with one is just below what is decoded.
const LONG: usize = 250_000;

/// A message, with what it names: URIs, and sources of a policy.
struct Case {
    about: &'static str,
    uris: usize,
    sources: usize,
    payload: Vec<u8>,
}

fn case(about: &'static str, payload: impl Into<Vec<u8>>) -> Case {
    Case {
        about,
        uris: 1,
        sources: 0,
        payload: payload.into(),
    }
}

/// A message with these members beside those that it has to have, or in their place.
fn message(members: &Value) -> String {
    let mut message = json!({"host": "10.0.0.1", "port": 80, "uris": ["a.example.com"]});
    for (name, value) in members.as_object().expect("members") {
        message[name] = value.clone();
    }
    message.to_string()
}

/// A message of so many URIs.
fn naming(about: &'static str, count: usize, uri: impl Fn(usize) -> String) -> Case {
    let uris: Vec<_> = (0..count).map(uri).collect();
    Case {
        uris: count.min(1024),
        ..case(about, message(&json!({ "uris": uris })))
    }
}

/// A message of so many sources.
fn let_in(about: &'static str, count: usize) -> Case {
    let sources = "a,".repeat(count);
    let options = json!({"route_policy_scope": "any", "route_policy_sources": sources});
    Case {
        sources: count.min(4096),
        ..case(about, message(&json!({ "options": options })))
    }
}

/// Bytes that are no text, as the value of a key.
fn broken(key: &str) -> Vec<u8> {
    let head = format!(r#"{{"port":1,"uris":["a"],"{key}":""#);
    [head.as_bytes(), &[0xff; LONG], br#""}"#].concat()
}

fn cases() -> Vec<Case> {
    let long = "x".repeat(LONG);
    // What would be written with more letters than it has.
    let unseen = "\u{7f}".repeat(LONG);
    let tags: serde_json::Map<_, _> = (0..32).map(|at| (at.to_string(), json!("v"))).collect();
    let mut cases = vec![
        case(
            "usual",
            message(&json!({"app": "0123", "tags": {"a": "b"}})),
        ),
        case("small", r#"{"host":"a.b","port":1,"uris":["a"]}"#),
        case("all tags", message(&json!({ "tags": tags }))),
        naming("short URIs", 1024, |at| format!("{at:x}")),
        naming("empty URIs", 1024, |_| String::new()),
        naming("refused URIs", 1024, |at| format!("*.a{at:x}")),
        naming("too many URIs", 50_000, |at| format!("{at:x}")),
        naming("long URIs", 120, |at| {
            format!("A{at}.com/{}", "X".repeat(2_000))
        }),
        naming("too long URIs", 10, |_| "x".repeat(20_000)),
        let_in("all sources", 4096),
        let_in("too many sources", 120_000),
        case("too large", vec![b'['; 1 << 20]),
        case("deep", vec![b'['; LONG]),
        case("no text at all", vec![0xff; LONG]),
        case(
            "escaped host",
            message(&json!({"host": "\u{1}".repeat(LONG / 6)})),
        ),
        case("unknown key", message(&json!({ &long: 1 }))),
        case(
            "unknown list",
            message(&json!({"unknown": vec![1; LONG / 2]})),
        ),
        case("equal keys", {
            let again = r#","uris":["a"],"tags":{"a":"b"}"#.repeat(LONG / 32);
            format!(r#"{{"host":"10.0.0.1","port":80{again}}}"#)
        }),
        case("a string", format!(r#""{unseen}""#)),
    ];
    for key in ["port", "uris", "tags", "options", "endpoint_updated_at_ns"] {
        cases.push(case(key, message(&json!({ key: unseen }))));
        cases.push(case(key, broken(key)));
    }
    for key in ["host", "app", "protocol", "isolation_segment"] {
        cases.push(case(key, message(&json!({ key: long }))));
        cases.push(case(key, broken(key)));
    }
    cases
}

/// How long the text is, in which each byte that is no text is one replacement character.
fn text_of(payload: &[u8]) -> usize {
    let chunks = payload.utf8_chunks();
    chunks
        .map(|it| it.valid().len() + 3 * it.invalid().len())
        .sum()
}

/// R-111: reading a message allocates four times its text at most, and a little for each thing that it names
#[test]
fn a_message_costs_what_its_size_allows() {
    let policy = Policy::default();
    for case in cases() {
        let region = Region::new(ALLOCATOR);
        let read = parse(&case.payload, &policy, None);
        let allocated = region.change().bytes_allocated;
        drop(read);
        let bound = FOR_A_BYTE * text_of(&case.payload)
            + FOR_A_URI * case.uris
            + FOR_A_SOURCE * case.sources
            + FOR_ANY;
        assert!(
            allocated <= bound,
            "{}: {allocated} bytes for {}; expected at most {bound}",
            case.about,
            case.payload.len()
        );
    }
}
