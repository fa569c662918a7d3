//! Where a message says that routes lead.

use super::*;

/// C-042: a route service that is no https URL refuses the whole message
/// C-043: no route service is fine
/// C-044: an empty one is fine
/// C-045: an https URL is fine
/// C-046: an http URL is not
/// C-047: only the beginning is looked at
/// C-048: case matters
/// C-050: the words of the refusal are Gorouter's
#[test]
fn route_services_are_reached_over_https() {
    for url in ["", "https://rs.example.com/x?y", "httpsfoo"] {
        let registration = registration(json!({"route_service_url": url}));
        assert_eq!(registration.description.route_service_url(), url);
    }
    for url in ["url", "http://rs.example.com", "HTTPS://x", " https://x"] {
        let payload = message(json!({"uris": ["a.b", "c.d"], "route_service_url": url}));
        let refusal = refused(&payload);
        assert_eq!(refusal.cause, Cause::RouteServiceNotHttps, "{url}");
        assert_eq!(
            refusal.to_string(),
            "Unable to validate message. route_service_url must be https"
        );
    }
}

/// C-053: one message with two URIs is two routes of one endpoint
/// R-112: what is wrong with one URI drops that URI only
#[test]
fn uris_stand_for_themselves() {
    let uris = json!([
        "a.example.com",
        "http://b",
        "C.example.com/X",
        null,
        "*.d.example.com"
    ]);
    let parsed = parsed(&message(json!({"uris": uris})));
    let taken: Vec<_> = parsed
        .registration
        .uris
        .iter()
        .map(|uri| uri.key().to_string())
        .collect();
    assert_eq!(
        taken,
        ["a.example.com", "c.example.com/x", "*.d.example.com"]
    );
    let causes: Vec<_> = parsed
        .refusals
        .iter()
        .map(|refusal| refusal.cause)
        .collect();
    assert_eq!(causes, [Cause::UriScheme, Cause::UriNoHost]);
}

/// C-054: a message without URIs does nothing, whatever else it says
#[test]
fn without_uris_there_is_nothing_to_do() {
    for payload in ["{}", r#"{"uris":[]}"#, r#"{"uris":null,"host":"0.0.0.0"}"#] {
        let parsed = parsed(payload);
        assert!(
            parsed.registration.uris.is_empty() && parsed.refusals.is_empty(),
            "{payload}"
        );
    }
}

/// R-112: an endpoint that must not be reached costs the message, and names its publisher
#[test]
fn a_refused_endpoint_names_its_publisher() {
    let payload = message(json!({"host": "169.254.169.254"}));
    let refused = parse(payload.as_bytes(), &policy(), None).unwrap_err();
    assert_eq!(refused.refusal.cause, Cause::HostMetadata);
    assert_eq!(refused.publisher, "169.254.169.254");
    let unread = parse(b"{", &policy(), None).unwrap_err();
    assert_eq!(unread.publisher, "");
    let local = message(json!({"host": "127.0.0.1"}));
    assert!(parse(local.as_bytes(), &policy(), None).is_err());
    let allowed = Policy {
        allow_loopback: true,
        ..policy()
    };
    assert!(parse(local.as_bytes(), &allowed, None).is_ok());
}

/// R-119: what cannot be decoded names its publisher all the same
#[test]
fn an_unread_message_names_its_publisher() {
    let tags: serde_json::Map<_, _> = (0..1000).map(|tag| (tag.to_string(), json!(""))).collect();
    for (fields, cause) in [
        (json!({"port": "80"}), Cause::WrongType),
        (json!({"uris": vec!["a"; 5000]}), Cause::TooManyUris),
        (json!({"tags": tags}), Cause::TooManyTags),
        (json!({"app": "a".repeat(300_000)}), Cause::TooLarge),
    ] {
        for host in ["10.0.0.1", "10.0.0.2"] {
            let mut payload = message(fields.clone());
            payload = payload.replace("10.0.0.1", host);
            let refused = parse(payload.as_bytes(), &policy(), None).unwrap_err();
            assert_eq!(refused.refusal.cause, cause);
            assert_eq!(refused.publisher, host, "{cause:?}");
        }
    }
}
