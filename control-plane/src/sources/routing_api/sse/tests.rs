//! What is read of a stream, however it is cut.

use proptest::prelude::*;

use super::*;

fn event(name: &str, data: &str) -> Event {
    Event {
        name: name.to_owned(),
        data: data.to_owned(),
    }
}

/// All events of a stream that comes in these parts.
fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Event>, TooLarge> {
    let mut reader = Reader::default();
    let mut events = Vec::new();
    for part in parts {
        reader.read(part, &mut events)?;
    }
    Ok(events)
}

#[test]
fn events_are_read_as_the_api_writes_them_and_as_others_may() {
    for (stream, expected) in [
        (
            "id: 0\nevent: Upsert\ndata: {\"port\":1}\n\n",
            vec![event("Upsert", "{\"port\":1}")],
        ),
        (
            "event:Upsert\r\ndata:a\r\n\r\nevent: Delete\r\ndata: b\r\n\r\n",
            vec![event("Upsert", "a"), event("Delete", "b")],
        ),
        ("event: x\rdata: y\r\r", vec![event("x", "y")]),
        ("data: a\ndata:\ndata:  b\n\n", vec![event("", "a\n\n b")]),
        ("data\n\n", vec![event("", "")]),
        ("\u{feff}data: a\n\n", vec![event("", "a")]),
        ("data: \u{feff}a\n\n", vec![event("", "\u{feff}a")]),
        (
            ": keep-alive\n\n:\n\ndata: a\n: within\n\n",
            vec![event("", "a")],
        ),
        (
            "retry: 10\nid: 7\nunknown: z\ndata: a\n\n",
            vec![event("", "a")],
        ),
        // A name without data is forgotten, and the last name counts.
        (
            "event: lost\n\nevent: a\nevent: b\ndata: c\n\n",
            vec![event("b", "c")],
        ),
        // What is not ended is no event.
        ("data: a\n\ndata: b\n", vec![event("", "a")]),
        ("", vec![]),
    ] {
        let whole = read([stream.as_bytes()]).unwrap();
        assert_eq!(whole, expected, "{stream:?}");
        let bytes: Vec<_> = stream.as_bytes().chunks(1).collect();
        assert_eq!(read(bytes).unwrap(), expected, "{stream:?}, byte by byte");
    }
}

#[test]
fn what_is_no_text_is_replaced_and_a_cut_character_is_not() {
    assert_eq!(
        read([&b"data: a\xffb\n\n"[..]]).unwrap(),
        [event("", "a\u{fffd}b")]
    );
    let (one, other) = "data: ä\n\n".as_bytes().split_at(7);
    assert_eq!(read([one, other]).unwrap(), [event("", "ä")]);
}

#[test]
fn neither_a_line_nor_an_event_may_be_larger_than_its_bound() {
    let line = [b'a'; LARGEST + 1];
    assert_eq!(read([&line[..]]), Err(TooLarge));
    let endless = std::iter::repeat_n(&b"data: 0123456789abcdef\n"[..], 10_000);
    assert_eq!(read(endless), Err(TooLarge));
    let comments = std::iter::repeat_n(&b": 0123456789abcdef\n"[..], 10_000);
    assert_eq!(read(comments).unwrap(), []);
    let events = std::iter::repeat_n(&b"data: 0123456789abcdef\n\n"[..], 10_000);
    assert_eq!(read(events).unwrap().len(), 10_000);
}

proptest! {
    #[test]
    fn where_a_stream_is_cut_makes_no_difference(
        lines in proptest::collection::vec("(event: ?[A-Z]?|data:? ?[aä]?|:|\u{feff})?(\r\n|\r|\n)", 0..12),
        cuts in proptest::collection::vec(0_usize..200, 0..8),
    ) {
        let stream = lines.concat();
        let bytes = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(read(parts), read([bytes]));
    }

    #[test]
    fn any_bytes_are_read_or_too_large(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read([&*bytes]).is_ok());
    }
}
