//! Whatever bytes arrive.

use proptest::prelude::*;

use super::*;

/// JSON of the keys that are known, with values of every kind.
fn nearly_a_message() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec![
        "uris",
        "host",
        "HOST",
        "port",
        "tls_port",
        "tags",
        "options",
        "app",
        "loadbalancing",
        "stale_threshold_in_seconds",
        "endpoint_updated_at_ns",
        "route_service_url",
        "other",
    ]);
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        (0..70_000_u32).prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,20}".prop_map(|value| json!(value)),
        Just(json!("10.0.0.1")),
        Just(json!(["a.example.com"])),
    ];
    let value = leaf.prop_recursive(4, 32, 6, {
        let key = key.clone();
        move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
                prop::collection::vec((key.clone(), inner), 0..6).prop_map(|entries| {
                    json!(
                        entries
                            .into_iter()
                            .collect::<std::collections::HashMap<_, _>>()
                    )
                }),
            ]
        }
    });
    prop::collection::vec((key, value), 0..12).prop_map(|entries| {
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| format!("{}:{value}", json!(key)))
            .collect();
        format!("{{{}}}", entries.join(",")).into_bytes()
    })
}

proptest! {
    /// no bytes make the parser panic, and what is refused has a cause.
    #[test]
    fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..600)) {
        let _either = parse(&payload, &policy(), None);
        prop_assert!(excerpt(&payload).len() <= EXCERPT_BYTES);
    }

    /// no JSON that is nearly a message does either, and what is taken keeps the rules.
    #[test]
    fn no_json_panics(payload in nearly_a_message()) {
        if let Ok(parsed) = parse(&payload, &policy(), None) {
            let taken = parsed.registration;
            prop_assert!(taken.uris.is_empty() || !taken.address.ends_with(":0"));
            prop_assert!(taken.uris.iter().all(|uri| uri.as_sent().is_ascii()));
        }
    }

    /// a cut or changed message is refused or read, never half of each.
    #[test]
    fn damage_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut: bool) {
        let mut payload = message(json!({"tags": {"a": "b"}, "options": {"hash_balance": 1.5}}))
            .into_bytes();
        let at = at.index(payload.len());
        if cut { payload.truncate(at) } else { payload[at] = byte }
        let read = parse(&payload, &policy(), None);
        prop_assert!(!cut || read.is_err());
    }
}
