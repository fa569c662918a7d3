//! Messages as the publishers of Cloud Foundry make them.

use super::*;

/// The message of a route-emitter for one instance of a Diego app, as it marshals it.
#[test]
fn messages_of_the_route_emitter_are_taken() {
    let payload = r#"{"host":"10.0.16.9","port":61012,"tls_port":61014,"protocol":"http1",
        "uris":["dora.apps.example.com"],"app":"b1e2c2f0-4a0c-4c80-9b8a-2f9a2b1c0d11",
        "private_instance_id":"7f9e0a3c-7b1e-4b0a-6a3d-5c1d","private_instance_index":"0",
        "server_cert_domain_san":"7f9e0a3c-7b1e-4b0a-6a3d-5c1d","isolation_segment":"segment-a",
        "tags":{"app_id":"b1e2c2f0","app_name":"dora","component":"route-emitter","instance_id":"0",
        "organization_id":"o","organization_name":"org","process_id":"b1e2c2f0",
        "process_instance_id":"7f9e","process_type":"web","source_id":"b1e2c2f0","space_id":"s",
        "space_name":"space"},"endpoint_updated_at_ns":1732252366620367882,
        "availability_zone":"z1","options":{"loadbalancing":"least-connection"}}"#;
    let parsed = parsed(payload);
    assert!(parsed.refusals.is_empty() && parsed.unknown_keys == 0);
    let Registration {
        address,
        description,
        uris,
        segment,
        ..
    } = parsed.registration;
    assert_eq!(&*address, "10.0.16.9:61014");
    assert!(description.is_tls());
    assert_eq!(
        description.server_cert_domain_san(),
        description.instance_id()
    );
    assert_eq!(description.tag("process_type"), Some("web"));
    assert_eq!(description.updated_at_ns(), 1_732_252_366_620_367_882);
    assert_eq!(uris[0].key().to_string(), "dora.apps.example.com");
    assert_eq!(&*segment, "segment-a");
}

/// The messages of a route-registrar: with and without TLS, tags that are null, several URIs.
#[test]
fn messages_of_the_route_registrar_are_taken() {
    let plain = r#"{"uris":["api.sys.example.com","*.api.sys.example.com"],"host":"10.0.1.30",
        "tags":null,"port":9024,"private_instance_id":"2c3f5d0e-0b5e-4e53-7c2e-2f1d8a1f5b54"}"#;
    let Registration {
        address,
        description,
        uris,
        ..
    } = parsed(plain).registration;
    assert_eq!((&*address, uris.len()), ("10.0.1.30:9024", 2));
    assert!(!description.is_tls() && !description.has_tags());
    let tls = r#"{"uris":["uaa.sys.example.com"],"host":"10.0.1.40","tags":{"component":"uaa"},
        "tls_port":8443,"protocol":"http2","server_cert_domain_san":"uaa.service.cf.internal",
        "private_instance_id":"d1f0","availability_zone":"z2",
        "route_service_url":"https://rs.sys.example.com","options":{}}"#;
    let Registration {
        address,
        description,
        ..
    } = parsed(tls).registration;
    assert_eq!(&*address, "10.0.1.40:8443");
    assert_eq!(
        description.server_cert_domain_san(),
        "uaa.service.cf.internal"
    );
    assert_eq!(description.protocol(), "http2");
}
