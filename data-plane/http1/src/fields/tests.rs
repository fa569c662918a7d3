use super::{Fields, InvalidField};
use crate::known::{Known, KnownSet};

fn list(fields: &[(&str, &str)]) -> Fields {
    let mut list = Fields::new();
    for (name, value) in fields {
        assert_eq!(list.push(*name, value.as_bytes()), Ok(()));
    }
    list
}

fn written(fields: &Fields) -> String {
    let mut out = Vec::new();
    fields.write(&mut out, KnownSet::EMPTY);
    String::from_utf8(out).expect("only ASCII was put in")
}

#[test]
fn fields_are_found_by_known_and_by_other_names() {
    let fields = list(&[
        ("Cookie", "a"),
        ("X-One", "1"),
        ("COOKIE", "b"),
        ("x-one", "2"),
    ]);
    assert_eq!(fields.get(Known::Cookie), Some(&b"a"[..]));
    assert_eq!(fields.get("cookie"), Some(&b"a"[..]));
    assert_eq!(fields.get("x-ONE"), Some(&b"1"[..]));
    assert_eq!(
        fields.get_all(Known::Cookie).collect::<Vec<_>>(),
        [b"a", b"b"]
    );
    assert_eq!(fields.get_all("X-One").collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(!fields.contains(Known::Via) && !fields.contains("x-on") && !fields.contains(""));
    assert!(fields.present().contains(Known::Cookie) && !fields.present().contains(Known::Via));
    assert_eq!(fields.len(), 4);
}

#[test]
fn removing_takes_every_field_of_the_name() {
    let all = [
        ("Via", "a"),
        ("X", "1"),
        ("Cookie", "b"),
        ("x", "2"),
        ("via", "c"),
        ("Y", "3"),
    ];
    let mut fields = list(&all);
    assert!(fields.remove(Known::Via));
    assert!(!fields.remove(Known::Via));
    assert!(!fields.present().contains(Known::Via));
    assert!(fields.remove("X"));
    assert!(!fields.remove("X"));
    assert_eq!(written(&fields), "Cookie: b\r\nY: 3\r\n");
    let mut fields = list(&all);
    fields.remove_all(KnownSet::of(&[Known::Via, Known::Cookie, Known::Host]));
    assert_eq!(written(&fields), "X: 1\r\nx: 2\r\nY: 3\r\n");
    fields.retain(|field| field.value != b"2");
    assert_eq!(written(&fields), "X: 1\r\nY: 3\r\n");
    fields.clear();
    assert!(fields.is_empty() && written(&fields).is_empty());
}

#[test]
fn setting_replaces_all_by_one_at_the_end() {
    let mut fields = list(&[("Via", "a"), ("X", "1"), ("VIA", "b")]);
    assert_eq!(fields.set(Known::Via, b"c"), Ok(()));
    assert_eq!(written(&fields), "X: 1\r\nVia: c\r\n");
    assert_eq!(fields.set("x", b"bad\n"), Err(InvalidField::Value));
    assert_eq!(written(&fields), "X: 1\r\nVia: c\r\n");
}

#[test]
fn what_cannot_be_written_is_not_taken() {
    let mut fields = Fields::new();
    assert_eq!(fields.push("X", b"a\r\nY: b"), Err(InvalidField::Value));
    assert_eq!(fields.push("X", b" a"), Err(InvalidField::Value));
    assert_eq!(fields.push("X Y", b"a"), Err(InvalidField::Name));
    assert_eq!(fields.push(Known::Other, b"a"), Err(InvalidField::Name));
    assert_eq!(
        fields.push("X".repeat(1025).as_str(), b"a"),
        Err(InvalidField::TooLong)
    );
    assert_eq!(
        fields.push("X", &vec![b'a'; (1 << 20) + 1]),
        Err(InvalidField::TooLong)
    );
    assert!(fields.is_empty());
    assert_eq!(fields.push("X", b""), Ok(()));
    assert_eq!(fields.push("X", "\u{e4}\tb".as_bytes()), Ok(()));
    assert_eq!(written(&fields), "X: \r\nX: \u{e4}\tb\r\n");
}

/// R-021: what `Connection` names goes, in lists and over several lines, beside `close` too, and
/// with it every field that never passes a hop.
#[test]
fn hop_by_hop_fields_are_stripped() {
    let mut fields = list(&[
        ("Connection", "close, X-A ,,x-b"),
        ("X-A", "1"),
        ("X-Keep", "2"),
        ("x-B", "3"),
        ("Connection", "Via, Keep-Alive, X-C"),
        ("X-C", "4"),
        ("Via", "5"),
        ("Keep-Alive", "6"),
        ("Proxy-Connection", "7"),
        ("Proxy-Authenticate", "8"),
        ("Proxy-Authorization", "9"),
        ("TE", "trailers"),
        ("Trailer", "10"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "11"),
    ]);
    fields.strip_hop_by_hop(|_| false);
    assert_eq!(written(&fields), "X-Keep: 2\r\n");
}

#[test]
fn connection_names_many_fields_in_any_order() {
    let names: Vec<String> = (0..100)
        .map(|number| format!("X-{}", number * 7 % 100))
        .collect();
    let mut fields = Fields::new();
    for name in names.iter().chain(&names) {
        assert_eq!(fields.push(name.as_str(), b"v"), Ok(()));
    }
    let named: Vec<String> = names
        .iter()
        .filter(|name| name.len() < 4)
        .cloned()
        .collect();
    let value = [
        named.join(",").to_lowercase(),
        "x-5,x-5,x-absent,x-".to_owned(),
    ]
    .join(" , ");
    assert_eq!(fields.push(Known::Connection, value.as_bytes()), Ok(()));
    fields.strip_hop_by_hop(|name| name.as_bytes() == b"x-7");
    let kept: Vec<_> = fields
        .iter()
        .map(|field| field.name.as_bytes().len())
        .collect();
    assert_eq!(kept.iter().filter(|len| **len == 4).count(), 180);
    assert_eq!(kept.len(), 182, "the protected one is there twice");
    assert_eq!(fields.get_all("X-7").count(), 2);
}

/// R-022: `Connection` does not remove what is protected.
#[test]
fn protected_fields_are_not_stripped() {
    let mut fields = list(&[
        ("Connection", "X-Forwarded-For, X-Mine, X-Other, Cookie"),
        ("X-Forwarded-For", "1"),
        ("X-Mine", "2"),
        ("X-Other", "3"),
        ("Cookie", "4"),
    ]);
    fields.strip_hop_by_hop(|name| {
        name.known() == Known::XForwardedFor || name.as_bytes().eq_ignore_ascii_case(b"x-mine")
    });
    assert_eq!(written(&fields), "X-Forwarded-For: 1\r\nX-Mine: 2\r\n");
}

#[test]
fn lists_are_read_over_all_fields() {
    let fields = list(&[
        ("Via", "a, b,,"),
        ("X", "n"),
        ("Via", " c".trim()),
        ("Via", ","),
    ]);
    assert_eq!(
        fields.list(Known::Via).collect::<Vec<_>>(),
        [b"a", b"b", b"c"]
    );
    assert_eq!(fields.list("absent").count(), 0);
}

#[test]
fn lists_compare_by_names_and_values() {
    assert_eq!(
        list(&[("a", "1"), ("b", "2")]),
        list(&[("A", "1"), ("B", "2")])
    );
    assert_ne!(
        list(&[("a", "1"), ("b", "2")]),
        list(&[("b", "2"), ("a", "1")])
    );
    assert_ne!(list(&[("a", "1")]), list(&[("a", "2")]));
    assert_eq!(format!("{:?}", list(&[("a", "1")])), r#"{"a": "1"}"#);
}
