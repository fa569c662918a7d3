//! From bytes to a message.

use super::*;

/// C-024: a payload of one blank registers nothing
/// C-025: an empty payload is refused as an unexpected end
/// C-055: a port above 65535 refuses the message
/// C-056: a port as text refuses the message
/// C-057: an index as a number refuses the message
/// C-058: a tag with a numeric value refuses the message
/// C-059: a balancing option as a number refuses the message
#[test]
fn messages_that_are_none_are_refused_by_cause() {
    let good = message(json!({}));
    let trailing = format!("{good}x");
    let second = format!("{good}{good}");
    let marked = format!("\u{feff}{good}");
    let cut = &good[..good.len() - 1];
    for (payload, cause) in [
        ("", Cause::Truncated),
        (" ", Cause::Truncated),
        (cut, Cause::Truncated),
        (&trailing, Cause::NotJson),
        (&second, Cause::NotJson),
        (&marked, Cause::NotJson),
        ("nonsense", Cause::NotJson),
        ("{\"host\":\"a\nb\"}", Cause::NotJson),
        ("[]", Cause::WrongType),
        ("\"text\"", Cause::WrongType),
        ("7", Cause::WrongType),
        (r#"{"port": 70000}"#, Cause::WrongType),
        (r#"{"port": -1}"#, Cause::WrongType),
        (r#"{"port": 80.5}"#, Cause::WrongType),
        (r#"{"port": 80.0}"#, Cause::WrongType),
        (r#"{"port": 8e1}"#, Cause::WrongType),
        (r#"{"port": "80"}"#, Cause::WrongType),
        (r#"{"tls_port": true}"#, Cause::WrongType),
        (r#"{"private_instance_index": 0}"#, Cause::WrongType),
        (r#"{"stale_threshold_in_seconds": 1.5}"#, Cause::WrongType),
        (r#"{"stale_threshold_in_seconds": "1"}"#, Cause::WrongType),
        (r#"{"endpoint_updated_at_ns": 1e3}"#, Cause::WrongType),
        (
            r#"{"endpoint_updated_at_ns": 9223372036854775808}"#,
            Cause::WrongType,
        ),
        (r#"{"uris": "a.example.com"}"#, Cause::WrongType),
        (r#"{"uris": ["a", 1]}"#, Cause::WrongType),
        (r#"{"tags": {"a": 1}}"#, Cause::WrongType),
        (r#"{"tags": []}"#, Cause::WrongType),
        (r#"{"options": "none"}"#, Cause::WrongType),
        (r#"{"options": {"loadbalancing": 1}}"#, Cause::WrongType),
        (r#"{"options": {"hash_balance": "1.2"}}"#, Cause::WrongType),
    ] {
        assert_eq!(refused(payload).cause, cause, "{payload}");
    }
    assert_eq!(refused("").to_string(), "unexpected end of JSON input");
    let port = refused(r#"{"port": 70000}"#).to_string();
    assert!(
        port.starts_with("a value has the wrong type: port: "),
        "{port}"
    );
}

/// C-051: an extra key is ignored
/// C-060: options that are null are no options
/// C-061: keys match without regard to case
/// C-062: a message that is null says nothing
/// R-114: unknown keys are ignored and counted
#[test]
fn decoding_has_gos_manners() {
    let null = parsed("null");
    assert!(null.registration.uris.is_empty());
    let extra = parsed(&message(
        json!({"dea": "x", "future": {"a": [1, {"b": null}]}}),
    ));
    assert_eq!((extra.registration.uris.len(), extra.unknown_keys), (1, 2));

    for (payload, host) in [
        (
            r#"{"uris":["a.b"],"HOST":"10.0.0.2","port":80}"#,
            "10.0.0.2:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","HOST":"10.0.0.2","port":80}"#,
            "10.0.0.2:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"host":"10.0.0.3"}"#,
            "10.0.0.3:80",
        ),
        (
            r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"host":null}"#,
            "10.0.0.1:80",
        ),
        (
            r#"{"uris":["x.y"],"uris":["a.b"],"host":"10.0.0.1","port":80}"#,
            "10.0.0.1:80",
        ),
    ] {
        let registration = parsed(payload).registration;
        assert_eq!(&*registration.address, host, "{payload}");
        assert_eq!(registration.uris.len(), 1);
        assert_eq!(registration.uris[0].as_sent(), "a.b");
    }
    let merged = r#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"tags":{"a":"1","b":"2"},
        "options":{"loadbalancing":"hash","hash_header":"X"},"tags":{"b":"3"},"OPTIONS":null,
        "options":{"hash_balance":1.5}}"#;
    let description = parsed(merged).registration.description;
    assert_eq!(
        description.tags().collect::<Vec<_>>(),
        [("a", "1"), ("b", "3")]
    );
    assert_eq!(
        (description.hash_header(), description.hash_balance()),
        ("X", 1.5)
    );
    let no_tags = registration(json!({"tags": null, "options": null}));
    assert!(!no_tags.description.has_tags());
    let empty_tags = registration(json!({"tags": {}}));
    assert!(empty_tags.description.has_tags());
}

#[test]
fn text_that_is_not_utf8_is_repaired() {
    let mut payload = br#"{"uris":["a.b"],"host":"10.0.0.1","port":80,"app":"x?y"}"#.to_vec();
    let at = payload.iter().position(|byte| *byte == b'?').unwrap();
    payload[at] = 0xff;
    let parsed = parse(&payload, &policy(), None).unwrap();
    assert_eq!(parsed.registration.description.app_id(), "x\u{fffd}y");
}

/// L-30: more than 256 KiB are not decoded
/// L-31: a message names at most 1024 URIs
/// L-32: ids, index and tags are bounded
#[test]
fn sizes_are_bounded() {
    let padded = |bytes: usize| {
        let message = message(json!({}));
        format!("{message}{}", " ".repeat(bytes - message.len()))
    };
    assert!(parse(padded(256 * 1024).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&padded(256 * 1024 + 1)).cause, Cause::TooLarge);

    let uris = |count: usize| message(json!({"uris": vec!["a.b"; count]}));
    assert_eq!(parsed(&uris(1024)).registration.uris.len(), 1024);
    assert_eq!(refused(&uris(1025)).cause, Cause::TooManyUris);

    let tags = |count: usize| {
        let tags: serde_json::Map<_, _> = (0..count)
            .map(|tag| (tag.to_string(), json!("x")))
            .collect();
        message(json!({ "tags": tags }))
    };
    assert!(parse(tags(32).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&tags(33)).cause, Cause::TooManyTags);

    for (field, longest) in [
        ("app", 128),
        ("private_instance_id", 128),
        ("private_instance_index", 16),
        ("isolation_segment", 128),
        ("availability_zone", 128),
    ] {
        let of = |length: usize| message(json!({ field: "x".repeat(length) }));
        assert!(
            parse(of(longest).as_bytes(), &policy(), None).is_ok(),
            "{field}"
        );
        let refusal = refused(&of(longest + 1));
        assert_eq!(refusal.cause, Cause::FieldTooLong, "{field}");
        assert!(refusal.detail.contains(field), "{refusal}");
    }
    let value = message(json!({"tags": {"a": "x".repeat(257)}}));
    assert_eq!(refused(&value).cause, Cause::FieldTooLong);
}

/// R-111: more than 32 levels are not decoded
#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| {
        message(json!({})).replace(
            '}',
            &format!(",\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels)),
        )
    };
    assert!(parse(nested(31).as_bytes(), &policy(), None).is_ok());
    assert_eq!(refused(&nested(32)).cause, Cause::TooDeep);
    assert_eq!(refused(&"[".repeat(200_000)).cause, Cause::TooDeep);
}
