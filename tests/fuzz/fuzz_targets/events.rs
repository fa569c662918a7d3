//! Any bytes as a stream of server-sent events: where it is cut makes no difference, and nothing is held beyond its bound.
//! The first byte says where.
#![no_main]
#![allow(dead_code)]

#[path = "../../../control-plane/src/sources/routing_api/sse.rs"]
mod sse;

use libfuzzer_sys::fuzz_target;

fn read(parts: &[&[u8]]) -> Result<Vec<sse::Event>, sse::TooLarge> {
    let mut reader = sse::Reader::default();
    let mut events = Vec::new();
    for part in parts {
        reader.read(part, &mut events)?;
    }
    Ok(events)
}

fuzz_target!(|input: &[u8]| {
    let Some((first, stream)) = input.split_first() else {
        return;
    };
    let (one, other) = stream.split_at(usize::from(*first).min(stream.len()));
    let whole = read(&[stream]).expect("it is shorter than the bound");
    assert_eq!(read(&[one, other]).as_ref(), Ok(&whole));
    let bytes: Vec<_> = stream.chunks(1).collect();
    assert_eq!(read(&bytes).as_ref(), Ok(&whole));
    // What is no text grows by what it is replaced with.
    let held: usize = whole.iter().map(|event| event.name.len() + event.data.len()).sum();
    assert!(held <= 3 * stream.len());
});
